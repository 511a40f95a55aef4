"""What the real Tekton and the real Kubernetes make of a pod beside LimitRanges."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mltk.cluster.backend import ClusterBackend
from mltk.tekton.objects import Obj, is_done, message, name_of, status_of
from tests.cluster.programs import Cluster
from tests.unit.tekton.test_limitranges import ASKED, limit_range

pytestmark = pytest.mark.timeout(120)

_LIMIT = 60.0  # seconds until a pod is there, or is refused
_NOWHERE = {"nodeSelector": {"mltk.dev/limits": "none"}}  # a pod is to be made, not to run


@pytest.fixture(scope="module")
def places(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    """A namespace for each case, since a LimitRange holds for all pods of one.

    All of them are there before the first TaskRun: Tekton learns of a LimitRange a moment later.
    """
    word = secrets.token_hex(3)
    found = {name: f"limits-{word}-{number}" for number, name in enumerate(ASKED)}
    made = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": each}}
        for each in found.values()
    ]
    for name, namespace in found.items():
        for number, limits in enumerate(ASKED[name].get("ranges", ())):
            metadata = {"name": f"range-{number}", "namespace": namespace}
            made.append({**limit_range({"limits": limits}), "metadata": metadata})
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    cluster.kubectl("create", "-f", "-", stdin=listed)
    yield found
    cluster.kubectl("delete", "namespace", *found.values(), "--wait=false")


@pytest.mark.parametrize("name", ASKED)
def test_the_figures_are_those_of_a_cluster(
    cluster: Cluster, places: Mapping[str, str], name: str
) -> None:
    case, namespace = ASKED[name], places[name]
    with ClusterBackend(namespace=namespace, kubeconfig=cluster.kubeconfig) as backend:
        run = backend.create(_task_run(case, namespace))
        for event in backend.watch("TaskRun", namespace, name=name_of(run), timeout=_LIMIT):
            run = event.obj
            if is_done(run) or status_of(run).get("podName"):
                break
    if why := case.get("refused"):
        told = f'failed to create task run pod "run": {why}. Maybe invalid TaskSpec'
        assert message(run) == told
        return
    assert status_of(run).get("podName"), message(run)
    pod = cluster.get("pod", status_of(run)["podName"], "-n", namespace)
    assert {each["name"]: each["resources"] for each in pod["spec"]["containers"]} == case["asks"]


def _task_run(case: Any, namespace: str) -> Obj:
    task = {
        part: [{**each, "image": "localhost/busybox:1", "command": ["true"]} for each in containers]
        for part, containers in case["task"].items()
    }
    spec = {"taskSpec": task, "podTemplate": _NOWHERE}
    if "whole" in case:
        spec["computeResources"] = case["whole"]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": "run", "namespace": namespace},
        "spec": spec,
    }
