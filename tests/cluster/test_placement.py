"""Where the training runs: on a node with an accelerator, and not before one is free."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cluster.programs import Project, condition, is_done

pytestmark = pytest.mark.timeout(900)
_GPU = "nvidia.com/gpu"


@pytest.fixture(scope="module")
def node(project: Project) -> Iterator[str]:
    """A node with a label, as those with GPUs have; it has none yet."""
    if project.cluster.tools is None:
        pytest.skip("the nodes of a cluster that is not ours are left alone")
    name = str(project.cluster.get("nodes")["items"][0]["metadata"]["name"])
    project.cluster.kubectl("label", "node", name, "mltk.test/pool=gpu")
    yield name
    project.cluster.kubectl("label", "node", name, "mltk.test/pool-")
    _offer(project, name, None)


@pytest.fixture(scope="module")
def run(project: Project, node: str, delivered: Any) -> Iterator[str]:
    """A delivery whose training wants a GPU of that pool."""
    path = project.folder / "mltk.yaml"
    before = path.read_text(encoding="utf-8")
    spec = yaml.safe_load(before)
    spec["models"]["wine-alcohol"]["resources"] |= {
        "accelerator": "gpu",
        "architecture": "amd64",
        "node_selector": {"mltk.test/pool": "gpu"},
        "tolerations": [{"key": _GPU, "operator": "Exists", "effect": "NoSchedule"}],
    }
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    project.commit("Train on a GPU")
    yield project.start("wine-alcohol")
    path.write_text(before, encoding="utf-8")
    project.commit("Train anywhere")


def test_a_training_waits_for_a_gpu_and_says_so(project: Project, run: str, node: str) -> None:
    waiting = project.watch(
        *("taskrun", "-l", f"tekton.dev/pipelineRun={run},tekton.dev/pipelineTask=train-model"),
        until=lambda each: condition(each).get("reason") == "ExceededNodeResources",
    )
    assert condition(waiting)["status"] == "Unknown"
    said = project.mltk("describe", "pr", run).stdout
    # Runs of other tests may have taken all of the CPU as well.
    assert re.search(f"train-model waits: .*no node has a free {_GPU}", said), said


def test_it_goes_on_when_there_is_one(project: Project, run: str, node: str) -> None:
    _offer(project, node, "1")
    ended = project.watch("pipelinerun", run, until=is_done)
    assert condition(ended)["reason"] == "Completed", condition(ended)["message"]


def test_the_training_alone_is_placed(project: Project, run: str) -> None:
    for task, task_run in project.task_runs(run).items():
        spec = project.get("pod", task_run["status"]["podName"])["spec"]
        asked = sum(
            int(container["resources"].get("limits", {}).get(_GPU, 0))
            for container in spec["containers"]
        )
        training = task == "train-model"
        assert asked == (1 if training else 0), task
        assert ("mltk.test/pool" in spec.get("nodeSelector", {})) is training, task
        assert any(each.get("key") == _GPU for each in spec["tolerations"]) is training, task


def _offer(project: Project, node: str, count: str | None) -> None:
    """What a device plugin does: tell the API server how many the node has (None: it has none)."""
    operations = [
        {"op": "add", "path": f"/status/{where}/nvidia.com~1gpu", "value": count or "0"}
        for where in ("capacity", "allocatable")
    ]
    project.cluster.kubectl(
        *("patch", "node", node, "--subresource=status", "--type=json"),
        *("-p", json.dumps(operations)),
    )
