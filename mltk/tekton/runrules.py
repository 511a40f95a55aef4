"""What must hold in a PipelineRun or TaskRun beyond the types of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mltk.tekton.config import Config
from mltk.tekton.durations import (
    NO_TIMEOUT,
    format_duration,
    optional_duration,
)
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.pipelinerules import (
    check_names,
    check_pipeline,
    check_ref_or_spec,
    unknown_params,
)
from mltk.tekton.references import looks_like_result
from mltk.tekton.steprules import check_unknown
from mltk.tekton.substitution import references
from mltk.tekton.taskrunrules import check_binding, check_manager, check_requests

_PIPELINE_RUN_STATUS = (
    "Cancelled", "CancelledRunFinally", "StoppedRunFinally", "PipelineRunPending",
)  # fmt: skip


def check_pipeline_run(spec: Obj, path: str, config: Config) -> Iterator[Problem]:
    """Problems of a PipelineRun's spec (``pipelinerun_validation.go`` of Tekton)."""
    yield from check_ref_or_spec(spec, "pipelineRef", "pipelineSpec", path)
    if spec.get("pipelineSpec") is not None:
        yield from check_pipeline(spec["pipelineSpec"], f"{path}.pipelineSpec", config, alone=False)
        yield from _check_propagated(spec, f"{path}.pipelineSpec")
    yield from _check_run(spec, path, _PIPELINE_RUN_STATUS)
    yield from check_manager(spec, path)
    for index, each in enumerate(spec.get("params") or []):
        if any(looks_like_result(found) for found in references(each.get("value"))):
            yield Problem(f"{path}.params[{index}].value", "a run's params take no task results")
    limit = config.defaults.timeout
    yield from _check_timeouts(spec.get("timeouts") or {}, f"{path}.timeouts", limit)
    for index, each in enumerate(spec.get("taskRunSpecs") or []):
        yield from check_requests(each, f"{path}.taskRunSpecs[{index}]")


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
        values = [each.get("value") for each in task.get("params") or []]
        yield from unknown_params(values, known, f"{here}.params")
        yield from unknown_params(task.get("when"), known, f"{here}.when")
        yield from unknown_params(task.get("matrix"), known, f"{here}.matrix")


def _check_run(spec: Obj, path: str, statuses: tuple[str, ...]) -> Iterator[Problem]:
    yield from check_names(spec.get("params") or [], f"{path}.params")
    status = spec.get("status")
    if status and status not in statuses:
        yield Problem(f"{path}.status", f"'{status}' is not one of {', '.join(statuses)}")
    bindings = spec.get("workspaces") or []
    yield from check_names(bindings, f"{path}.workspaces")
    for index, binding in enumerate(bindings):
        yield from check_binding(binding, f"{path}.workspaces[{index}]")


def _check_timeouts(timeouts: Obj, path: str, default: timedelta) -> Iterator[Problem]:
    """The parts are no longer than the whole; no limit for a part needs none for the whole."""
    whole = optional_duration(timeouts.get("pipeline"))
    limit = default if whole is None else whole
    if limit == NO_TIMEOUT:
        return
    named = f"{format_duration(limit)}{'' if whole is not None else ', the default'}"
    total = NO_TIMEOUT
    for part in ("tasks", "finally"):
        found = optional_duration(timeouts.get(part))
        if found is None:
            continue
        total += found
        if found == NO_TIMEOUT or found > limit:
            shown = "no limit" if found == NO_TIMEOUT else format_duration(found)
            yield Problem(f"{path}.{part}", f"{shown} is more than the pipeline's {named}")
            return
    if total > limit:
        shown = format_duration(total)
        yield Problem(path, f"tasks and finally take {shown}, more than the pipeline's {named}")
