"""What must hold in a Pipeline beyond the types of its fields (``pipeline_validation.go``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mltk.tekton import artifacts, dag
from mltk.tekton.config import Config
from mltk.tekton.fields import Problem
from mltk.tekton.matrixrules import check_consumers, check_matrix
from mltk.tekton.memberrules import check_member, check_nested_results
from mltk.tekton.objects import Obj
from mltk.tekton.paramrules import check_objects, check_param_specs
from mltk.tekton.pipelinevariables import (
    check_contexts,
    check_final_results,
    check_params,
    check_prefixes,
    check_results,
    check_statuses,
)
from mltk.tekton.references import dependencies, result_refs
from mltk.tekton.steprules import DNS_LABEL, ON_ERROR
from mltk.tekton.substitution import texts
from mltk.tekton.variablerules import quoted
from mltk.tekton.whenrules import check_when
from mltk.wording import did_you_mean

_NAME_RULE = (
    "Pipeline Task name must be a valid DNS Label.For more info refer to https://kubernetes.io/docs/"
    "concepts/overview/working-with-objects/names/#names"
)


def check_pipeline(spec: Obj, path: str, config: Config, *, alone: bool) -> Iterator[Problem]:
    """Problems of a Pipeline's spec; one that stands `alone` must declare all that it uses."""
    tasks, finals = spec.get("tasks") or [], spec.get("finally") or []
    if not tasks:
        yield from _check_emptiness(finals, path)
    yield from check_param_specs(spec.get("params") or [], f"{path}.params")
    yield from check_objects(spec.get("params") or [], path)
    for index, name, _ in again(spec.get("workspaces") or []):
        what = f"invalid value: workspace with name {quoted(name)} appears more than once"
        yield Problem(f"{path}.workspaces[{index}]", what)
    yield from _check_names(tasks, finals, path)
    for section in ("tasks", "finally"):
        for index, task in enumerate(spec.get(section) or []):
            here = f"{path}.{section}[{index}]"
            yield from _check_task(task, spec, here, config, alone=alone)
            yield from check_matrix(task, here, config.defaults.matrix_limit)
        yield from check_consumers(spec.get(section) or [], f"{path}.{section}")
        yield from check_contexts(spec.get(section) or [], f"{path}.{section}")
    yield from _check_graph(tasks, path)
    yield from check_statuses(tasks, finals, path)
    yield from _check_finals(tasks, finals, path)
    yield from check_results(spec, path)
    yield from check_nested_results(spec, path)


def again(items: Iterable[Obj]) -> Iterator[tuple[int, str, int]]:
    """What has the name of one before it: its place, the name, and the place of that one."""
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        if item["name"] in seen:
            yield index, item["name"], seen[item["name"]]
        seen.setdefault(item["name"], index)


def _check_emptiness(finals: list[Obj], path: str) -> Iterator[Problem]:
    if finals:
        what = f"invalid value: spec.tasks is empty but spec.finally has {len(finals)} tasks"
        yield Problem(f"{path}.finally", what)
    else:
        yield Problem(f"{path}.tasks", "a Pipeline needs at least one task")


def _check_names(tasks: list[Obj], finals: list[Obj], path: str) -> Iterator[Problem]:
    """Names of tasks, which those of `finally` share."""
    twice = {index for index, _, _ in again([*tasks, *finals])}
    for index, task in enumerate([*tasks, *finals]):
        final = index >= len(tasks)
        place = f"{path}.finally[{index - len(tasks)}]" if final else f"{path}.tasks[{index}]"
        if not DNS_LABEL.fullmatch(task["name"]):
            what = f"invalid value {quoted(task['name'])}"
            yield Problem(f"{place}.name", what, details=_NAME_RULE)
        if index in twice:
            yield Problem(f"{place}.name", "expected exactly one, got both")


def _check_on_error(task: Obj, path: str) -> Iterator[Problem]:
    value = task.get("onError") or ""
    if not value or value.startswith("$(params"):
        return
    if value not in ON_ERROR:
        rule = 'PipelineTask OnError must be either "continue" or "stopAndFail"'
        yield Problem(f"{path}.OnError", f"invalid value: {value}", details=rule)
    if value == "continue" and (task.get("retries") or 0) > 0:
        what = 'PipelineTask OnError cannot be set to "continue" when Retries is greater than 0'
        yield Problem(f"{path}.onError", what)


def _check_task(
    task: Obj, spec: Obj, path: str, config: Config, *, alone: bool
) -> Iterator[Problem]:
    yield from check_member(task, path, config, check_pipeline)
    values = [each.get("value") for each in task.get("params") or []]
    if not config.flags.artifacts and any(map(artifacts.used_of_tasks, texts(values))):
        yield Problem(f"{path}.params", artifacts.OFF)
    for index, name, _ in again(task.get("params") or []):
        what = f"parameter names must be unique, the parameter {quoted(name)} is also defined at"
        yield Problem(f"{path}.params[{index}].name", what)
    yield from _check_on_error(task, path)
    if (task.get("retries") or 0) < 0:
        yield Problem(f"{path}.retries", "must be zero or more")
    yield from check_when(task.get("when") or [], f"{path}.when")
    yield from check_prefixes(task, path)
    for index, name, _ in again(task.get("workspaces") or []):
        yield Problem(
            f"{path}.workspaces[{index}]", f"workspace name {quoted(name)} must be unique"
        )
    if alone:
        yield from _check_workspaces(task, spec, path)
        names = [each["name"] for each in spec.get("params") or []]
        yield from check_params(task, names, path)


def _check_workspaces(task: Obj, spec: Obj, path: str) -> Iterator[Problem]:
    declared = [each["name"] for each in spec.get("workspaces") or []]
    for index, each in enumerate(task.get("workspaces") or []):
        name = each.get("workspace") or each["name"]
        if name not in declared:
            what = (
                f"invalid value: pipeline task {quoted(task['name'])} expects workspace with name "
                f"{quoted(name)} but none exists in pipeline spec"
            )
            near = did_you_mean(name, declared)
            yield Problem(f"{path}.workspaces[{index}]", what, advice=near)


def _check_graph(tasks: list[Obj], path: str) -> Iterator[Problem]:
    parents = {task["name"]: dependencies(task, result_refs(task)) for task in tasks}
    if len(parents) < len(tasks):
        return  # of two that have one name
    try:
        dag.build(list(parents), parents)
    except dag.InvalidGraph as error:
        unknown = {name for found in parents.values() for name in found} - parents.keys()
        near = did_you_mean(min(unknown), parents) if unknown else ""
        yield Problem(f"{path}.tasks", f"invalid value: {error}", advice=near)


def _check_finals(tasks: list[Obj], finals: list[Obj], path: str) -> Iterator[Problem]:
    for index, task in enumerate(finals):
        if task.get("runAfter"):
            what = (
                "invalid value: no runAfter allowed under spec.finally, final task "
                f"{task['name']} has runAfter specified"
            )
            yield Problem(f"{path}.finally[{index}]", what)
    yield from check_final_results(tasks, finals, path)
