"""What the real Tekton and the real Kubernetes make of a pod beside LimitRanges."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from mltk.cluster.backend import ClusterBackend
from mltk.tekton.objects import Obj, is_done, message, name_of, status_of
from tests.cluster.programs import Cluster
from tests.unit.tekton.test_limitranges import ASKED, limit_range

pytestmark = pytest.mark.timeout(120)

_LIMIT = 60.0  # seconds until a pod is there, or is refused
_USER = {"securityContext": {"runAsUser": 65532}}


@pytest.fixture
def backend(cluster: Cluster) -> Iterator[ClusterBackend]:
    """A namespace of its own, since a LimitRange holds for all pods of one."""
    name = f"limits-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    with ClusterBackend(namespace=name, kubeconfig=cluster.kubeconfig) as made:
        yield made
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("name", ASKED)
def test_the_figures_are_those_of_a_cluster(
    cluster: Cluster, backend: ClusterBackend, name: str
) -> None:
    case = ASKED[name]
    for number, limits in enumerate(case.get("ranges", ())):
        obj = limit_range({"limits": limits})
        backend.create(_placed({**obj, "metadata": {"name": f"range-{number}"}}, backend))
    run = backend.create(_placed(_task_run(case), backend))
    for event in backend.watch("TaskRun", backend.namespace, name=name_of(run), timeout=_LIMIT):
        run = event.obj
        if is_done(run) or status_of(run).get("podName"):
            break
    if why := case.get("refused"):
        made = f'failed to create task run pod "run": {why}. Maybe invalid TaskSpec'
        assert message(run) == made
        return
    pod = cluster.get("pod", status_of(run)["podName"], "-n", backend.namespace)
    assert {each["name"]: each["resources"] for each in pod["spec"]["containers"]} == case["asks"]


def _task_run(case: Any) -> Obj:
    task = json.loads(json.dumps(case["task"]))
    for step in task["steps"]:
        step |= {"image": "localhost/busybox:1", "command": ["true"]}
    for sidecar in task.get("sidecars", ()):
        sidecar |= {"image": "localhost/busybox:1", "command": ["sleep", "1"]}
    spec = {"taskSpec": task, "podTemplate": _USER}
    if "whole" in case:
        spec["computeResources"] = case["whole"]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": "run"},
        "spec": spec,
    }


def _placed(obj: Obj, backend: ClusterBackend) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "namespace": backend.namespace}}
