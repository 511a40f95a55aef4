"""Params: their types, values and defaults, and whether what is given fits what is declared.

Rules: ``ParamSpec.SetDefaults`` and ``ParamValue.UnmarshalJSON`` of Tekton's API, the checks of
``pipelinerun/resources/validate_params.go`` and ``taskrun/validate_taskrun.go``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mltk.tekton.objects import Obj
from mltk.tekton.substitution import Value, Variables, collect, references, text, texts

PATTERNS = ("params.{}", 'params["{}"]', "params['{}']", "inputs.params.{}")
_MAX_DEPTH = 10  # of defaults that refer to one another
_INDEXED = re.compile(r"""\$\(params(?:\.([\w.-]+)|\[["']([^"']+)["']\])\[(\d+)\]\)""")
# What Tekton looks at to find a param that is not there; behind a name in quotes comes nothing.
_NAMED = re.compile(r"""\$\(params(?:\.([\w-]+)(?:[.\[][^()]*)?|\[["']([^"']+)["']\])\)""")


def read_value(raw: Any) -> Value:
    """A value as it stands in YAML, as Tekton takes it.

    Numbers and booleans become text; so do lists and objects of anything but texts, as JSON.
    """
    if isinstance(raw, str):
        return raw
    if raw is None:
        return ""
    if isinstance(raw, list) and all(item is None or isinstance(item, str) for item in raw):
        return [item or "" for item in raw]
    if isinstance(raw, dict) and all(v is None or isinstance(v, str) for v in raw.values()):
        return {str(key): item or "" for key, item in raw.items()}
    return json.dumps(_whole_numbers(raw), separators=(",", ":"), ensure_ascii=False)


def type_of(value: Value) -> str:
    """``string``, ``array`` or ``object``."""
    return {list: "array", dict: "object"}.get(type(value), "string")


def spec_type(spec: Obj) -> str:
    """Type of a declared param: its type > properties > its default's > string."""
    if spec.get("type"):
        return str(spec["type"])
    if spec.get("properties") is not None:
        return "object"
    return "string" if spec.get("default") is None else type_of(read_value(spec["default"]))


def given(params: Iterable[Obj] | None) -> dict[str, Value]:
    """Values of a list of params, by name."""
    return {param["name"]: read_value(param.get("value")) for param in params or ()}


def variables(values: Mapping[str, Value]) -> Variables:
    """Variables that stand for params: four spellings, ``[i]``, whole lists, ``.key``."""
    return collect(values, PATTERNS, lambda name, key: (f"params.{name}.{key}",))


def with_defaults(specs: Iterable[Obj], values: Mapping[str, Value]) -> dict[str, Value]:
    """Values with the defaults of a Task, which may name other params (one pass).

    Keys that an object lacks come from its default.
    """
    defaults = {
        spec["name"]: read_value(spec["default"])
        for spec in specs
        if spec.get("default") is not None
    }
    plain = {
        name: default
        for name, default in defaults.items()
        if not (isinstance(default, str) and "$(params." in default)
    }
    # As in Tekton, a default sees other defaults here, not the values of the TaskRun.
    known = variables(plain)
    merged: dict[str, Value] = {
        name: text(default, known) if isinstance(default, str) else default
        for name, default in defaults.items()
    }
    return _overlay(merged, values)


def with_nested_defaults(specs: Iterable[Obj], values: Mapping[str, Value]) -> dict[str, Value]:
    """Values with the defaults of a Pipeline, which may name one another up to ten deep.

    Raises ValueError for a circle, for more than ten steps and for a param that is not there.
    """
    defaults = {
        spec["name"]: read_value(spec["default"])
        for spec in specs
        if spec.get("default") is not None
    }
    known: dict[str, Value] = dict(values)
    waiting = {
        name: default
        for name, default in defaults.items()
        if name not in known and isinstance(default, str)
    }
    for name in waiting:
        _resolve(name, waiting, known, ())
    spelled = variables(known)
    for name, default in defaults.items():
        if name not in known:
            known[name] = _fill(default, spelled)
    return _overlay({name: _fill(default, spelled) for name, default in defaults.items()}, known)


def named(text: str) -> list[str]:
    """Names of the params that a text asks for."""
    return [found[1] or found[2] for found in _NAMED.finditer(text)]


def missing(specs: Iterable[Obj], values: Mapping[str, Value]) -> list[str]:
    """Names of declared params that have neither a value nor a default."""
    return [s["name"] for s in specs if s.get("default") is None and s["name"] not in values]


def wrong_types(specs: Iterable[Obj], values: Mapping[str, Value], *, open_: bool) -> list[str]:
    """Names of params whose value is not of the declared type.

    With `open_`, a text that holds a variable may still become a list or an object.
    """
    types = {spec["name"]: spec_type(spec) for spec in specs}
    found = []
    for name, value in values.items():
        wanted = types.get(name, type_of(value))
        may_become = open_ and isinstance(value, str) and any(references(value))
        if type_of(value) != wanted and not (may_become and wanted != "string"):
            found.append(name)
    return found


def missing_keys(specs: Iterable[Obj], values: Mapping[str, Value]) -> dict[str, list[str]]:
    """Declared keys that neither the value of an object param nor its default holds."""
    found = {}
    for spec in specs:
        if spec_type(spec) != "object":
            continue
        default = read_value(spec.get("default"))
        value = values.get(spec["name"])
        if not isinstance(default, dict) and not isinstance(value, dict):
            continue
        keys = {*(default if isinstance(default, dict) else ())}
        keys |= {*(value if isinstance(value, dict) else ())}
        lacking = sorted(set(spec.get("properties") or ()) - keys)
        if lacking:
            found[spec["name"]] = lacking
    return found


def out_of_bounds(tree: Any, values: Mapping[str, Value]) -> list[str]:
    """References such as ``$(params.x[3])`` in a tree to elements that a list does not have."""
    found = set()
    for each in texts(tree):
        for match in _INDEXED.finditer(each):
            value = values.get(match[1] or match[2])
            if isinstance(value, list) and int(match[3]) >= len(value):
                found.add(match[0])
    return sorted(found)


def _overlay(defaults: Mapping[str, Value], values: Mapping[str, Value]) -> dict[str, Value]:
    merged: dict[str, Value] = {**defaults, **values}
    for name, value in values.items():
        default = defaults.get(name)
        if isinstance(value, dict) and isinstance(default, dict):
            merged[name] = {**default, **value}
    return merged


def _fill(default: Value, known: Variables) -> Value:
    if isinstance(default, list):
        return [text(item, known) for item in default]
    if isinstance(default, dict):
        return {key: text(item, known) for key, item in default.items()}
    return text(default, known)


def _resolve(
    name: str, waiting: Mapping[str, str], known: dict[str, Value], path: tuple[str, ...]
) -> None:
    """Put the value of the default `name` into `known`, and what it names before it."""
    if name in known:
        return
    problem = "parameter resolution failed: "
    if name in path:
        raise ValueError(f'{problem}circular dependency detected in param "params.{name}"')
    if len(path) > _MAX_DEPTH:
        raise ValueError(
            f'{problem}maximum recursion depth ({_MAX_DEPTH}) exceeded for param "params.{name}"'
        )
    for reference in references(waiting[name]):
        other = reference.removeprefix("params.")
        if other == reference:
            continue  # a variable of another kind, e.g. of the context
        if other in waiting:
            _resolve(other, waiting, known, (*path, name))
        elif reference not in variables(known).texts:
            raise ValueError(
                f'{problem}param "params.{name}" references undefined param "{reference}"'
            )
    known[name] = text(waiting[name], variables(known))


def _whole_numbers(raw: Any) -> Any:
    """Write numbers as Go's JSON does: 1.0 is 1."""
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e21:
        return int(raw)
    if isinstance(raw, dict):
        return {str(key): _whole_numbers(raw[key]) for key in sorted(raw, key=str)}
    return [_whole_numbers(item) for item in raw] if isinstance(raw, list) else raw
