"""The pod of a TaskRun and its containers."""

from __future__ import annotations

from collections.abc import Sequence

from mltk.tekton.objects import Obj, status_of

_STEP = "step-"  # Tekton's prefix for the container of a step


def pod_of(task_run: Obj) -> str:
    """Name of the pod of the last attempt, empty before there is one."""
    return str(status_of(task_run).get("podName") or "")


def steps_of(pod: Obj) -> Sequence[str]:
    """Names of the steps, in their order."""
    names = [container["name"] for container in pod["spec"]["containers"]]
    return [name.removeprefix(_STEP) for name in names if name.startswith(_STEP)]


def container_of(step: str) -> str:
    """Name of the container of a step."""
    return _STEP + step


def state(pod: Obj, step: str) -> str:
    """``waiting``, ``running`` or ``terminated``."""
    for found in status_of(pod).get("containerStatuses") or ():
        if found["name"] == container_of(step):
            return next(iter(found.get("state") or ()), "waiting")
    # A pod that never ran, as one that was evicted, has no state of containers.
    return "terminated" if has_ended(pod) else "waiting"


def has_succeeded(pod: Obj, step: str) -> bool:
    """Whether the container of a step has ended with exit code 0."""
    for found in status_of(pod).get("containerStatuses") or ():
        if found["name"] == container_of(step):
            ended = (found.get("state") or {}).get("terminated") or {}
            return ended.get("exitCode") == 0
    return False


def has_ended(pod: Obj) -> bool:
    """Whether nothing will start in the pod any more."""
    return status_of(pod).get("phase") in ("Succeeded", "Failed")
