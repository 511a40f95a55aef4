"""Params that take certain values only (``enum``, alpha in Tekton: ``enable-param-enum``).

Rules: ``validateParamEnums``, ``ValidateEnumParam`` and ``ValidateParamEnumSubset`` of Tekton.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from mltk.tekton import params
from mltk.tekton.objects import Obj, by_name
from mltk.tekton.verdicts import listed


def problems(spec: Obj) -> Iterator[str]:
    """What is wrong with the `enum` of a declared param."""
    allowed = spec.get("enum") or []
    if not allowed:
        return
    if params.spec_type(spec) != "string":
        yield "enum can only be set with string type param"
    for value, count in Counter(allowed).items():
        if count > 1:
            yield f"parameter enum value {value} appears more than once"
    default = params.read_value(spec.get("default"))
    if isinstance(default, str) and default and default not in allowed:
        yield f"param default value {default} not in the enum list"


def outside(declared: Iterable[Obj], given: Iterable[Obj]) -> str:
    """What Tekton says of the first param that has another value than it may; empty if none has.

    As in Tekton an empty text is always taken.
    """
    allowed = {spec["name"]: spec["enum"] for spec in declared if spec.get("enum")}
    for each in given:
        value = params.read_value(each.get("value"))
        if value and isinstance(value, str) and value not in allowed.get(each["name"], [value]):
            return f"param `{each['name']}` value: {value} is not in the enum list"
    return ""


def too_wide(task: Obj, pipeline: Sequence[Obj], declared: Sequence[Obj], called: str) -> str:
    """Why params of a Pipeline may bring a Task what it does not take; empty if they do not.

    `task` is the PipelineTask as it is written, `pipeline` and `declared` are the params of the
    Pipeline and of the Task, which is `called` so. As in Tekton the first param that needs no look
    ends the looking.
    """
    outer, inner = by_name([*pipeline]), by_name([*declared])
    for each in task.get("params") or ():
        value = params.read_value(each.get("value"))
        named = params.named(value) if isinstance(value, str) else []
        if len(named) != 1:
            continue
        given = outer.get(named[0].split("[")[0], {})
        wanted = inner.get(each["name"], {}).get("enum") or []
        if not given or params.spec_type(given) != "string" or not wanted:
            return ""
        allowed = given.get("enum") or []
        name = f'pipeline param "{given["name"]}"'
        if not allowed:
            shown = listed(wanted)
            return f'{name} has no enum, but referenced in "{called}" task has enums: {shown}'
        if not set(allowed) <= set(wanted):
            return (
                f'{name} enum: {listed(allowed)} is not a subset of the referenced in "{called}" '
                f"task param enum: {listed(wanted)}"
            )
    return ""
