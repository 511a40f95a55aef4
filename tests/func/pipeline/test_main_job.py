"""The main job on a clone of this repository: models of three kinds, from git to the registry."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from .conftest import Project

MODELS = (
    "breast-cancer",
    "cell-density",
    "diabetes-progression",
    "wine-alcohol",
)

pytestmark = pytest.mark.xdist_group("demo")


def _latest(demo: Project, model: str) -> Any:
    listed = demo.json("get", "pipelineruns", "-l", f"mltk.dev/model={model}")
    return max(listed["items"], key=lambda run: int(run["metadata"]["resourceVersion"]))


def test_models_of_three_kinds_are_registered_with_their_lineage(demo: Project) -> None:
    listed = {row["name"]: row for row in demo.json("models", "list")}
    assert tuple(sorted(listed)) == MODELS
    for row in listed.values():
        assert (row["version"], row["alias"]) == ("1", "champion")
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", row["digest"])
        assert re.fullmatch(r"md5:[0-9a-f]{32}", row["dataVersion"])
        assert row["gitSha"] == demo.git("rev-parse", "HEAD")
        assert row["metrics"]
    assert listed["diabetes-progression"]["metrics"]["r2"] > 0.3
    assert listed["breast-cancer"]["metrics"]["accuracy"] > 0.93


@pytest.mark.parametrize("model", MODELS)
def test_a_stored_bundle_is_proven_again_from_the_registry(demo: Project, model: str) -> None:
    (demo.folder / ".mltk" / "volumes").rename(demo.folder / ".mltk" / "hidden")
    try:
        proof = demo.json("models", "verify", model)
    finally:
        (demo.folder / ".mltk" / "hidden").rename(demo.folder / ".mltk" / "volumes")
    assert {check["backend"] for check in proof["backends"]} == {"cpu", "wasm"}
    assert all(check["max_relative_error"] < 1e-4 for check in proof["backends"])


def test_a_run_reads_as_tekton_would_have_written_it(demo: Project) -> None:
    listed = yaml.safe_load(demo.mltk("get", "pipelineruns", "-o", "yaml").stdout)
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    for run in listed["items"]:
        assert (run["apiVersion"], run["kind"]) == ("tekton.dev/v1", "PipelineRun")
        (condition,) = run["status"]["conditions"]
        assert (condition["type"], condition["status"]) == ("Succeeded", "True")
        # deploy-model is skipped by its `when`: Tekton calls that Completed.
        assert condition["reason"] == "Completed"
        assert condition["message"].startswith("Tasks Completed: 5 (Failed: 0, Cancelled 0)")
        (skipped,) = run["status"]["skippedTasks"]
        assert skipped["name"] == "deploy-model"
        children = {child["pipelineTaskName"] for child in run["status"]["childReferences"]}
        assert children == {"fetch-data", "train-model", "gate-model", "register-model", "report"}
        results = {result["name"]: result["value"] for result in run["status"]["results"]}
        assert results["verdict"] == "pass"
        assert run["status"]["pipelineSpec"]["tasks"]


def test_tasks_hold_the_states_of_their_steps(demo: Project) -> None:
    run = _latest(demo, "wine-alcohol")["metadata"]["name"]
    task = demo.json("get", "taskrun", f"{run}-train-model")
    steps = task["status"]["steps"]
    assert [step["name"] for step in steps] == [
        "validate",
        "train",
        "evaluate",
        "export",
        "verify",
    ]
    assert all(step["terminated"]["exitCode"] == 0 for step in steps)
    assert "holdout" in demo.mltk("logs", run, "--task", "train-model").stdout.replace("-", "")


def test_a_second_run_finds_everything_done(demo: Project) -> None:
    before = demo.json("models", "list")
    runs = len(demo.json("get", "pipelineruns")["items"])
    said = demo.mltk("run")
    assert (said.stdout + said.stderr).count("up to date") >= len(MODELS)
    assert demo.json("models", "list") == before
    assert len(demo.json("get", "pipelineruns")["items"]) == runs


def test_a_forced_run_trains_the_same_bundle_and_no_second_version(demo: Project) -> None:
    before = demo.json("models", "list")
    demo.mltk("run", "wine-alcohol", "--force")
    assert demo.json("models", "list") == before


def test_a_rerun_is_the_dashboards_copy_and_registers_nothing_new(demo: Project) -> None:
    run = _latest(demo, "wine-alcohol")
    demo.mltk("rerun", run["metadata"]["name"])
    copy = _latest(demo, "wine-alcohol")
    assert copy["metadata"]["labels"]["dashboard.tekton.dev/rerunOf"] == run["metadata"]["name"]
    assert copy["spec"] == run["spec"]
    assert {row["version"] for row in demo.json("models", "list")} == {"1"}


# SQLAlchemy warns of MLflow's own models when they are imported.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_mlflow_holds_a_parent_and_nested_runs_with_their_evidence(demo: Project) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{demo.folder}/.mltk/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "mltk-demo"]
    runs = client.search_runs([experiment.experiment_id])
    run = _latest(demo, "diabetes-progression")
    (parent,) = [r for r in runs if r.info.run_name == run["metadata"]["name"]]
    nested = [r for r in runs if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(nested) >= 4
    everything = [parent, *nested]
    assert any("rmse" in r.data.metrics for r in everything)
    assert any(r.inputs.dataset_inputs for r in everything)
    assert any(
        r.data.tags.get("mlflow.source.git.commit") == demo.git("rev-parse", "HEAD")
        for r in everything
    )
    plots = [
        file.path
        for r in everything
        for folder in client.list_artifacts(r.info.run_id)
        for file in (client.list_artifacts(r.info.run_id, folder.path) if folder.is_dir else [])
    ]
    assert any(path.endswith(".png") for path in plots)


def test_a_changed_row_is_named_as_the_reason_and_gives_a_new_version(demo: Project) -> None:
    demo.dvc("pull")
    table = demo.folder / "data" / "wine.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[1] = lines[1].replace("14.23", "13.23", 1)
    table.unlink()
    table.write_text("".join(lines), encoding="utf-8")
    demo.dvc("add", "data")
    demo.commit("Correct a row")
    before = {row["name"]: row for row in demo.json("models", "list")}

    said = demo.mltk("run")

    assert (said.stdout + said.stderr).count("up to date") >= 2
    after = demo.json("models", "list", "--all")
    wine = [row for row in after if row["name"] == "wine-alcohol"]
    assert {row["version"] for row in wine} == {"1", "2"}
    assert {row["dataVersion"] for row in wine} > {before["wine-alcohol"]["dataVersion"]}
    assert {row["version"] for row in after if row["name"] != "wine-alcohol"} == {"1"}
    why = json.loads(
        demo.mltk("why", _latest(demo, "wine-alcohol")["metadata"]["name"], "-o", "json").stdout
    )
    assert why["changed"] == "data"
