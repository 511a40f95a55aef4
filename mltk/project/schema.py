"""JSON Schema of mltk.yaml, for editors and for those who want to check a file without mltk."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

from mltk.project.spec import Project

FILENAME = "schema.json"


def schema() -> dict[str, Any]:
    """The schema as the types give it (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Project.model_json_schema(mode="validation"),
    }


def render() -> str:
    """The schema as text, the same bytes for the same types."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def shipped() -> str:
    """The schema that the package ships; a test keeps it equal to `render`."""
    return (importlib.resources.files("mltk.project") / FILENAME).read_text(encoding="utf-8")
