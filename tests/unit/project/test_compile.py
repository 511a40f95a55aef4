from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mltk.project.compile import (
    STEPS,
    TASKS,
    manifest_texts,
    manifests,
    name_prefix,
    render_run,
    run_manifest,
    tracking_uri,
)
from mltk.project.key import KeyParts
from mltk.project.load import load
from mltk.project.placement import Resources, Toleration
from mltk.project.request import RunRequest, windowed
from mltk.project.spec import Project
from mltk.tekton.admission import admit
from mltk.tekton.rerun import generate_name, rerun

GOLDEN = Path(__file__).parents[2] / "golden" / "compile"
NAMES = ("regression", "classification", "accelerator", "windows", "limits")
ROOT = Path("/home/ada/project")


def request_of(project: Project) -> RunRequest:
    """A request with made-up digests: the real ones change with every line of mltk."""
    ((name, model),) = project.models.items()
    return RunRequest(
        project=project.project,
        model=name,
        repo_url=project.cluster.repo_url or str(ROOT),
        revision="0123456789abcdef" * 2 + "01234567",
        data_version="md5:" + "ab" * 16,
        parts=KeyParts(data="md5:" + "ab" * 16, spec="5" * 64, code="c" * 64, seed=str(model.seed)),
        key="e" * 64,
        policy="f" * 64,
        deploy_folder=str(ROOT / model.deploy.folder) if model.deploy else "",
        resources=model.resources,
        image=project.cluster.image,
    )


def golden(name: str) -> tuple[Project, RunRequest]:
    project = load(GOLDEN / f"{name}.mltk.yaml")
    request = request_of(project)
    if name == "windows":
        window = "2026-11-01T23:00:00Z/2026-11-08T23:00:00Z"
        request = windowed(request, window, "rows:" + "ab" * 15)
        request = dataclasses.replace(request, key="e" * 64)
    return project, request


@pytest.mark.parametrize("name", NAMES)
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
    request = dataclasses.replace(
        request, repo_url=value, model=value, image=value, resources=_asking_for(value)
    )
    run = run_manifest(project, request, tracking_uri=value, params={name: value})
    params = {param["name"]: param["value"] for param in run["spec"]["params"]}
    assert set(params) - {"image"} == {*_params_of(golden("regression")), name} - {"image"}
    assert params["repo-url"] == params["tracking-uri"] == params[name] == value
    assert run["metadata"]["labels"]["mltk.dev/model"] == value
    (training,) = (each for each in run["spec"]["taskRunSpecs"] if len(each) > 2)
    assert set(training) == {"pipelineTaskName", "serviceAccountName", "stepSpecs", "podTemplate"}
    assert training["podTemplate"] == {
        "nodeSelector": {value: value, "kubernetes.io/arch": "arm64"},
        "tolerations": [{"key": value, "operator": "Equal", "value": value}],
    }


def _asking_for(text: str) -> Resources:
    """Resources whose every text is `text`, past the rules that would refuse it."""
    toleration = Toleration.model_construct(
        key=text, operator="Equal", value=text, effect=None, seconds=None
    )
    return Resources.model_construct(
        cpu=text,
        memory=text,
        accelerator="gpu",
        accelerator_count=1,
        accelerator_resource=f"{text}/",
        architecture="arm64",
        node_selector={text: text},
        tolerations=(toleration,),
    )


@given(st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True))
@example("train-r-model")
@example("wine-r")
@example("a-r-r-b")
@example("a--r")
def test_the_dashboard_cuts_no_name_of_a_run(model: str) -> None:
    name = f"{name_prefix(model)}x7k2p"
    assert generate_name(name) == f"{name}-r-"
    assert generate_name(f"{name}-r-b2b2b") == f"{name}-r-"
    assert len(f"{name}-r-b2b2b") <= 63


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
    assert tuple(task["name"] for task in (*pipeline["tasks"], *pipeline["finally"])) == TASKS
    train = _named(shipped, "Task", "train-model")["spec"]
    assert tuple(step["name"] for step in train["steps"]) == STEPS


def test_training_alone_is_placed() -> None:
    specs = _task_run_specs(golden("accelerator"))
    assert [each["serviceAccountName"] for each in specs.values()] == [f"mltk-{t}" for t in TASKS]
    train = specs.pop("train-model")
    asked = {each["name"]: each["computeResources"] for each in train["stepSpecs"]}
    gpus = [each for each, found in asked.items() if "nvidia.com/gpu" in found["limits"]]
    assert gpus == ["train"]
    assert asked["train"]["requests"]["nvidia.com/gpu"] == "2"
    assert train["podTemplate"]["nodeSelector"]["kubernetes.io/arch"] == "amd64"
    # A podTemplate here would not only add to the run's but replace what both name.
    assert "securityContext" not in train["podTemplate"]
    assert all(set(each) == {"pipelineTaskName", "serviceAccountName"} for each in specs.values())


def test_all_pods_of_a_run_are_placed_together_when_asked() -> None:
    project, request = golden("accelerator")
    cluster = project.cluster.model_copy(update={"placement": "run"})
    run = run_manifest(
        project.model_copy(update={"cluster": cluster}), request, tracking_uri="http://mlflow"
    )
    together = run["spec"]["taskRunTemplate"]["podTemplate"]
    alone = next(each for each in run["spec"]["taskRunSpecs"] if "podTemplate" in each)
    assert together["nodeSelector"] == alone["podTemplate"]["nodeSelector"]
    assert together["tolerations"] == alone["podTemplate"]["tolerations"]
    assert together["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("name", NAMES)
def test_the_dashboards_copy_asks_for_the_same(name: str) -> None:
    run = run_manifest(*golden(name), tracking_uri="http://mlflow")
    run["metadata"]["name"] = f"{run['metadata']['generateName']}x7k2p"
    copied = rerun(run)
    asked = {key: value for key, value in run["spec"].items() if key != "status"}
    assert copied["spec"] == asked
    assert run["metadata"]["labels"].items() <= copied["metadata"]["labels"].items()


@pytest.mark.parametrize("name", NAMES)
def test_the_embedded_engine_takes_the_run(name: str) -> None:
    run = run_manifest(*golden(name), tracking_uri="http://mlflow")
    assert all("has no effect here" in warning for warning in admit(run))


def _task_run_specs(case: tuple[Project, RunRequest]) -> dict[str, dict[str, Any]]:
    run = run_manifest(*case, tracking_uri="http://mlflow")
    return {each["pipelineTaskName"]: each for each in run["spec"]["taskRunSpecs"]}


def test_the_text_is_yaml_without_surprises() -> None:
    project, request = golden("classification")
    text = render_run(project, request, tracking_uri="http://mlflow")
    assert yaml.safe_load(text) == run_manifest(project, request, tracking_uri="http://mlflow")


def _named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def test_a_cluster_gets_the_service_accounts_that_runs_name() -> None:
    objects = [each for text in manifest_texts(accounts=True) for each in yaml.safe_load_all(text)]
    accounts = [each for each in objects if each["kind"] == "ServiceAccount"]
    named = {each["serviceAccountName"] for each in _task_run_specs(golden("regression")).values()}
    assert {each["metadata"]["name"] for each in accounts} == named
    assert all(each["automountServiceAccountToken"] is False for each in accounts)
    assert [each for each in objects if each not in accounts] == manifests()
