"""What must hold in declared params (``task_validation.go``, ``param_types.go`` of Tekton)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mltk.tekton import enums, params
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.verdicts import listed

TYPES = ("string", "array", "object")
_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9.-]*")
_OBJECT_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9-]*")
_NAME_RULE = (
    "String/Array Names: \nMust only contain alphanumeric characters, hyphens (-), underscores (_),"
    " and dots (.)\nMust begin with a letter or an underscore (_)"
)
_OBJECT_NAME_RULE = (
    "Object Names: \nMust only contain alphanumeric characters, hyphens (-), underscores (_) \n"
    "Must begin with a letter or an underscore (_)"
)


def check_param_specs(specs: Iterable[Obj], path: str) -> Iterator[Problem]:
    """Problems of the params at `path`: their types, defaults and names."""
    declared = list(specs)
    for spec in declared:
        yield from _check_type(spec, f"{path}.{spec['name']}")
    for name, count in Counter(each["name"] for each in declared).items():
        if count > 1:
            yield Problem(f"{path}[{name}]", "parameter appears more than once")
    for spec in declared:
        for what in enums.problems(spec):
            yield Problem(f"{path}[{spec['name']}]", what)
    yield from _check_names(declared, path)


def check_objects(specs: Iterable[Obj], path: str) -> Iterator[Problem]:
    """Objects say which keys they have; `path` is that of what declares them."""
    for spec in specs:
        if params.spec_type(spec) == "object" and spec.get("properties") is None:
            yield Problem(f"{path}.{spec['name']}.properties", "missing field(s)")


def by_type(specs: Iterable[Obj]) -> Mapping[str, list[str]]:
    """Names of declared params by their type."""
    found: dict[str, list[str]] = {kind: [] for kind in TYPES}
    for spec in specs:
        found.setdefault(params.spec_type(spec), []).append(spec["name"])
    return found


def _check_type(spec: Obj, path: str) -> Iterator[Problem]:
    kind = params.spec_type(spec)
    if kind not in TYPES:
        yield Problem(f"{path}.type", f"invalid value: {kind}", advice=f"; use {', '.join(TYPES)}")
        return
    default = spec.get("default")
    found = kind if default is None else params.type_of(params.read_value(default))
    if found != kind:
        what = f'"{kind}" type does not match default value\'s type: "{found}"'
        yield Problem(f"{path}.default.type, {path}.type", what)
        return
    properties = spec.get("properties") or {}
    wrong = [k for k, each in properties.items() if (each or {}).get("type", "string") != "string"]
    if wrong:
        what = f"The value type specified for these keys {listed(wrong)} is invalid"
        yield Problem(f"{path}.properties", what)


def _check_names(declared: Sequence[Obj], path: str) -> Iterator[Problem]:
    plain = sorted({each["name"] for each in declared if params.spec_type(each) != "object"})
    if wrong := [name for name in plain if not _NAME.fullmatch(name)]:
        what = (
            f"The format of following array and string variable names is invalid: {listed(wrong)}"
        )
        yield Problem(path, what, details=_NAME_RULE)
    keys = {
        each["name"]: [k for k in each.get("properties") or () if not _OBJECT_NAME.fullmatch(k)]
        for each in declared
        if params.spec_type(each) == "object"
    }
    bad = {name: found for name, found in keys.items() if found or not _OBJECT_NAME.fullmatch(name)}
    if bad:
        shown = " ".join(f"{name}:{listed(found)}" for name, found in sorted(bad.items()))
        what = f"Object param name and key name format is invalid: map[{shown}]"
        yield Problem(path, what, details=_OBJECT_NAME_RULE)
