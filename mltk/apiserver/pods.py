"""Pods as a view of TaskRuns: one for each attempt, with a container for each step.

Steps are not run by a kubelet here, but clients follow a TaskRun by its pod: `tkn` and the
Dashboard read ``status.podName``, wait for its containers and read their logs.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mltk.apiserver.collections import Change, Stored, View, labels_text
from mltk.local.encoding import dump
from mltk.local.store import Store
from mltk.tekton import objects
from mltk.tekton.kinds import find_kind
from mltk.tekton.labels import MANAGED_BY, MANAGER
from mltk.tekton.objects import Obj, labels_of, name_of, namespace_of, spec_of, status_of, uid_of
from mltk.tekton.specs import step_name

_NAMED = re.compile(r"(?P<task_run>.+)-pod(?:-retry\d+)?")
_TASK_RUN, _TASK_RUN_UID = "tekton.dev/taskRun", "tekton.dev/taskRunUID"
_ADDRESS = "127.0.0.1"
_STATES = ("terminated", "running", "waiting")
_WAITING = {"reason": "PodInitializing"}


@dataclass(frozen=True)
class Attempt:
    """One try of a TaskRun; `number` counts from 1, and is None for the one of now."""

    task_run: Obj
    status: Obj
    number: int | None

    @property
    def pod(self) -> str:
        """The name of its pod."""
        return str(self.status["podName"])

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.number is not None or objects.is_done({"status": self.status})

    def state(self, container: str) -> Obj:
        """How a container stands: ``waiting``, ``running`` or ``terminated`` with its details."""
        for each in _entries(self.status):
            if each.get("container") == container:
                found = {name: each[name] for name in _STATES if name in each}
                if found and not (self.over and "terminated" not in found):
                    return found
        return _never(self.status) if self.over else {"waiting": _WAITING}

    def containers(self) -> list[str]:
        """The names of its containers."""
        return [str(each["name"]) for each in _containers(self)]


def attempts(task_run: Obj) -> list[Attempt]:
    """All tries of a TaskRun that had a pod, the first one first."""
    status = status_of(task_run)
    earlier = status.get("retriesStatus") or ()
    found = [Attempt(task_run, each, n) for n, each in enumerate(earlier, 1)]
    return [each for each in (*found, Attempt(task_run, status, None)) if _has_pod(each)]


class Pods(View):
    """The pods of all TaskRuns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._task_runs = Stored(store, find_kind("TaskRun"))

    def attempt(self, namespace: str, name: str) -> Attempt | None:
        """The attempt that a pod is of."""
        named = _NAMED.fullmatch(name)
        likely = named and self._store.find("TaskRun", named["task_run"], namespace)
        others = (likely,) if likely else self._runs(namespace)
        return next(
            (each for run in others for each in attempts(run) if each.pod == name),
            None,
        )

    def find(self, namespace: str, name: str) -> str | None:
        """The pod, None when it is not there."""
        found = self.attempt(namespace, name)
        return dump(pod_of(found)) if found else None

    def objects(self, namespace: str) -> Iterable[Obj]:
        """All pods, those of a namespace if one is named."""
        for run in self._runs(namespace):
            yield from map(pod_of, attempts(run))

    def changes(self, since: int, namespace: str, name: str) -> Iterable[Change]:
        """What happened to pods, which is what happened to their TaskRuns."""
        for change in self._task_runs.changes(since, namespace, ""):
            found = attempts(json.loads(change.text))
            for each in found if change.type == "DELETED" else found[-1:]:
                if name in ("", each.pod):
                    pod = pod_of(each)
                    yield change._replace(
                        name=each.pod,
                        uid=uid_of(pod),
                        labels=labels_text(pod),
                        text=dump(pod),
                    )

    def _runs(self, namespace: str) -> Iterator[Obj]:
        for row in self._task_runs.rows(namespace, "", None, -1, ()):
            yield json.loads(row.text)


