"""`mltk search`: killed, gone on with, delivered, and told, with real git, DVC, MLflow and Node."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mltk.registry import Registry

from .conftest import Project

pytestmark = pytest.mark.xdist_group("search")
RATES = [0.03, 0.1, 1e30]


@pytest.fixture(scope="module")
def searched(copies: Callable[[str], Project]) -> tuple[Project, Any]:
    """A project whose search was killed after its first trial, and what the next one said."""
    project = copies("searched")
    spec = project.spec()
    model = project.the_model(spec)
    model["search"] = {"parameters": {"training.learning_rate": RATES}, "method": "grid"}
    project.write_spec(spec)
    project.commit("Search")
    # One at a time, so that no other trial is done when it is killed.
    killed = project.start("search", "plane", "--jobs", "1")
    assert killed.stderr is not None
    assert any("trials-1-0  Succeeded" in line for line in killed.stderr)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    return project, project.json("search", "plane")


def _registry(project: Project) -> Registry:
    return Registry(f"sqlite:///{project.folder}/.mltk/mlflow.db", project.spec()["project"])


def test_the_best_of_the_validation_rows_is_delivered(searched: tuple[Project, Any]) -> None:
    _, said = searched
    assert [each["state"] for each in said["trials"]] == ["chosen", "done", "failed"]
    losses = [each["validationLoss"] for each in said["trials"]]
    assert losses[0] < losses[1] and losses[2] is None
    assert "diverged: in epoch 1" in said["trials"][2]["failure"]
    delivery = said["delivery"]
    assert (delivery["verdict"], delivery["version"], delivery["alias"]) == (
        "pass", "1", "champion",
    )  # fmt: skip
    assert delivery["champion"] == {}


def test_what_was_done_before_the_kill_is_not_done_again(searched: tuple[Project, Any]) -> None:
    project, said = searched
    runs = project.json(
        "get", "taskruns", "-l", f"tekton.dev/pipelineRun={said['delivery']['run']}"
    )
    cached = {
        each["metadata"]["labels"]["tekton.dev/pipelineTask"]
        for each in runs["items"]
        if "mltk.dev/cached-from" in each["metadata"]["annotations"]
    }
    assert {"fetch-data", "trials-1"} <= cached


def test_mlflow_has_each_trial_below_the_run(searched: tuple[Project, Any]) -> None:
    project, said = searched
    registry = _registry(project)
    client = registry.connection.client
    (version,) = registry.list_models()
    rate = said["chosen"]["parameters"]["training.learning_rate"]
    assert version.lineage.parameters == {"training.learning_rate": rate}
    tags = client.get_model_version("plane", "1").tags
    assert tags["mltk.parameter.training.learning_rate"] == str(rate)
    assert not [tag for tag in tags if tag.startswith("mltk.try.")]

    runs = client.search_runs(
        [registry.connection.experiment_id],
        f"tags.`mlflow.parentRunId` = '{version.run_id}' and tags.`mltk.trial` != ''",
    )
    told = {run.data.params["training.learning_rate"]: run for run in runs}
    assert set(told) == {str(each) for each in RATES}
    assert told["1e+30"].info.status == "FAILED"
    best = told[str(rate)]
    assert best.data.tags["mltk.trial.chosen"] == "true"
    curve = client.get_metric_history(best.info.run_id, "epoch/validation_loss")
    assert [point.step for point in curve] == list(range(1, 31))
    assert min(point.value for point in curve) == said["chosen"]["validationLoss"]


def test_what_cannot_be_searched_is_said(searched: tuple[Project, Any]) -> None:
    project, _ = searched
    assert "no model 'plain'" in project.mltk("search", "plain", code=2).stderr
    assert "did you mean 'plane'" in project.mltk("search", "plain", code=2).stderr
    said = project.mltk("search", "plane", "-p", "model=other", code=2).stderr
    assert "the param 'model' comes from the project" in said
    plan = project.json("search", "plane", "--dry-run")
    rates = [each["parameters"]["training.learning_rate"] for each in plan["trials"]]
    assert rates == RATES


def test_a_model_that_starts_from_the_champion_is_not_searched(
    searched: tuple[Project, Any],
) -> None:
    project, _ = searched
    spec = project.spec()
    project.the_model(spec)["training"]["start"] = "champion"
    project.write_spec(spec)
    project.commit("Start from the champion")
    refused = project.mltk("search", "plane", code=3).stderr
    assert "would start from a model of other parameters" in refused
    run = yaml.safe_load(project.mltk("compile", "plane").stdout)
    names = [task["name"] for task in run["spec"]["pipelineSpec"]["tasks"]]
    assert names[:3] == ["fetch-data", "recall-champion", "train-model"]
