"""The TaskRun of one task of a PipelineRun, whole (``createTaskRun`` in Tekton's reconciler)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from datetime import timedelta

from mltk.tekton import artifacts, labels, params, specs
from mltk.tekton.child import Child
from mltk.tekton.durations import format_duration, optional_duration
from mltk.tekton.facts import Facts, ignores_failure
from mltk.tekton.fields import as_tekton_writes
from mltk.tekton.kinds import TEKTON_V1
from mltk.tekton.names import claim_name
from mltk.tekton.objects import (
    Obj,
    annotations_of,
    by_name,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from mltk.tekton.plan import context_variables, pipeline_name
from mltk.tekton.references import result_variables
from mltk.tekton.remote import asked_name, is_remote
from mltk.tekton.steprules import check_unknown
from mltk.tekton.substitution import merged, texts
from mltk.tekton.verdicts import RunRejected

_DENIED = (
    'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: '
    "validation failed: "
)
# Fields of taskRunSpecs that the TaskRun takes over as they are.
_TAKEN_OVER = ("podTemplate", "computeResources", "stepSpecs", "sidecarSpecs")


def task_run(facts: Facts, called: str, task: Obj) -> Obj:
    """The TaskRun of that name for a PipelineTask whose variables are in place.

    Raises RunRejected when a workspace that the task needs is not bound, or a param is not there.
    """
    run, name = facts.run, task["name"]
    extra = task_run_spec(run, name)
    return {
        "apiVersion": TEKTON_V1,
        "kind": "TaskRun",
        "metadata": {
            "name": called,
            "namespace": namespace_of(run),
            "labels": _labels(facts, task, extra),
            "annotations": _annotations(run, task, extra),
            "ownerReferences": [owner_reference(run)],
        },
        "spec": _spec(facts, task, extra),
    }


def owner_reference(run: Obj) -> Obj:
    """The reference by which an object goes when its run goes."""
    return {
        "apiVersion": TEKTON_V1,
        "kind": run.get("kind", "PipelineRun"),
        "name": name_of(run),
        "uid": uid_of(run),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def claims(run: Obj) -> list[Obj]:
    """The PersistentVolumeClaims that the ``volumeClaimTemplate`` workspaces of a run ask for."""
    made = []
    for binding in spec_of(run).get("workspaces") or ():
        template = binding.get("volumeClaimTemplate")
        if template is not None:
            metadata = {
                **(template.get("metadata") or {}),
                "name": _claim(binding, run),
                "namespace": namespace_of(run),
                "ownerReferences": [owner_reference(run)],
            }
            made.append(
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "metadata": metadata,
                    "spec": template.get("spec") or {},
                }
            )
    return made


def _claim(binding: Obj, run: Obj) -> str:
    wanted = (binding["volumeClaimTemplate"].get("metadata") or {}).get("name", "")
    return claim_name(binding["name"], uid_of(run), wanted)


def task_run_spec(run: Obj, name: str) -> Obj:
    """What ``taskRunSpecs`` says of a task, over what ``taskRunTemplate`` says of all."""
    made = dict(spec_of(run).get("taskRunTemplate") or {})
    for each in spec_of(run).get("taskRunSpecs") or ():
        if each.get("pipelineTaskName") == name:
            made.update({key: found for key, found in each.items() if key != "podTemplate"})
            made["podTemplate"] = {
                **(made.get("podTemplate") or {}),
                **(each.get("podTemplate") or {}),
            }
    return made


def _spec(facts: Facts, task: Obj, extra: Obj) -> Obj:
    spec: Obj = {}
    if task.get("params"):
        spec["params"] = task["params"]
    if int(task.get("retries") or 0):
        spec["retries"] = int(task["retries"])
    defaults = facts.plan.config.defaults
    if account := extra.get("serviceAccountName") or defaults.service_account:
        spec["serviceAccountName"] = account
    if task.get("taskSpec"):
        task = {**task, "taskSpec": _with_artifacts(facts, task["taskSpec"])}
        _check_params(task)
        spec["taskSpec"] = {k: v for k, v in task["taskSpec"].items() if k != "metadata"}
    else:
        kind = {} if is_remote(task["taskRef"]) else {"kind": "Task"}
        spec["taskRef"] = {**kind, **task["taskRef"]}
    limit = time_limit(facts, task, extra)
    spec["timeout"] = format_duration(defaults.timeout if limit is None else limit)
    for field in _TAKEN_OVER:
        if extra.get(field):
            spec[field] = extra[field]
    if bound := list(workspaces(facts, task)):
        spec["workspaces"] = bound
    return spec


def _with_artifacts(facts: Facts, spec: Obj) -> Obj:
    """An embedded Task with the artifacts of the tasks that have ended in it."""
    if not any("$(tasks." in each for each in texts(spec)):
        return spec
    known = merged(
        artifacts.variables(name, artifacts.merge(_told(each) for each in child.members))
        for name, child in facts.children.items()
        if child.done
    )
    return specs.substitute_task(spec, known)


def _told(child: Child) -> Obj:
    return status_of(child.obj).get("artifacts") or {}


def _check_params(task: Obj) -> None:
    """Refuse what Tekton's webhook would: an embedded Task that names a param nobody has."""
    spec = task["taskSpec"]
    named = [*(task.get("params") or ()), *(spec.get("params") or ())]
    names = [each["name"] for each in named]
    problems = [
        problem
        for index, step in enumerate(spec.get("steps") or ())
        for problem in check_unknown(step, f"spec.steps[{index}]", "params", names)
    ]
    if problems:
        raise RunRejected("CreateRunFailed", _DENIED + as_tekton_writes(problems))


