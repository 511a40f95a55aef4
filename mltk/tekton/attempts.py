"""The status of a TaskRun while its steps run and end, as Tekton would write it.

Rules: ``pkg/pod/status.go`` (steps, success and failure), ``failTaskRun``, ``terminateStepsInPod``
and ``retryTaskRun`` in ``pkg/reconciler/taskrun/taskrun.go``. Every function returns a new status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mltk.tekton import artifacts, pod, specs
from mltk.tekton.durations import DEFAULT_TIMEOUT, format_duration, optional_duration
from mltk.tekton.labels import ON_ERROR
from mltk.tekton.objects import (
    Obj,
    annotations_of,
    condition,
    format_time,
    name_of,
    namespace_of,
    new_condition,
    spec_of,
    status_of,
)
from mltk.tekton.remote import RESOLVING_STEP_ACTION, RESOLVING_TASK
from mltk.tekton.sidecars import OOM_KILLED, SidecarState, with_sidecars
from mltk.tekton.sidecars import failure as sidecar_failure
from mltk.tekton.verdicts import user_error

RUNNING = "Not all Steps in the Task have finished executing"
SUCCEEDED = "All Steps have completed executing"
INTERRUPTED = "Interrupted"
"""The reason of what ended because its engine did; Tekton, whose pods go on, has none."""

PENDING = "TaskRunPending"
_PARTS = ("inputs", "outputs")
_QUIET = ("Started", "Running", PENDING)  # reasons that tell nothing once a run has ended


@dataclass(frozen=True)
class StepState:
    """How a step stands; without `started_at` it waits, without `exit_code` it runs.

    `ended_by` says what ended it: itself, its own timeout, the failure of a step before it
    (``skipped``) or its own `when` (it never ran), or the cancel or timeout of its TaskRun. What it
    told as its `results` is shown once the TaskRun has ended; `artifacts` are its inputs and
    outputs, and under ``task`` those that it told of the Task. One of its processes may have been
    `oom_killed`, however the step itself ended.
    """

    name: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    on_error: str = "stopAndFail"
    ended_by: Literal["itself", "timeout", "skipped", "when", "cancel"] = "itself"
    results: tuple[Obj, ...] = ()
    artifacts: Obj = field(default_factory=dict)
    oom_killed: bool = False

    @property
    def failed(self) -> bool:
        """It ended in a way that fails the TaskRun."""
        if self.ended_by not in ("itself", "when"):
            return True
        return self.exit_code not in (None, 0) and self.on_error != "continue"


def timeout_of(task_run: Obj) -> float | None:
    """Seconds that one attempt may take; None when there is no limit."""
    limit = optional_duration(spec_of(task_run).get("timeout"))
    return (DEFAULT_TIMEOUT if limit is None else limit).total_seconds() or None


def started(task_run: Obj, task_spec: Obj, now: datetime, provenance: Obj | None = None) -> Obj:
    """The status of a TaskRun whose attempt begins now; earlier attempts stay in it."""
    retries = status_of(task_run).get("retriesStatus") or []
    steps = [specs.step_name(step, i) for i, step in enumerate(task_spec.get("steps") or ())]
    status: Obj = {
        "podName": pod.name(task_run),
        "startTime": format_time(now),
        "taskSpec": task_spec,
    }
    if known := {**status_of(task_run).get("provenance", {}), **(provenance or {})}:
        status["provenance"] = known
    if retries:
        status["retriesStatus"] = retries
    # Where StepActions come from is known before they run.
    status["steps"] = status_of(task_run).get("steps") or []
    return running(status, [StepState(name) for name in steps], now)


def pending(task_run: Obj, now: datetime) -> Obj:
    """The status of a TaskRun that waits for somebody to let it go; it has not started."""
    message = f'TaskRun "{name_of(task_run)}" is pending'
    return _set({"podName": "", **status_of(task_run)}, "Unknown", PENDING, message, now)


def running(status: Obj, steps: Sequence[StepState], now: datetime) -> Obj:
    """The status while steps run."""
    return _set({**status, "steps": _steps(steps, status)}, "Unknown", "Running", RUNNING, now)


def finished(
    task_run: Obj,
    status: Obj,
    steps: Sequence[StepState],
    results: Sequence[Obj],
    now: datetime,
    sidecars: Sequence[SidecarState] = (),
) -> Obj:
    """The status of an attempt whose steps have all ended."""
    states = _steps(steps, status)
    ended = [_with_results(step, state) for step, state in zip(steps, states, strict=True)]
    made = {**status, "steps": ended, "completionTime": format_time(now), **_of_task(steps)}
    if results:
        made["results"] = list(results)
    made = with_sidecars(made, sidecars)
    blamed = _blamed(steps, sidecars)
    if blamed is None:
        return _set(made, "True", "Succeeded", SUCCEEDED, now)
    reason, why = blamed
    ignored = annotations_of(task_run).get(ON_ERROR) == "continue"
    return _set(made, "False", "FailureIgnored" if ignored else reason, why, now)


def _blamed(steps: Sequence[StepState], sidecars: Sequence[SidecarState]) -> tuple[str, str] | None:
    """The reason and the message of a failure (``getFailureInfo``); None when all went well.

    What lacked memory comes first, and a sidecar before a step.
    """
    greedy = next((step for step in steps if step.oom_killed), None)
    broken = next((step for step in steps if step.failed), None)
    beside = sidecar_failure(sidecars, step_failed=bool(greedy or broken))
    if beside and (beside.oom_killed or greedy is None):
        return f"Sidecar{'OOM' if beside.oom_killed else 'Failed'}", beside.why
    if greedy:
        told = greedy.exit_code and greedy.failed
        return "StepOOM", _failure(greedy) if told else OOM_KILLED
    return ("StepFailed", _failure(broken)) if broken else None


def too_long(task_run: Obj, status: Obj, why: str, now: datetime) -> Obj:
    """The status of an attempt of which a result is longer than its log may hold."""
    message = user_error(f'TaskRun ""{name_of(task_run)}"" failed: {why}')
    made = {key: found for key, found in status.items() if key != "results"}
    return _set(made, "False", "TaskRunResultLargerThanAllowedLimit", message, now)


def awaiting(task_run: Obj, kind: str, now: datetime) -> Obj:
    """The status of a TaskRun for which a resolver still looks for an object of that kind."""
    reason = RESOLVING_STEP_ACTION if kind == "StepAction" else RESOLVING_TASK
    what = kind if kind == "StepAction" else "resource"
    message = f"TaskRun {namespace_of(task_run)}/{name_of(task_run)} awaiting remote {what}"
    status = {"podName": "", "startTime": format_time(now), **status_of(task_run)}
    return _set(status, "Unknown", reason, message, now)


def rejected(status: Obj, reason: str, message: str, now: datetime) -> Obj:
    """The status of a TaskRun that cannot run, or whose results cannot be taken."""
    moment = format_time(now)
    made = {"podName": "", "startTime": moment, **status, "completionTime": moment}
    return _set(made, "False", reason, message, now)


def without_pod(status: Obj) -> Obj:
    """The status of an attempt that came to nothing before its first step."""
    steps = [{"name": step["name"]} for step in status.get("steps") or ()]
    return {**status, "podName": "", "steps": steps}


def cancelled(task_run: Obj, status: Obj, steps: Sequence[StepState], now: datetime) -> Obj:
    """The status of a TaskRun that was cancelled; `steps` as they stood."""
    why = spec_of(task_run).get("statusMessage") or ""
    message = f'TaskRun "{name_of(task_run)}" was cancelled. {why}'
    return _stopped(task_run, status, steps, "TaskRunCancelled", message, now)


def timed_out(task_run: Obj, status: Obj, steps: Sequence[StepState], now: datetime) -> Obj:
    """The status of an attempt that took longer than `timeout_of`; `steps` as they stood."""
    limit = optional_duration(spec_of(task_run).get("timeout")) or DEFAULT_TIMEOUT
    message = f'TaskRun "{name_of(task_run)}" failed to finish within "{format_duration(limit)}"'
    return _stopped(task_run, status, steps, "TaskRunTimeout", message, now)


def interrupted(task_run: Obj, message: str, now: datetime) -> Obj:
    """The status of an attempt that began, and that nobody is there any more to end.

    It counts as a failed one, because its steps may have done anything. One that was to be
    cancelled is.
    """
    status, moment = status_of(task_run), format_time(now)
    if spec_of(task_run).get("status") == "TaskRunCancelled":
        status = cancelled(task_run, status, (), now)
        found = status["conditions"][0]
        reason, message = found["reason"], found["message"]
    else:
        reason = INTERRUPTED
    pod = status.get("podName", "")
    steps = [_cut_off(step, reason, pod, moment) for step in status.get("steps") or ()]
    made = {**status, "completionTime": moment, **({"steps": steps} if steps else {})}
    return _set(made, "False", reason, message, now)


def retries_left(task_run: Obj, status: Obj) -> int:
    """How often a TaskRun with this status may start again: never unless it failed.

    As in Tekton every failure is retried, of whatever kind, but a cancel.
    """
    found = condition({"status": status}) or {}
    if found.get("status") != "False" or spec_of(task_run).get("status") == "TaskRunCancelled":
        return 0
    used = len(status.get("retriesStatus") or ())
    return max(0, int(spec_of(task_run).get("retries") or 0) - used)


def retried(status: Obj, now: datetime) -> Obj:
    """The status between two attempts: the failed one archived in `retriesStatus`, ToBeRetried."""
    archived = {key: value for key, value in status.items() if key != "retriesStatus"}
    made = {
        key: value
        for key, value in status.items()
        if key not in ("startTime", "completionTime", "podName", "results")
    }
    made["retriesStatus"] = [*(status.get("retriesStatus") or ()), archived]
    message = (condition({"status": status}) or {}).get("message", "")
    return _set(made, "Unknown", "ToBeRetried", message, now)


def _stopped(
    task_run: Obj,
    status: Obj,
    steps: Sequence[StepState],
    reason: str,
    message: str,
    now: datetime,
) -> Obj:
    before = condition({"status": status}) or {}
    if before.get("message") and before.get("reason") not in _QUIET:
        message += f"\nPrevious status: [{before['reason']}] {before['message']}"
    created = (task_run.get("metadata") or {}).get("creationTimestamp") or format_time(now)
    pod = status.get("podName", "")
    made = {"startTime": format_time(now), **status, "completionTime": format_time(now)}
    if steps:
        ended = [_ended(step, reason, pod, created, now) for step in steps]
        made["steps"] = _from_where(ended, status)
    return _set(made, "False", reason, message, now)


def _ended(step: StepState, reason: str, pod: str, created: str, now: datetime) -> Obj:
    """A step that was stopped; one that had ended before stays as it ended."""
    if step.exit_code is not None and step.ended_by != "cancel":
        return _state(step)
    return {
        "name": step.name,
        "container": f"step-{step.name}",
        "terminated": {
            "exitCode": 1,
            "startedAt": format_time(step.started_at) if step.started_at else created,
            "finishedAt": format_time(step.finished_at or now),
            "reason": reason,
            "message": f"Step {step.name} terminated as pod {pod} is terminated",
        },
        "terminationReason": reason,
    }


def _cut_off(step: Obj, reason: str, pod: str, moment: str) -> Obj:
    """A step as it stood when nobody followed it any more; one that had ended stays."""
    if "terminated" in step:
        return step
    begun = (step.get("running") or {}).get("startedAt", moment)
    return {
        "name": step["name"],
        "container": f"step-{step['name']}",
        "terminated": {
            "exitCode": 1,
            "startedAt": begun,
            "finishedAt": moment,
            "reason": reason,
            "message": f"Step {step['name']} terminated as pod {pod} is terminated",
        },
        "terminationReason": reason,
    }


def _steps(steps: Sequence[StepState], status: Obj) -> list[Obj]:
    return _from_where([_state(step) for step in steps], status)


def _from_where(states: list[Obj], status: Obj) -> list[Obj]:
    """Steps with what the status told of where their StepActions come from."""
    steps = status.get("steps") or ()
    known = {each["name"]: each["provenance"] for each in steps if "provenance" in each}
    return [
        {**state, "provenance": known[state["name"]]} if state["name"] in known else state
        for state in states
    ]


def _of_task(steps: Sequence[StepState]) -> Obj:
    told = [part for step in steps for part in (step.artifacts.get("task") or {}, step.artifacts)]
    found = artifacts.merge(told)
    return {"artifacts": found} if found else {}


def _with_results(step: StepState, state: Obj) -> Obj:
    told = {part: step.artifacts[part] for part in _PARTS if step.artifacts.get(part)}
    return {**state, **told, **({"results": list(step.results)} if step.results else {})}


def _state(step: StepState) -> Obj:
    made: Obj = {"name": step.name, "container": f"step-{step.name}"}
    if step.exit_code is not None:
        reason, termination = _reasons(step)
        made["terminated"] = {
            "exitCode": step.exit_code,
            "startedAt": format_time(step.started_at) if step.started_at else None,
            "finishedAt": format_time(step.finished_at) if step.finished_at else None,
            "reason": reason,
        }
        made["terminationReason"] = termination
    elif step.started_at:
        made["running"] = {"startedAt": format_time(step.started_at)}
    else:
        made["waiting"] = {"reason": "PodInitializing"}
    return made


def _reasons(step: StepState) -> tuple[str, str]:
    """Kubernetes' reason of the container and Tekton's of the step."""
    if step.ended_by == "timeout":
        return "Error", "TimeoutExceeded"
    if step.ended_by == "skipped":
        return "Error", "Skipped"
    if step.ended_by == "when":
        return "Completed", "Skipped"
    continued = step.exit_code != 0 and step.on_error == "continue"
    if step.oom_killed:
        return OOM_KILLED, "Continued" if continued else OOM_KILLED
    if step.exit_code == 0:
        return "Completed", "Completed"
    return ("Completed", "Continued") if continued else ("Error", "Error")


def _failure(step: StepState) -> str:
    if step.ended_by == "timeout":
        return f'"step-{step.name}" exited because the step exceeded the specified timeout limit'
    return f'"step-{step.name}" exited with code {step.exit_code}: {_reasons(step)[0]}'


def _set(status: Obj, value: str, reason: str, message: str, now: datetime) -> Obj:
    old = condition({"status": status})
    return {**status, "conditions": [new_condition(value, reason, message, now, old)]}
