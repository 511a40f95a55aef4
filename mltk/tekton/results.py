"""What a TaskRun's steps wrote into their result files -> its results."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mltk.tekton.objects import Obj
from mltk.tekton.params import read_value, type_of
from mltk.tekton.substitution import Value
from mltk.tekton.verdicts import TaskRunRejected, user_error

# Kubernetes' limit of a termination message, which is the way results take out of a pod, and the
# entry in it that Tekton adds to them (``pkg/entrypoint``).
MAX_BYTES = 4096
# With ``enable-termination-message-compression``: how long one may be that can be read again.
_READABLE, _COMPRESSED_PREFIX = 128 * 1024, "tknz:"
_STARTED = {"key": "StartedAt", "value": "2026-01-01T00:00:00.000Z", "type": 3}
TOO_LARGE = (
    f"Termination message is above max allowed size {MAX_BYTES}, caused by large task result."
)
_OF_TASK, _OF_STEP = 1, 4  # types of entries (``pkg/result``)
OF_A_STEP = re.compile(r"\$\(steps\.(.*?)\.results\.(.*?)\)")
_ESCAPED = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


@dataclass(frozen=True)
class ResultSpec:
    """A declared result; `type` is string, array or object, `properties` the keys of an object.

    A result of a Task that is one of a step (`of_step`, of the step `step`) is not read from a file
    of its own. The results of a step that is no StepAction may have no type: then what is written
    tells it.
    """

    name: str
    type: str = "string"
    properties: tuple[str, ...] = ()
    step: str | None = None
    of_step: str = ""


@dataclass(frozen=True)
class Told:
    """What a step told by its termination message, by the names of results.

    `too_large` when something did not fit, which fails the step.
    """

    of_task: Mapping[str, str]
    of_step: Mapping[str, str]
    too_large: bool = False


class ResultsRejected(TaskRunRejected):
    """Results that do not fit what is declared; `results` are those that may be taken."""

    def __init__(self, message: str, results: Sequence[Obj]) -> None:
        super().__init__("TaskRunValidationFailed", user_error(message))
        self.results = results


def read_specs(declared: Iterable[Obj]) -> tuple[ResultSpec, ...]:
    """Read ``results`` of a Task; one with properties and no type is an object."""
    return tuple(_read_spec(with_type(each)) for each in declared)


def read_step_specs(declared: Iterable[Obj], *, named: bool) -> tuple[ResultSpec, ...]:
    """Read ``results`` of a step, which get no default type (``TaskSpec.SetDefaults``).

    Of a step that has no name Tekton finds no types at all.
    """
    specs = (_read_spec({"type": "", **each}) for each in declared)
    return tuple(each if named else replace(each, type="") for each in specs)


def with_type(declared: Obj) -> Obj:
    """A declared result with its default type: object when it has properties, else string."""
    kind = "object" if declared.get("properties") is not None else "string"
    return {**declared, "type": declared.get("type") or kind}


def told(
    of_task: Mapping[str, str],
    of_step: Mapping[str, str],
    more: Sequence[Obj] = (),
    *,
    compressed: bool = False,
) -> Told:
    """What of a step's files gets out of its pod; both come in the order of their names.

    The entrypoint writes the results of the Task, those of the step, and then its own entries and
    `more` of them, as long as there is room. Of equal names the one of the step counts
    (``termination.ParseMessage``). Where messages are `compressed`, a longer one has room, but
    whatever cannot be read again is gone with the next entry (``termination.writeMessage``).
    """
    size = _least_bytes if compressed else _bytes
    written = _entries(of_task, _OF_TASK)
    if size(written) > MAX_BYTES:
        return Told({}, {}, too_large=True)
    if compressed and _bytes(written) > _READABLE:
        of_task, written = {}, []
    written += _entries(of_step, _OF_STEP)
    if size(written) > MAX_BYTES:
        return Told(_sorted(of_task), {}, too_large=True)
    if compressed and _bytes(written) > _READABLE:
        return Told({}, {})
    left = {name: text for name, text in of_task.items() if name not in of_step}
    is_too_large = size([*written, _STARTED, *more]) > MAX_BYTES
    return Told(_sorted(left), _sorted(of_step), is_too_large)


def logged(
    step: str, of_task: Mapping[str, str], of_step: Mapping[str, str], limit: int
) -> tuple[Told, str]:
    """What gets out where results are logged (``results-from: sidecar-logs``); why it is too long.

    Each is a line of a log, which may have `limit` bytes (``internal/sidecarlogresults``).
    """
    lines = [{"name": name, "value": text, "type": "task"} for name, text in of_task.items()]
    lines += [
        {"name": f"step-{step}.{name}", "value": text, "type": "step"}
        for name, text in of_step.items()
    ]
    sizes = [_bytes([line]) - len("[]") for line in lines]
    long = next((size for size in sizes if size > limit), 0)
    why = f"{long} bytes results size exceeds configured limit of {limit} bytes" if long else ""
    return Told(of_task, of_step), why


def step_results(specs: Sequence[ResultSpec], raw: Mapping[str, str]) -> tuple[Obj, ...]:
    """Results of a step as they go into its state."""
    types = {spec.name: spec.type for spec in specs}
    found = {name: _typed(types.get(name, ""), text) for name, text in raw.items()}
    return tuple({"name": n, "type": type_of(v), "value": v} for n, v in found.items())


def task_values(
    specs: Sequence[ResultSpec], step: str, raw: Mapping[str, str], results: Sequence[Obj]
) -> dict[str, Value]:
    """Results of the Task that a step told: those it wrote, then those taken from its own."""
    types = {spec.name: spec.type for spec in specs}
    found = {name: _typed(types[name], text) for name, text in raw.items() if name in types}
    wanted = {spec.of_step: spec.name for spec in specs if spec.step == step and spec.of_step}
    taken = {wanted[r["name"]]: r["value"] for r in results if r["name"] in wanted}
    return {**found, **taken}


def collect_results(specs: Sequence[ResultSpec], values: Mapping[str, Value]) -> list[Obj]:
    """Results as they go into the status; `values` by the name of the result.

    They come in the order of `values`; what no result declares is ignored. Raises ResultsRejected
    for a wrong type and for a key that is not there.
    """
    declared = {spec.name: spec for spec in specs}
    written = [declared[name] for name in values if name in declared]
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


def from_json(text: str) -> Value:
    """What a file holds, as Tekton reads a value of which it knows no type.

    ``ParamValue.UnmarshalJSON``: a list or an object of texts, a text in quotes, or what is there.
    """
    try:
        parsed: Any = json.loads(text) if text else ""
    except (ValueError, RecursionError):
        return text
    if isinstance(parsed, list if text[:1] == "[" else dict if text[:1] == "{" else str):
        value = read_value(parsed)
        return value if isinstance(value, type(parsed)) else text
    return "" if parsed is None else text


def _bytes(entries: Sequence[Obj]) -> int:
    return len(_json(entries))


def _least_bytes(entries: Sequence[Obj]) -> int:
    """How long the entries are compressed, unless that makes them longer."""
    plain = _json(entries)
    deflated = zlib.compress(plain, level=9, wbits=-zlib.MAX_WBITS)
    encoded = base64.b64encode(deflated).rstrip(b"=")
    return min(len(plain), len(_COMPRESSED_PREFIX) + len(encoded))


def _json(entries: Sequence[Obj]) -> bytes:
    written = json.dumps(entries, separators=(",", ":"), ensure_ascii=False)
    return written.translate(_ESCAPED).encode()


def _read_spec(declared: Obj) -> ResultSpec:
    properties = tuple(sorted(declared.get("properties") or ()))
    if declared.get("value") is None:
        return ResultSpec(declared["name"], declared["type"], properties)
    found = OF_A_STEP.search(declared["value"])
    step, of_step = found.groups() if found else ("", "")
    return ResultSpec(declared["name"], declared["type"], properties, step, of_step)


def _typed(kind: str, text: str) -> Value:
    return text if kind == "string" else from_json(text)


def _entries(raw: Mapping[str, str], kind: int) -> list[Obj]:
    return [{"key": name, "value": text, "type": kind} for name, text in raw.items()]


def _sorted(raw: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(raw.items()))


def _mismatch(spec: ResultSpec, value: Value) -> str:
    if type_of(value) == spec.type:
        return ""
    return (
        f' "{spec.name}": task result is expected to be "{spec.type}" type but was initialized '
        f'to a different type "{type_of(value)}"'
    )
