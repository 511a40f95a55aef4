"""The run that makes a model again is none that anybody could take for a delivery."""

from __future__ import annotations

import dataclasses
import json

from mltk.project.compile import PIPELINE, manifests
from mltk.project.reproduction import as_installed, pipeline_spec, reproduction_manifest
from mltk.project.spec import Project
from mltk.registry.origin import Origin
from mltk.tekton.admission import admit

PROJECT = Project.model_validate(
    {
        "project": "shop",
        "models": {
            "wine": {
                "problem": "regression",
                "data": {"path": "wine.csv"},
                "target": {"name": "y"},
                "features": [{"name": "x"}],
            }
        },
    }
)
ORIGIN = Origin(
    "models:/wine/3", "wine", "3", "r", "/there", "f" * 40, "md5:1", "", {}, "sha256:1", {}, None
)


def test_it_does_not_judge_register_deploy_or_report() -> None:
    spec = pipeline_spec()
    assert [task["name"] for task in spec["tasks"]] == [
        "recall-model",
        "fetch-data",
        "train-model",
        "compare-models",
    ]
    assert "finally" not in spec
    shipped = {each["metadata"]["name"] for each in manifests() if each["kind"] == "Task"}
    assert {task["taskRef"]["name"] for task in spec["tasks"] if "taskRef" in task} <= shipped


def test_it_says_what_to_make_again_and_has_no_label_of_a_delivery() -> None:
    run = reproduction_manifest(
        PROJECT, ORIGIN, repo_url="/there", tracking_uri="http://m", namespace="n", strict=True
    )
    assert all("has no effect here" in warning for warning in admit(run))
    params = {each["name"]: each["value"] for each in run["spec"]["params"]}
    assert params["reference"] == "models:/wine/3"
    assert (params["revision"], params["data-version"], params["strict"]) == (
        "f" * 40,
        "md5:1",
        "true",
    )
    labels = run["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/part-of": "mltk", "mltk.dev/reproduces": "wine"}
    accounts = {
        each["pipelineTaskName"]: each["serviceAccountName"] for each in run["spec"]["taskRunSpecs"]
    }
    assert accounts == {
        "recall-model": "mltk-gate-model",
        "fetch-data": "mltk-fetch-data",
        "train-model": "mltk-train-model",
        "compare-models": "mltk-train-model",
    }


def test_it_runs_in_the_image_that_the_installed_pipeline_names() -> None:
    run = reproduction_manifest(
        PROJECT, ORIGIN, repo_url="/there", tracking_uri="http://m", namespace="n", strict=False
    )
    (installed,) = (each for each in manifests() if each["metadata"]["name"] == PIPELINE)
    for param in installed["spec"]["params"]:
        if param["name"] == "image":
            param["default"] = "registry.example.org/mltk:2"
    params = as_installed(run, installed)["spec"]["pipelineSpec"]["params"]
    usual = {each["name"]: each.get("default") for each in params}
    assert usual["image"] == "registry.example.org/mltk:2"
    assert usual["strict"] == "false"
    assert usual["revision"] is None


def test_what_a_search_has_chosen_is_asked_for_again() -> None:
    chosen = {"training.learning_rate": 0.01, "network.hidden": [8]}
    run = reproduction_manifest(
        PROJECT,
        dataclasses.replace(ORIGIN, parameters=chosen),
        repo_url="/there",
        tracking_uri="http://m",
        namespace="n",
        strict=False,
    )
    params = {each["name"]: each["value"] for each in run["spec"]["params"]}
    assert json.loads(params["parameters"]) == chosen
    (fetch,) = [task for task in pipeline_spec()["tasks"] if task["name"] == "fetch-data"]
    assert {"name": "parameters", "value": "$(params.parameters)"} in fetch["params"]
