"""What must hold in a PipelineRun (``pipelinerun_validation.go`` of Tekton), in Tekton's words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mltk.tekton import params
from mltk.tekton.config import Config
from mltk.tekton.durations import NO_TIMEOUT, format_duration, optional_duration
from mltk.tekton.fields import Problem, repeated
from mltk.tekton.objects import Obj
from mltk.tekton.pipelinerules import again, check_pipeline
from mltk.tekton.pipelinevariables import check_params
from mltk.tekton.references import looks_like_result
from mltk.tekton.refs import check_ref
from mltk.tekton.steprules import check_unknown
from mltk.tekton.substitution import references
from mltk.tekton.taskrunrules import check_binding, check_requests
from mltk.tekton.variablerules import quoted
from mltk.tekton.verdicts import listed

_STATUSES = ("Cancelled", "CancelledRunFinally", "StoppedRunFinally", "PipelineRunPending")


def check_pipeline_run(spec: Obj, path: str, config: Config) -> Iterator[Problem]:
    """Problems of a PipelineRun's spec."""
    ref, own = spec.get("pipelineRef"), spec.get("pipelineSpec")
    if (ref is None) == (own is None):
        which = "neither" if ref is None else "both"
        what = f"expected exactly one, got {which}"
        yield Problem(f"{path}.pipelineRef, {path}.pipelineSpec", what)
    if ref is not None:
        yield from check_ref(ref, f"{path}.pipelineRef")
    if own is not None:
        yield from check_pipeline(own, f"{path}.pipelineSpec", config, alone=False)
        yield from _check_propagated(spec, f"{path}.pipelineSpec")
    yield from _check_given(spec, path)
    limits = spec.get("timeouts") or {}
    whole = optional_duration(limits.get("pipeline"))
    limit = config.defaults.timeout if whole is None else whole
    yield from _check_timeouts(limits, f"{path}.timeouts", limit)
    for index, each in enumerate(spec.get("taskRunSpecs") or []):
        here = f"{path}.taskRunSpecs[{index}]"
        yield from check_requests(each, here)
        yield from _check_part(each, here, limits, limit)
    if (status := spec.get("status")) and status not in _STATUSES:
        allowed = f"{', '.join(_STATUSES[:-1])} or {_STATUSES[-1]}"
        yield Problem(f"{path}.status", f"invalid value: {status} should be {allowed}")


def _check_propagated(spec: Obj, path: str) -> Iterator[Problem]:
    """Params that nothing in the run has; as in Tekton it counts as had if any task has it.

    ``validateInlineParameters``, which looks at no task of `finally`.
    """
    pipeline = spec["pipelineSpec"]
    tasks = pipeline.get("tasks") or []
    embedded = [task.get("taskSpec") or {} for task in tasks]
    holders = [spec, pipeline, *tasks, *embedded]
    known = [each["name"] for holder in holders for each in holder.get("params") or []]
    for index, (task, own) in enumerate(zip(tasks, embedded, strict=True)):
        here = f"{path}.tasks[{index}]"
        for number, step in enumerate(own.get("steps") or []):
            yield from check_unknown(step, f"{here}.taskSpec.steps[{number}]", "params", known)
        yield from check_params(task, known, here)


def _check_given(spec: Obj, path: str) -> Iterator[Problem]:
    """Params and workspaces that the run brings."""
    given = spec.get("params") or []
    for name in repeated(each["name"] for each in given).values():
        yield Problem(f"{path}.params[{name}].name", "expected exactly one, got both")
    for each in given:
        used = list(references(params.read_value(each.get("value"))))
        if results := [found for found in used if looks_like_result(found)]:
            what = f"cannot use result expressions in {listed(results)} as PipelineRun parameter"
            yield Problem(f"{path}.params[{each['name']}].value", f"invalid value: {what} values")
    bindings = spec.get("workspaces") or []
    for index, binding in enumerate(bindings):
        yield from check_binding(binding, f"{path}.workspaces[{index}]")
    for index, name, first in again(bindings):
        what = f"workspace {quoted(name)} provided by pipelinerun more than once, at index"
        yield Problem(f"{path}.workspaces[{index}].name", f"{what} {first} and {index}")


def _check_timeouts(timeouts: Obj, path: str, limit: timedelta) -> Iterator[Problem]:
    """The parts are no longer than the whole; no limit for a part needs none for the whole."""
    if limit == NO_TIMEOUT:
        return
    rule = "should be <= pipeline duration"
    parts = {part: optional_duration(timeouts.get(part)) for part in ("tasks", "finally")}
    for part, found in parts.items():
        if found is None or NO_TIMEOUT < found <= limit:
            continue
        shown = format_duration(found) + (" (no timeout)" if found == NO_TIMEOUT else "")
        yield Problem(f"{path}.{part}", f"invalid value: {shown} {rule}")
    tasks, final = parts["tasks"], parts["finally"]
    if tasks is not None and final is not None and tasks + final > limit:
        shown = f"{format_duration(tasks)} + {format_duration(final)}"
        yield Problem(f"{path}.finally, {path}.tasks", f"invalid value: {shown} {rule}")


def _check_part(each: Obj, path: str, timeouts: Obj, whole: timedelta) -> Iterator[Problem]:
    """The limit of a single task is within that of the tasks, else that of the run."""
    found = optional_duration(each.get("timeout"))
    tasks = optional_duration(timeouts.get("tasks"))
    limit, source = (whole, "pipeline duration")
    if tasks is not None:
        limit, source = (tasks, "pipeline tasks duration")
    if found is not None and limit != NO_TIMEOUT and found > limit:
        shown = f"{format_duration(found)} should be <= {source} {format_duration(limit)}"
        yield Problem(f"{path}.timeout", f"invalid value: {shown}")
