"""JSON Schema of mltk.yaml, for editors and for those who want to check a file without mltk."""

from __future__ import annotations

import importlib.resources
import json
import re
from typing import Any

from mltk.project.spec import Project

FILENAME = "schema.json"
_VARIABLE = r"^\$\(matrix\.[A-Za-z][A-Za-z0-9_-]*\)$"
_ANNOTATIONS = ("description", "default", "title")
_NAME_WITH_VARIABLES = r"^([-a-z0-9]|\$\(matrix\.[A-Za-z][A-Za-z0-9_-]*\))*\$\(matrix\..*$"


def schema() -> dict[str, Any]:
    """The schema as the types give it (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Project.model_json_schema(mode="validation"),
    }


def templated() -> dict[str, Any]:
    """The schema of the file as it is typed: variables of a matrix stand where their values go."""
    found = schema()
    models = found["properties"]["models"]
    (model,) = models["patternProperties"].values()
    models["patternProperties"][_NAME_WITH_VARIABLES] = model
    for part in _reached(found["$defs"], "Model"):
        for name, each in found["$defs"][part].get("properties", {}).items():
            found["$defs"][part]["properties"][name] = _or_variable(each)
    return found


def _reached(parts: dict[str, Any], name: str) -> list[str]:
    """The types that stand in the one called `name`, and itself; a matrix has no variables."""
    found, ahead = [], [name]
    while ahead:
        part = ahead.pop()
        if part in found or part == "Matrix":
            continue
        found.append(part)
        ahead += sorted(set(re.findall(r"#/\$defs/(\w+)", json.dumps(parts[part]))))
    return found


def _or_variable(field: dict[str, Any]) -> dict[str, Any]:
    """What takes any text takes a variable, too."""
    if field.get("type") == "string" and "pattern" not in field:
        return field
    told: dict[str, Any] = {
        key: field[key] for key in ("description", "default", "title") if key in field
    }
    rest: dict[str, Any] = {key: value for key, value in field.items() if key not in told}
    if "items" in rest:
        rest["items"] = _or_variable(rest["items"])
    return told | {"anyOf": [rest, {"type": "string", "pattern": _VARIABLE}]}


def render() -> str:
    """The schema as text, the same bytes for the same types."""
    return json.dumps(templated(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def shipped() -> str:
    """The schema that the package ships; a test keeps it equal to `render`."""
    return (importlib.resources.files("mltk.project") / FILENAME).read_text(encoding="utf-8")
