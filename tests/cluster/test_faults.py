"""Parts of the cluster that end in the middle of a run: the run ends all the same, once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.conftest import REPOSITORY
from tests.cluster.programs import Project, condition, is_done

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("delivered")]


def test_a_pod_that_is_deleted_in_mid_training(project: Project) -> None:
    run = project.start("wine-alcohol")
    training = _step_runs(project, run, "train-model", "train")
    project.cluster.kubectl("delete", "pod", "-n", project.namespace, training, "--wait=false")
    ended = project.watch("pipelinerun", run, until=is_done)
    _is_delivered_once(project, ended)
    # What happened stays to be read on the TaskRun.
    described = project.mltk("describe", "pr", run).stdout
    assert training in described
    attempts = project.task_runs(run)["train-model"]["status"]
    assert attempts["podName"] != training


def test_the_controller_of_tekton_restarted(project: Project) -> None:
    if project.cluster.tools is None:
        pytest.skip("the controller of a cluster that is not ours is left alone")
    run = project.start("wine-alcohol")
    _step_runs(project, run, "train-model", "validate")
    of_controller = ("deployment/tekton-pipelines-controller", "-n", "tekton-pipelines")
    project.cluster.kubectl("rollout", "restart", *of_controller)
    project.cluster.kubectl("rollout", "status", *of_controller, "--timeout=120s")
    _is_delivered_once(project, project.watch("pipelinerun", run, until=is_done))


def test_mlflow_restarted(project: Project) -> None:
    """Its pod is gone while the gate, which asks it for the champion, begins."""
    run = project.start("wine-alcohol")
    _step_runs(project, run, "train-model", "verify")
    mlflow = ("deployment/mltk-mlflow", "-n", project.namespace)
    project.cluster.kubectl("rollout", "restart", *mlflow)
    ended = project.watch("pipelinerun", run, until=is_done)
    project.cluster.kubectl("rollout", "status", *mlflow, "--timeout=120s")
    _is_delivered_once(project, ended)


def test_containerd_restarted(project: Project) -> None:
    if project.cluster.tools is None:
        pytest.skip("the containerd of a cluster that is not ours is left alone")
    run = project.start("wine-alcohol")
    _step_runs(project, run, "train-model", "train")
    subprocess.run(
        ["python3", "-m", "tests.cluster.node", "restart", "containerd"], cwd=REPOSITORY, check=True
    )
    _is_delivered_once(project, project.watch("pipelinerun", run, until=is_done))


def _step_runs(project: Project, run: str, task: str, step: str) -> str:
    """Wait until all steps before `step` have ended; the pod in which it then does its work.

    What has ended stays so: a watch cannot miss it, however short the step is.
    """
    of_task = f"tekton.dev/pipelineRun={run},tekton.dev/pipelineTask={task}"
    task_run = project.watch("taskrun", "-l", of_task, until=_is_at(step))
    return str(task_run["status"]["podName"])


def _is_at(step: str) -> Callable[[Any], bool]:
    """Whether all the steps before `step` have ended, and its own container has begun."""

    def test(task_run: Any) -> bool:
        steps = {each["name"]: each for each in task_run.get("status", {}).get("steps", [])}
        if "running" not in steps.get(step, {}) and "terminated" not in steps.get(step, {}):
            return False
        before = list(steps)[: list(steps).index(step)]
        return all("terminated" in steps[each] for each in before)

    return test


def _is_delivered_once(project: Project, run: Any) -> None:
    """The run did all its work, and the registry holds the one version that was there before."""
    assert condition(run)["reason"] == "Completed", condition(run)["message"]
    results = {each["name"]: each["value"] for each in run["status"]["results"]}
    assert (results["verdict"], results["model-version"], results["alias"]) == (
        "pass",
        "1",
        "champion",
    )