def time_limit(facts: Facts, task: Obj, extra: Obj) -> timedelta | None:
    """What taskRunSpecs say > the task itself > its part of the run, if over the default.

    A part of the run that is shorter than the default is ended by the run's own clock.
    """
    own = optional_duration(extra.get("timeout", task.get("timeout")))
    if own is not None:
        return own
    final = task["name"] in facts.plan.finals
    limit = facts.timeouts.final if final else facts.timeouts.tasks
    if not limit:
        return limit
    return limit if limit > facts.plan.config.defaults.timeout else None


def workspaces(facts: Facts, task: Obj) -> Iterator[Obj]:
    """Bindings of the TaskRun: the run's, under the task's names, with both sub-paths."""
    run = facts.run
    bound = by_name(_bindings(facts))
    wanted = list(task.get("workspaces") or ())
    declared = by_name(facts.plan.spec_of_task(task).get("workspaces"))
    if task.get("taskSpec"):
        named = {each["name"] for each in wanted}
        used = specs.used_workspaces(task["taskSpec"])
        wanted += [{"name": name} for name in used if name not in named]
    for each in wanted:
        outer = each.get("workspace") or each["name"]
        if outer in bound:
            yield _binding(bound[outer], each, run)
        elif not (declared.get(each["name"]) or {}).get("optional"):
            raise RunRejected(
                "CreateRunFailed",
                f'expected workspace "{outer}" to be provided by pipelinerun for pipeline task '
                f'"{task["name"]}"',
            )


def given_workspaces(facts: Facts, task: Obj) -> Iterator[Obj]:
    """Bindings of a PipelineRun within the run; what is not bound is for that one to miss."""
    bound = by_name(_bindings(facts))
    for each in task.get("workspaces") or ():
        outer = each.get("workspace") or each["name"]
        if outer in bound:
            yield _binding(bound[outer], each, facts.run)


def _binding(binding: Obj, wanted: Obj, run: Obj) -> Obj:
    made = {**binding, "name": wanted["name"]}
    if "volumeClaimTemplate" in made:
        del made["volumeClaimTemplate"]
        made["persistentVolumeClaim"] = {"claimName": _claim(binding, run)}
    paths = [path for path in (binding.get("subPath"), wanted.get("subPath")) if path]
    if paths:
        made["subPath"] = posixpath.normpath("/".join(paths)) if len(paths) > 1 else paths[0]
        context = context_variables(run)
        made = specs.substitute_bindings([made], context)[0]
    return made