def pod_of(attempt: Attempt) -> Obj:
    """The pod of an attempt."""
    run, status = attempt.task_run, attempt.status
    started = status.get("startTime") or run["metadata"]["creationTimestamp"]
    labels = {
        **labels_of(run),
        MANAGED_BY: MANAGER,
        _TASK_RUN: name_of(run),
        _TASK_RUN_UID: uid_of(run),
    }
    containers = _containers(attempt)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": attempt.pod,
            "namespace": namespace_of(run),
            "uid": str(uuid.uuid5(uuid.UUID(uid_of(run)), attempt.pod)),
            "resourceVersion": run["metadata"]["resourceVersion"],
            "creationTimestamp": started,
            "labels": labels,
            "annotations": run["metadata"].get("annotations") or {},
            "ownerReferences": [_owner(run)],
        },
        "spec": {
            "containers": containers,
            "restartPolicy": "Never",
            "serviceAccountName": spec_of(run).get("serviceAccountName") or "default",
            "nodeName": "localhost",
            "volumes": [],
        },
        "status": _status(attempt, containers, started),
    }


def _owner(run: Obj) -> Obj:
    return {
        "apiVersion": run["apiVersion"],
        "kind": run["kind"],
        "name": name_of(run),
        "uid": uid_of(run),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _containers(attempt: Attempt) -> list[Obj]:
    """Steps and sidecars as the Task has them, and whatever else the status knows of."""
    spec = attempt.status.get("taskSpec") or {}
    images = {
        f"step-{step_name(step, index)}": step.get("image") or ""
        for index, step in enumerate(spec.get("steps") or ())
    }
    sidecars = (each for each in spec.get("sidecars") or () if each.get("name"))
    images |= {f"sidecar-{each['name']}": each.get("image") or "" for each in sidecars}
    known = [str(each["container"]) for each in _entries(attempt.status) if each.get("container")]
    return [
        {"name": name, "image": images.get(name, ""), "resources": {}}
        for name in dict.fromkeys([*images, *known])
    ]


def _status(attempt: Attempt, containers: list[Obj], started: str) -> Obj:
    states = {each["name"]: attempt.state(each["name"]) for each in containers}
    phase = _phase(attempt, states)
    statuses = [
        {
            "name": each["name"],
            "image": each["image"],
            "imageID": "",
            "ready": "running" in states[each["name"]],
            "started": "running" in states[each["name"]],
            "restartCount": 0,
            "state": states[each["name"]],
        }
        for each in containers
    ]
    ready = "True" if phase == "Running" else "False"
    conditions = [
        {"type": name, "status": value, "lastTransitionTime": started}
        for name, value in (
            ("PodScheduled", "True"),
            ("Initialized", "True"),
            ("ContainersReady", ready),
            ("Ready", ready),
        )
    ]
    return {
        "phase": phase,
        "conditions": conditions,
        "hostIP": _ADDRESS,
        "podIP": _ADDRESS,
        "startTime": started,
        "containerStatuses": statuses,
        "qosClass": "BestEffort",
    }


def _phase(attempt: Attempt, states: dict[str, Obj]) -> str:
    if attempt.over:
        done = objects.is_success({"status": attempt.status})
        return "Succeeded" if done else "Failed"
    begun = any("waiting" not in state for state in states.values())
    return "Running" if begun else "Pending"


def _never(status: Obj) -> Obj:
    """The state of a container whose pod ended before it did anything."""
    moment = status.get("completionTime")
    return {
        "terminated": {
            "exitCode": 1, "reason": "Error", "startedAt": moment, "finishedAt": moment,
        }
    }  # fmt: skip


def _entries(status: Obj) -> list[Obj]:
    return [*(status.get("steps") or ()), *(status.get("sidecars") or ())]


def _has_pod(attempt: Attempt) -> bool:
    return bool(attempt.status.get("podName"))
