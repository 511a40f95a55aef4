"""What a TaskRun's steps wrote into their result files -> its results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltk.tekton.objects import Obj
from mltk.tekton.params import read_value, type_of
from mltk.tekton.substitution import Value
from mltk.tekton.verdicts import TaskRunRejected, user_error

# Kubernetes' limit of a termination message, which is the way results take out of a pod.
MAX_BYTES = 4096


@dataclass(frozen=True)
class ResultSpec:
    """A declared result; `type` is string, array or object, `properties` the keys of an object."""

    name: str
    type: str = "string"
    properties: tuple[str, ...] = ()


def read_specs(declared: Iterable[Obj]) -> tuple[ResultSpec, ...]:
    """Read ``results`` of a Task; one with properties and no type is an object."""
    return tuple(
        ResultSpec(
            each["name"],
            each.get("type") or ("object" if each.get("properties") is not None else "string"),
            tuple(sorted(each.get("properties") or ())),
        )
        for each in declared
    )


def collect_results(specs: Sequence[ResultSpec], raw: Mapping[str, str]) -> list[Obj]:
    """Results as they go into the status; `raw` is what the files hold, by result name.

    A text is taken as it is, line end included; lists and objects are JSON. Files that no result
    declares are ignored. Raises TaskRunRejected for a wrong type, for a key that is not there and
    for more than 4,096 bytes in all, counted as Tekton writes them.
    """
    written = [spec for spec in specs if spec.name in raw]
    _check_size({spec.name: raw[spec.name] for spec in written})
    values = {spec.name: _read(spec, raw[spec.name]) for spec in written}
    wrong = [_mismatch(spec, values[spec.name]) for spec in written]
    if found := sorted(each for each in wrong if each):
        _refuse(
            "Provided results don't match declared results; may be invalid JSON or missing result "
            f"declaration: {','.join(found)}"
        )
    lacking = {
        spec.name: sorted(set(spec.properties) - set(values[spec.name]))
        for spec in written
        if spec.type == "object"
    }
    if any(lacking.values()):
        keys = " ".join(f"{n}:[{' '.join(k)}]" for n, k in sorted(lacking.items()) if k)
        _refuse(
            "missing keys for these results which are required in TaskResult's properties "
            f"map[{keys}]"
        )
    return [{"name": s.name, "type": s.type, "value": values[s.name]} for s in written]


def _read(spec: ResultSpec, text: str) -> Value:
    if spec.type == "string":
        return text
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        return text
    return read_value(parsed)


def _mismatch(spec: ResultSpec, value: Value) -> str:
    if type_of(value) == spec.type:
        return ""
    return (
        f' "{spec.name}": task result is expected to be "{spec.type}" type but was initialized '
        f'to a different type "{type_of(value)}"'
    )


def _check_size(raw: Mapping[str, str]) -> None:
    entries = [{"key": name, "value": text, "type": 1} for name, text in raw.items()]
    size = len(json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode())
    if size > MAX_BYTES:
        largest = max(raw, key=lambda name: len(raw[name]))
        raise TaskRunRejected(
            "TaskRunResultLargerThanAllowedLimit",
            f"Termination message is above max allowed size {MAX_BYTES}, caused by large task "
            f'result: all results take {size} bytes, the largest is "{largest}"',
        )


def _refuse(message: str) -> None:
    raise TaskRunRejected("TaskRunValidationFailed", user_error(message))
