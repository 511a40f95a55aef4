"""Objects for the tests of backends, and a namespace to keep them in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from mltk.tekton.objects import Obj, is_done
from tests.cluster.programs import Cluster
from tests.parity.play import Stage

# Long enough that a test ends it.
SLEEPER = "echo begun; sleep 300"
_LIMIT = 240.0


@pytest.fixture(scope="module")
def lab(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test module at hand."""
    name = f"backend-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("wait", "-n", name, "serviceaccount/default", "--for=create")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def config(stage: Stage, name: str = "", **metadata: Any) -> Obj:
    named = {"name": name} if name else {}
    metadata = {**named, "namespace": stage.namespace, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}}


def task(stage: Stage, name: str, *images: str) -> Obj:
    steps = [{"name": f"s{n}", "image": image, "script": "true"} for n, image in enumerate(images)]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": name, "namespace": stage.namespace},
        "spec": {"steps": steps},
    }


def task_run(stage: Stage, name: str, image: str, *scripts: str) -> Obj:
    steps = [
        {"name": f"s{n}", "image": image, "script": f"#!/bin/sh\n{script}\n"}
        for n, script in enumerate(scripts)
    ]
    user = {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": name, "namespace": stage.namespace},
        "spec": {"taskSpec": {"steps": steps}, "podTemplate": {"securityContext": user}},
    }


def data(stage: Stage, name: str) -> Any:
    return stage.backend.get("cm", name, stage.namespace)["data"]


def until_ended(stage: Stage, name: str, kind: str = "TaskRun") -> Obj:
    for event in stage.backend.watch(kind, stage.namespace, name=name, timeout=_LIMIT):
        if is_done(event.obj):
            return event.obj
    raise AssertionError(f"{name} has not ended")
