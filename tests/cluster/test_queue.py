"""Queues over the verbs that both engines have: the same on this machine and on a cluster."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mltk.cluster import ClusterBackend
from mltk.local.backend import LocalBackend
from mltk.local.engine import Engine
from mltk.local.process import ProcessRuntime
from mltk.queueing.annotations import CALLED_AT, REPLACED_BY
from mltk.queueing.dispatcher import Dispatcher
from mltk.tekton.api import Backend
from mltk.tekton.objects import Obj, annotations_of, is_done, name_of, reason, spec_of, status_of
from tests.cluster.staging import SLEEPER, lab
from tests.parity.play import Stage

__all__ = ["lab"]

_LIMIT = 240.0


@pytest.fixture(params=["local", "cluster"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Each of the engines, which drives whatever appears."""
    if request.param == "local":
        with _served(tmp_path / ".mltk") as backend:
            yield Stage(backend, "default")
        return
    lab, cluster = request.getfixturevalue("lab"), request.getfixturevalue("cluster")
    with ClusterBackend(namespace=lab, kubeconfig=cluster.kubeconfig) as backend:
        yield Stage(backend, lab)


@contextmanager
def _served(root: Path) -> Iterator[LocalBackend]:
    stop = threading.Event()
    with LocalBackend(root, serves=True) as backend, ProcessRuntime() as runtime:
        engine = Engine(backend.store, runtime, jobs=4, grace=0.2)
        thread = threading.Thread(target=engine.serve, args=(stop,))
        thread.start()
        try:
            yield backend
        finally:
            stop.set()
            thread.join()


@contextmanager
def _tended(backend: Backend, namespace: str, number: int = 2) -> Iterator[None]:
    """Several dispatchers at once."""
    with ExitStack() as stack:
        for _ in range(number):
            dispatcher = Dispatcher(backend, namespace)
            thread = threading.Thread(target=dispatcher.run)
            thread.start()
            stack.callback(thread.join)
            stack.callback(dispatcher.stop)
        yield


def _waiting(stage: Stage, image: str, name: str, queue: str, script: str = "true") -> Obj:
    marks = {"queue": queue, "queue-limit": "1", "project-limit": "2", "newest-wins": "false"}
    step = {"name": "s", "image": image, "script": f"#!/bin/sh\n{script}\n"}
    user = {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {
            "name": name,
            "namespace": stage.namespace,
            "labels": {"mltk.dev/project": queue.rpartition("-")[0]},
            "annotations": {f"mltk.dev/{key}": text for key, text in marks.items()},
        },
        "spec": {
            "status": "PipelineRunPending",
            "pipelineSpec": {"tasks": [{"name": "t", "taskSpec": {"steps": [step]}}]},
            "taskRunTemplate": {"podTemplate": {"securityContext": user}},
        },
    }


def _until(stage: Stage, name: str, met: Any) -> Obj:
    for event in stage.backend.watch("pr", stage.namespace, name=name, timeout=_LIMIT):
        if met(event.obj):
            return event.obj
    raise AssertionError(stage.backend.get("pr", name, stage.namespace))


def test_two_that_tend_the_queues_keep_the_limits(stage: Stage, image: str) -> None:
    project = f"p{secrets.token_hex(3)}"
    names = [f"{project}-{queue}-{number}" for number in range(2) for queue in "abc"]
    for name in names:
        stage.backend.create(_waiting(stage, image, name, name[:-2]))
    going: set[str] = set()
    left = set(names)
    with _tended(stage.backend, stage.namespace):
        labels = {"mltk.dev/project": project}
        for event in stage.backend.watch("pr", stage.namespace, labels, timeout=_LIMIT):
            name, run = name_of(event.obj), event.obj
            if is_done(run):
                going.discard(name)
                left.discard(name)
            elif not spec_of(run).get("status"):
                going.add(name)
            assert len(going) <= 2
            assert len({each[:-2] for each in going}) == len(going)
            if not left:
                break
    assert not left
    for name in names:
        run = stage.backend.get("pr", name, stage.namespace)
        assert reason(run) == "Succeeded"
        assert CALLED_AT in annotations_of(run)


def test_newest_replaces_what_waits_and_not_what_runs(stage: Stage, image: str) -> None:
    queue = f"p{secrets.token_hex(3)}-q"
    runs = [_waiting(stage, image, f"{queue}-{n}", queue, SLEEPER) for n in range(3)]
    for number, run in enumerate(runs):
        run["metadata"]["annotations"] |= {
            "mltk.dev/newest-wins": "true",
            "mltk.dev/queued-at": str(number),
        }
    first, old, newest = (name_of(run) for run in runs)
    stage.backend.create(runs[0])
    with _tended(stage.backend, stage.namespace):
        _until(stage, first, lambda run: status_of(run).get("startTime"))
        stage.backend.create(runs[1])
        stage.backend.create(runs[2])
        ended = _until(stage, old, is_done)
        assert reason(ended) == "Cancelled"
        assert annotations_of(ended)[REPLACED_BY] == newest
        stage.backend.cancel(stage.backend.get("pr", first, stage.namespace), "Cancelled")
        _until(stage, newest, lambda run: status_of(run).get("startTime"))
        stage.backend.cancel(stage.backend.get("pr", newest, stage.namespace), "Cancelled")
        assert reason(_until(stage, newest, is_done)) == "Cancelled"