def _bindings(facts: Facts) -> list[Obj]:
    """The run's workspaces with its params, and results of tasks, in place."""
    bindings = spec_of(facts.run).get("workspaces") or []
    if not any("$(" in each for each in texts(bindings)):
        return list(bindings)
    values = params.variables(params.given(spec_of(facts.run).get("params")))
    results = merged(
        result_variables(name, child.results)
        for name, child in facts.children.items()
        if child.done
    )
    made = specs.substitute_bindings(bindings, values)
    return specs.substitute_bindings(made, results)


def _labels(facts: Facts, task: Obj, extra: Obj) -> dict[str, str]:
    """Those of taskRunSpecs come first, then the run's, then those of an embedded Task."""
    own = place_labels(facts, task["name"])
    if named := (task.get("taskRef") or {}).get("name"):
        own[labels.TASK] = named
    given = (extra.get("metadata") or {}).get("labels") or {}
    embedded = ((task.get("taskSpec") or {}).get("metadata") or {}).get("labels") or {}
    # What names the TaskRun's place in the run is not for users to change.
    managed = {labels.MANAGED_BY: facts.plan.config.defaults.managed_by}
    return {**managed, **embedded, **labels_of(facts.run), **given, **own}


def place_labels(facts: Facts, task: str) -> dict[str, str]:
    """What names the place of a child in its run."""
    run = facts.run
    return {
        labels.PIPELINE: labels_of(run).get(labels.PIPELINE, pipeline_name(run)),
        labels.PIPELINE_RUN: name_of(run),
        labels.PIPELINE_RUN_UID: uid_of(run),
        labels.PIPELINE_TASK: task,
        labels.MEMBER_OF: "finally" if task in facts.plan.finals else "tasks",
    }


def _annotations(run: Obj, task: Obj, extra: Obj) -> dict[str, str]:
    given = (extra.get("metadata") or {}).get("annotations") or {}
    embedded = ((task.get("taskSpec") or {}).get("metadata") or {}).get("annotations") or {}
    made = {**embedded, **inherited(annotations_of(run)), **given}
    if ignores_failure(task):
        made[labels.ON_ERROR] = "continue"
    return made


def adopted(run: Obj, pipeline: Obj) -> Obj:
    """Labels and annotations of a run that starts: its own over those of its Pipeline.

    The label that names the Pipeline is not the user's to choose. `pipeline` is empty when the run
    embeds it, or when there is none.
    """
    remote, named = is_remote(spec_of(run).get("pipelineRef")), pipeline_name(run)
    return {
        "labels": {
            **labels_of(pipeline),
            **labels_of(run),
            labels.PIPELINE: (name_of(pipeline) or asked_name(run)) if remote else named,
        },
        "annotations": {**_travelling(annotations_of(pipeline)), **annotations_of(run)},
    }


def named_after(task: Obj, task_run: Obj) -> Obj:
    """Labels and annotations of a TaskRun that starts: its own over those of its Task."""
    own = {labels.MANAGED_BY: labels.MANAGER, **labels_of(task_run)}
    if task:
        own[labels.TASK] = name_of(task)
    return {
        "labels": {**labels_of(task), **own},
        "annotations": {**_travelling(annotations_of(task)), **annotations_of(task_run)},
    }


def _travelling(annotations: Mapping[str, str]) -> dict[str, str]:
    """What `kubectl apply` keeps for itself is not of the object."""
    return {key: value for key, value in annotations.items() if key != labels.LAST_APPLIED}


def inherited(annotations: Mapping[str, str]) -> dict[str, str]:
    """Annotations that go from one object to what it makes: all but the proofs of Tekton Chains."""
    return {k: value for k, value in annotations.items() if not k.startswith("chains.tekton.dev/")}
