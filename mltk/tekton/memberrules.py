"""What a task of a Pipeline is: a Task, a Pipeline, or for others (``validateRefOrSpec``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mltk.tekton.childkinds import child_kind, is_defaulted
from mltk.tekton.config import Config
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.references import result_refs
from mltk.tekton.refs import check_ref
from mltk.tekton.taskrules import check_runnable, check_task

_TASK = ("taskRef", "taskSpec")
_PIPELINE = ("pipelineRef", "pipelineSpec")
_KINDS = ("", "Task")
_CheckPipeline = Callable[..., Iterator[Problem]]


def check_member(task: Obj, path: str, config: Config, inner: _CheckPipeline) -> Iterator[Problem]:
    """Problems of what a PipelineTask is; `inner` checks a Pipeline within the Pipeline."""
    found = [field for field in (*_TASK, *_PIPELINE) if task.get(field) is not None]
    if not found:
        alpha = _PIPELINE if config.flags.api_fields == "alpha" else ()
        yield Problem(_paths(path, (*_TASK, *alpha)), "expected exactly one, got neither")
    elif len(found) > 1:
        yield Problem(_paths(path, found), "expected exactly one, got multiple")
    ref, spec = task.get("taskRef") or {}, task.get("taskSpec") or {}
    yield from _check_embedded(spec, f"{path}.taskSpec")
    if _is_custom(ref) or _is_custom(spec):
        yield from _check_custom(task, path)
    else:
        yield from _check_parts(task, path, config, inner)


def _check_embedded(spec: Obj, path: str) -> Iterator[Problem]:
    for field in ("apiVersion", "kind") if spec.get("steps") else ():
        if spec.get(field):
            what = f"taskSpec.{field} cannot be specified when using taskSpec.steps"
            yield Problem(f"{path}.{field}", what)


def _check_parts(task: Obj, path: str, config: Config, inner: _CheckPipeline) -> Iterator[Problem]:
    spec = task.get("taskSpec") or {}
    if task.get("taskRef") is not None:
        yield from check_ref(task["taskRef"], f"{path}.taskRef")
    if task.get("taskSpec") is not None:
        yield from check_task(spec, f"{path}.taskSpec", alone=False, flags=config.flags)
        yield from check_runnable(spec, f"{path}.taskSpec")
    if task.get("pipelineRef") is not None:
        yield from check_ref(task["pipelineRef"], f"{path}.pipelineRef")
    if task.get("pipelineSpec") is not None:
        yield from inner(task["pipelineSpec"], f"{path}.pipelineSpec", config, alone=False)


def check_nested_results(spec: Obj, path: str) -> Iterator[Problem]:
    """No task uses results of a Pipeline within the Pipeline: they stay in it."""
    sections = [(field, spec.get(field) or []) for field in ("tasks", "finally")]
    tasks = [task for _, listed in sections[:1] for task in listed]
    nested = {task["name"] for task in tasks if child_kind(task) == "PipelineRun"}
    for field, listed in sections:
        for index, task in enumerate(listed):
            for ref in result_refs(task):
                if ref.task in nested:
                    yield Problem(
                        f"{path}.{field}[{index}]",
                        f'invalid value: result reference to pipelineTask "{ref.task}" is not '
                        "supported: referenced task uses pipelineRef or pipelineSpec and result "
                        "propagation from child Pipelines is not yet implemented",
                    )


def _is_custom(holder: Obj) -> bool:
    return bool(holder.get("apiVersion")) or (holder.get("kind") or "") not in _KINDS


def _check_custom(task: Obj, path: str) -> Iterator[Problem]:
    for field, called in (("taskRef", "custom task ref"), ("taskSpec", "custom task spec")):
        holder = task.get(field)
        if holder is None:
            continue
        if not holder.get("kind") and not is_defaulted(task, holder):
            what = f"invalid value: {called} must specify kind"
            yield Problem(f"{path}.{field}.kind", what)
        version = holder.get("apiVersion") or ""
        if not version:
            what = f"invalid value: {called} must specify apiVersion"
            yield Problem(f"{path}.{field}.apiVersion", what)
        elif len(version.split("/")) != 2 or not all(version.split("/")):
            what = (
                f'invalid value: invalid apiVersion format "{version}", must be in the format '
                '"group/version"'
            )
            yield Problem(f"{path}.{field}.apiVersion", what)


def _paths(path: str, fields: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"{path}.{field}" for field in fields)
