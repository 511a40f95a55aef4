"""A TaskRun with what a thread needs to run it: its Task, and what the steps of that refer to."""

from __future__ import annotations

from dataclasses import replace

from mltk.local.context import Job
from mltk.local.resolvers.requests import Requests
from mltk.local.sources import Tasks
from mltk.tekton.creation import named_after
from mltk.tekton.labels import TASK
from mltk.tekton.objects import Obj, labels_of, name_of, spec_of, status_of
from mltk.tekton.remote import Answer, is_remote, step_action_request, task_run_request
from mltk.tekton.specs import step_name
from mltk.tekton.stepactions import with_step_actions
from mltk.tekton.verdicts import TaskRunRejected


def job_of(
    task_run: Obj,
    tasks: Tasks,
    requests: Requests,
    run_uid: str = "",
    before: tuple[str, ...] = (),
) -> Job:
    """Return the TaskRun with its Task, whose labels and annotations it takes on.

    Raises NotFound, StillResolving and Unresolved.
    """
    spec = spec_of(task_run)
    known, task, task_spec = task_run, {}, spec.get("taskSpec") or {}
    if is_remote(spec.get("taskRef")):
        answer = requests.ask(task_run_request(task_run), task_run, "Task")
        task, known = answer.obj, _resolved(task_run, answer)
    elif "taskRef" in spec:
        task = tasks.get(spec["taskRef"]["name"])
    task_spec = spec_of(task) if task else task_spec
    job = Job(known, task_spec, named_after(task, task_run), run_uid, before)
    actions = _StepActions(task_run, tasks, requests)
    try:
        job = replace(job, task_spec=with_step_actions(task_run, task_spec, actions.find))
    except TaskRunRejected as refusal:
        return replace(job, refusal=refusal)
    return replace(job, task_run=actions.noted(known, task_spec))


class _StepActions:
    """What the steps of a TaskRun refer to, and where it comes from."""

    def __init__(self, task_run: Obj, tasks: Tasks, requests: Requests) -> None:
        self._task_run = task_run
        self._tasks = tasks
        self._requests = requests
        self._sources: list[Obj | None] = []

    def find(self, ref: Obj) -> Obj:
        """Return the spec of a StepAction; raises Unresolved and StillResolving."""
        if not is_remote(ref):
            self._sources.append(None)
            return self._tasks.step_action(ref)
        request = step_action_request(self._task_run, ref)
        answer = self._requests.ask(request, self._task_run, "StepAction")
        self._sources.append(answer.source)
        return spec_of(answer.obj)

    def noted(self, task_run: Obj, task_spec: Obj) -> Obj:
        """Return the TaskRun whose status tells where its StepActions come from."""
        steps = enumerate(task_spec.get("steps") or ())
        names = [step_name(step, index) for index, step in steps if step.get("ref")]
        known = [
            {"name": name, "provenance": {"refSource": source}}
            for name, source in zip(names, self._sources, strict=True)
            if source is not None
        ]
        if not known:
            return task_run
        return {**task_run, "status": {**status_of(task_run), "steps": known}}


def _resolved(task_run: Obj, answer: Answer) -> Obj:
    """The TaskRun with the name of its Task, and where that comes from, which its status keeps."""
    status = status_of(task_run)
    if answer.source is not None:
        status = {**status, "provenance": {"refSource": answer.source}}
    labels = {**labels_of(task_run), TASK: name_of(answer.obj)}
    labelled = {**task_run["metadata"], "labels": labels}
    return {**task_run, "metadata": labelled, "status": status}
