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

# Kubernetes' limit of a termination message, which is the way results take out of a pod, and the
# entry in it that Tekton adds to them (``pkg/entrypoint``).
MAX_BYTES = 4096
_STARTED = {"key": "StartedAt", "value": "2026-01-01T00:00:00.000Z", "type": 3}
TOO_LARGE = (
    f"Termination message is above max allowed size {MAX_BYTES}, caused by large task result."
)
_ESCAPED = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


@dataclass(frozen=True)
class ResultSpec:
    """A declared result; `type` is string, array or object, `properties` the keys of an object."""

    name: str
    type: str = "string"
    properties: tuple[str, ...] = ()


class ResultsRejected(TaskRunRejected):
    """Results that do not fit what is declared; `results` are those that may be taken."""

    def __init__(self, message: str, results: Sequence[Obj]) -> None:
        super().__init__("TaskRunValidationFailed", user_error(message))
        self.results = results


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

    They come in the order of `raw`. A text is taken as it is, line end included; lists and objects
    are JSON. Files that no result declares are ignored. Raises ResultsRejected for a wrong type and
    for a key that is not there.
    """
    declared = {spec.name: spec for spec in specs}
    written = [declared[name] for name in raw if name in declared]
    values = {spec.name: _read(spec, raw[spec.name]) for spec in written}
    wrong = {spec.name: _mismatch(spec, values[spec.name]) for spec in written}
    results = [
        {"name": spec.name, "type": spec.type, "value": values[spec.name]}
        for spec in written
        if not wrong[spec.name]
    ]
    if found := sorted(each for each in wrong.values() if each):
        raise ResultsRejected(
            "Provided results don't match declared results; may be invalid JSON or missing result "
            f"declaration: {','.join(found)}",
            results,
        )
    lacking = {
        spec.name: sorted(set(spec.properties) - set(values[spec.name]))
        for spec in written
        if spec.type == "object"
    }
    if any(lacking.values()):
        keys = " ".join(f"{n}:[{' '.join(k)}]" for n, k in sorted(lacking.items()) if k)
        raise ResultsRejected(
            "missing keys for these results which are required in TaskResult's properties "
            f"map[{keys}]",
            results,
        )
    return results


def message_bytes(raw: Mapping[str, str]) -> int:
    """How long the message is in which a step tells results, as Go writes it."""
    return _bytes([{"key": name, "value": text, "type": 1} for name, text in sorted(raw.items())])


def started_bytes() -> int:
    """What Tekton adds to that message after the results: when the step started."""
    return _bytes([_STARTED]) - len("[]") + len(",")


def _bytes(entries: Sequence[Obj]) -> int:
    written = json.dumps(entries, separators=(",", ":"), ensure_ascii=False)
    return len(written.translate(_ESCAPED).encode())


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
