"""What a PipelineRun makes for a task: TaskRuns, CustomRuns or PipelineRuns, whole.

Rules: ``createTaskRuns``, ``createCustomRun`` and ``createChildPipelineRun`` of Tekton.
"""

from __future__ import annotations

from mltk.errors import NotFound
from mltk.tekton import labels, matrix, specs
from mltk.tekton.childkinds import CUSTOM_RUN_API, child_kind
from mltk.tekton.creation import (
    given_workspaces,
    inherited,
    owner_reference,
    place_labels,
    task_run,
    task_run_spec,
    time_limit,
    workspaces,
)
from mltk.tekton.durations import format_duration
from mltk.tekton.facts import Facts
from mltk.tekton.kinds import TEKTON_V1
from mltk.tekton.objects import Obj, annotations_of, labels_of, name_of, namespace_of, spec_of
from mltk.tekton.references import matrix_lengths
from mltk.tekton.remote import Unresolved
from mltk.tekton.runchecks import check_values
from mltk.tekton.substitution import Variables
from mltk.tekton.verdicts import RunRejected, listed


def children(facts: Facts, task: Obj) -> list[Obj]:
    """The objects to create for a PipelineTask whose variables are in place.

    Raises RunRejected when one of them cannot be.
    """
    fans, kind = task["name"] in facts.plan.matrixed, child_kind(task)
    number = matrix.count(task["matrix"]) if fans else 1
    # As in Tekton the matrix itself takes none of these variables.
    fanned = matrix.combinations(task["matrix"]) if fans else []
    task = specs.substitute_pipeline_task(task, _own_variables(facts, task))
    given = task.get("params") or []
    make = {"TaskRun": task_run, "CustomRun": _custom_run, "PipelineRun": _pipeline_run}[kind]
    made = []
    for index, name in enumerate(matrix.names(name_of(facts.run), task["name"], number)):
        # A PipelineRun is fanned out without what it is fanned out for.
        fits = index < len(fanned) and kind != "PipelineRun"
        values = [*(fanned[index] if fits else []), *given]
        check_values(facts.plan, task, values)
        made.append(make(facts, name, {**task, "params": values}))
    return made


def _own_variables(facts: Facts, task: Obj) -> Variables:
    """``context.pipelineTask.retries``, and how often tasks before this one fanned out."""
    texts = {"context.pipelineTask.retries": str(int(task.get("retries") or 0))}
    tasks = facts.plan.tasks
    for written, other, result in matrix_lengths(task):
        if result and (other in tasks or other in facts.plan.finals):
            child = facts.children.get(other)
            members = child.members if child else ()
            texts[written] = str(sum(result in each.results for each in members))
        elif not result and other in tasks:
            texts[written] = str(matrix.count(tasks[other].get("matrix") or {}))
    return Variables(texts)


def _custom_run(facts: Facts, called: str, task: Obj) -> Obj:
    """A CustomRun, which a controller of its kind is to run."""
    extra = task_run_spec(facts.run, task["name"])
    spec: Obj = {}
    if task.get("taskRef"):
        taken = ("apiVersion", "kind", "name")
        ref = {"kind": "Task", **task["taskRef"]}
        spec["customRef"] = {key: ref[key] for key in taken if key in ref}
    else:
        whole = ("apiVersion", "kind", "metadata", "spec")
        spec["customSpec"] = {k: task["taskSpec"][k] for k in whole if k in task["taskSpec"]}
    if task["params"]:
        spec["params"] = task["params"]
    if int(task.get("retries") or 0):
        spec["retries"] = int(task["retries"])
    defaults = facts.plan.config.defaults
    if account := extra.get("serviceAccountName") or defaults.service_account:
        spec["serviceAccountName"] = account
    limit = time_limit(facts, task, extra)
    if limit is not None:
        spec["timeout"] = format_duration(limit)
    if bound := list(workspaces(facts, task)):
        spec["workspaces"] = bound
    place = {**labels_of(facts.run), **place_labels(facts, task["name"])}
    return _made(facts.run, CUSTOM_RUN_API, "CustomRun", called, place, spec)


def _pipeline_run(facts: Facts, called: str, task: Obj) -> Obj:
    """A PipelineRun within the run; timeouts and retries of the task have no meaning for it."""
    place = {**labels_of(facts.run), **place_labels(facts, task["name"])}
    spec: Obj = {"taskRunTemplate": spec_of(facts.run).get("taskRunTemplate") or {}}
    if ref := task.get("pipelineRef"):
        name = _nested_name(facts, task)
        if name:
            _check_circle(facts, name)
            place[labels.PIPELINE] = name
        spec["pipelineRef"] = ref
    else:
        spec["pipelineSpec"] = task["pipelineSpec"]
    if task["params"]:
        spec["params"] = task["params"]
    if bound := list(given_workspaces(facts, task)):
        spec["workspaces"] = bound
    limit = format_duration(facts.plan.config.defaults.timeout)
    spec["timeouts"] = {"pipeline": limit}
    return _made(facts.run, TEKTON_V1, "PipelineRun", called, place, spec)


def _nested_name(facts: Facts, task: Obj) -> str:
    """The name of the Pipeline, as far as it is known; the child tells of one that is not there."""
    try:
        return facts.plan.nested_name(task)
    except (NotFound, Unresolved):
        return str(task["pipelineRef"].get("name", ""))


def _check_circle(facts: Facts, pipeline: str) -> None:
    """A Pipeline that runs already, in this run or in those around it, does not run again in it."""
    around = facts.plan.lineage(facts.run)
    if pipeline in around:
        above = listed(around[: around.index(pipeline)])
        message = (
            f'detected cycle in pipeline-in-pipeline: pipeline "{pipeline}" is already running '
            f"in ancestor chain {above}"
        )
        raise RunRejected("CreateRunFailed", message)


def _made(run: Obj, version: str, kind: str, called: str, place: dict[str, str], spec: Obj) -> Obj:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": called,
            "namespace": namespace_of(run),
            "labels": place,
            "annotations": inherited(annotations_of(run)),
            "ownerReferences": [owner_reference(run)],
        },
        "spec": spec,
    }
