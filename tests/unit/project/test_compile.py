from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mltk.project.compile import manifests, render_run, run_manifest, tracking_uri
from mltk.project.key import KeyParts
from mltk.project.load import load
from mltk.project.request import RunRequest
from mltk.project.spec import Project

GOLDEN = Path(__file__).parents[2] / "golden" / "compile"
ROOT = Path("/home/ada/project")


def request_of(project: Project) -> RunRequest:
    """A request with made-up digests: the real ones change with every line of mltk."""
    ((name, model),) = project.models.items()
    return RunRequest(
        project=project.project,
        model=name,
        repo_url=str(ROOT),
        revision="0123456789abcdef" * 2 + "01234567",
        data_version="md5:" + "ab" * 16,
        parts=KeyParts(data="md5:" + "ab" * 16, spec="5" * 64, code="c" * 64, seed=str(model.seed)),
        key="e" * 64,
        policy="f" * 64,
        deploy_folder=str(ROOT / model.deploy.folder) if model.deploy else "",
        cpu=model.resources.cpu,
        memory=model.resources.memory,
    )


def golden(name: str) -> tuple[Project, RunRequest]:
    project = load(GOLDEN / f"{name}.mltk.yaml")
    return project, request_of(project)


@pytest.mark.parametrize("name", ["regression", "classification"])
def test_the_run_of_a_project(name: str) -> None:
    project, request = golden(name)
    text = render_run(project, request, tracking_uri=tracking_uri(project, ROOT))
    file = GOLDEN / f"{name}.run.yaml"
    if os.environ.get("MLTK_REGENERATE"):
        file.write_text(text)
    assert text == file.read_text()


def test_params_of_the_user_win() -> None:
    project, request = golden("regression")
    run = run_manifest(
        project,
        request,
        tracking_uri="http://mlflow",
        namespace="ml",
        params={"image": "registry/mltk:9", "experiment": "other"},
    )
    params = {param["name"]: param["value"] for param in run["spec"]["params"]}
    assert params["image"] == "registry/mltk:9"
    assert params["experiment"] == "other"
    assert run["metadata"]["namespace"] == "ml"


@given(value=st.text(), name=st.text(min_size=1))
def test_no_value_breaks_out_of_its_place(value: str, name: str) -> None:
    project, request = golden("regression")
    request = dataclasses.replace(request, repo_url=value, memory=value, model=value)
    run = run_manifest(project, request, tracking_uri=value, params={name: value})
    params = {param["name"]: param["value"] for param in run["spec"]["params"]}
    assert set(params) == {*_params_of(golden("regression")), name}
    assert params["repo-url"] == params["tracking-uri"] == params[name] == value
    assert run["metadata"]["generateName"] == f"{value}-"


def _params_of(case: tuple[Project, RunRequest]) -> set[str]:
    run = run_manifest(*case, tracking_uri="x")
    return {param["name"] for param in run["spec"]["params"]}


def test_a_run_gives_only_params_that_its_pipeline_has() -> None:
    shipped = manifests()
    pipeline = _named(shipped, "Pipeline", "model-delivery")
    declared = {param["name"] for param in pipeline["spec"]["params"]}
    required = {param["name"] for param in pipeline["spec"]["params"] if "default" not in param}
    given_params = _params_of(golden("regression"))
    assert required <= given_params <= declared


def test_every_task_of_the_pipeline_is_shipped() -> None:
    shipped = manifests()
    pipeline = _named(shipped, "Pipeline", "model-delivery")["spec"]
    for task in (*pipeline["tasks"], *pipeline["finally"]):
        assert _named(shipped, "Task", task["taskRef"]["name"])
    assert "train-model" in {task["name"] for task in pipeline["tasks"]}


def test_the_text_is_yaml_without_surprises() -> None:
    project, request = golden("classification")
    text = render_run(project, request, tracking_uri="http://mlflow")
    assert yaml.safe_load(text) == run_manifest(project, request, tracking_uri="http://mlflow")


def _named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found
