"""`mltk reproduce` on a delivered model: with real git, DVC, MLflow and Node.js."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mltk.registry import Registry
from mltk.tfjs import read_bundle

from .conftest import Project

pytestmark = pytest.mark.xdist_group("reproduce")
CHAMPION = "models:/plane@champion"


@pytest.fixture(scope="module")
def delivered(copies: Callable[[str], Project]) -> Project:
    project = copies("delivered")
    project.mltk("run")
    return project


def _again(project: Project, *args: str, code: int = 0) -> Any:
    return json.loads(project.mltk("reproduce", *args, "-o", "json", code=code).stdout)


def _registry(project: Project) -> Registry:
    return Registry(f"sqlite:///{project.folder}/.mltk/mlflow.db", project.spec()["project"])


def _state(project: Project) -> Any:
    client = _registry(project).connection.client
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    shown = project.json("models", "show", "plane")
    tags = client.get_model_version("plane", "1").tags
    refs = project.git("for-each-ref")
    return len(runs), shown, tags, refs, project.git("status", "--porcelain")


def _stored(project: Project, name: str) -> Path:
    (found,) = (project.folder / ".mltk" / "mlartifacts").rglob(name)
    return found


def test_a_model_comes_out_the_same_and_nothing_else_changes(delivered: Project) -> None:
    before = _state(delivered)
    # The commit is recorded, so work that goes on does not matter.
    mark = delivered.folder / "mltk.yaml"
    text = mark.read_text(encoding="utf-8")
    mark.write_text(text.replace("epochs: 30", "epochs: 3"), encoding="utf-8")
    try:
        found = _again(delivered, CHAMPION, "--strict")
    finally:
        mark.write_text(text, encoding="utf-8")
    assert (found["verdict"], found["reference"]) == ("identical", "models:/plane/1")
    assert found["digest"]["recorded"] == found["digest"]["reproduced"]
    assert all(each["same"] for each in found["findings"])
    assert {"data", "weights", "graph", "golden rows", "rmse"} <= {
        each["name"] for each in found["findings"]
    }
    assert found["causes"] == []
    assert _state(delivered) == before
    # Neither did it come from the cache, nor is it taken for a delivery afterwards.
    tasks = delivered.json("get", "taskruns", "-l", f"tekton.dev/pipelineRun={found['run']}")
    assert len(tasks["items"]) == 4
    assert "mltk.dev/cached-from" not in json.dumps(tasks)
    assert "up to date" in delivered.mltk("run").stderr


def test_another_environment_is_named_and_refused_on_demand(delivered: Project) -> None:
    kept = _stored(delivered, "environment.json")
    text = kept.read_text(encoding="utf-8")
    told = json.loads(text)
    told["packages"]["numpy"] = "1.0.0"
    kept.write_text(json.dumps(told), encoding="utf-8")
    run = _registry(delivered).version("plane").run_id
    try:
        refused = delivered.mltk("reproduce", run, "--strict", code=3)
        assert "numpy was 1.0.0, is " in refused.stderr
        table = delivered.mltk("reproduce", run).stdout
    finally:
        kept.write_text(text, encoding="utf-8")
    assert f"runs:/{run} is identical" in table
    assert "numpy   1.0.0" in table


def test_a_store_that_was_changed_is_told(delivered: Project) -> None:
    weights = _stored(delivered, "group1-shard1of1.bin")
    content = weights.read_bytes()
    weights.write_bytes(bytes(len(content)))
    try:
        found = _again(delivered, "plane", code=4)
    finally:
        weights.write_bytes(content)
    assert (found["verdict"], found["reason"]) == ("different", "not as recorded: stored bundle")
    assert found["digest"]["recorded"] == found["digest"]["reproduced"]


def test_a_model_that_is_not_what_was_trained_is_different(
    delivered: Project, tmp_path: Path
) -> None:
    registry = _registry(delivered)
    folder = registry.download("plane", "1", tmp_path / "bundle")
    digest = _with_other_weights(folder)
    version = registry.version("plane", "1")
    registry.register("plane", folder, digest, version.lineage, version.run_id)
    found = _again(delivered, "models:/plane/2", code=4)
    differs = {each["name"]: each for each in found["findings"] if not each["same"]}
    assert (found["verdict"], set(differs)) == ("different", {"weights", "answers", "bundle"})
    assert differs["answers"]["difference"] > 0.1
    assert found["reason"] == "not as recorded: answers"


def _with_other_weights(folder: Path) -> str:
    """Change the last weight and let bundle.json agree; give the new digest."""
    weights = folder / "group1-shard1of1.bin"
    content = weights.read_bytes()
    weights.write_bytes(content[:-4] + b"\0\0\xa0\x41")
    path = folder / "bundle.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    for file in told["files"]:
        if file["path"] == weights.name:
            file["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    path.write_text(json.dumps(told), encoding="utf-8")
    return read_bundle(folder).digest


def test_what_was_not_made_by_mltk_or_is_not_there_is_said(delivered: Project) -> None:
    client = _registry(delivered).connection.client
    client.create_registered_model("foreign")
    run = client.create_run("0")
    client.create_model_version("foreign", "/nowhere", run_id=run.info.run_id)
    client.set_registered_model_alias("foreign", "champion", "1")
    for reference, said in (
        ("models:/foreign@champion", "models:/foreign/1 was not made by mltk"),
        (run.info.run_id, "was not made by mltk"),
        ("models:/nothing@champion", "there is no model 'nothing'"),
        ("models:/plane/99", "model 'plane' has no version 99"),
        ("0" * 32, "MLflow has no run"),
    ):
        assert said in delivered.mltk("reproduce", reference, code=5).stderr
    assert "names no model" in delivered.mltk("reproduce", "a/b", code=2).stderr


def test_without_a_champion_none_is_made_up(copies: Callable[[str], Project]) -> None:
    said = copies("empty").mltk("reproduce", CHAMPION, code=5).stderr
    assert "there is no model 'plane'" in said


def test_a_revision_that_was_rewritten_and_data_that_are_gone(
    delivered: Project, copies: Callable[[str], Project], tmp_path: Path
) -> None:
    rewritten = Project(Path(shutil.copytree(delivered.folder, tmp_path / "a", symlinks=True)))
    rewritten.git("commit", "--quiet", "--amend", "--message", "Another start")
    rewritten.git("reflog", "expire", "--expire=now", "--all")
    rewritten.git("gc", "--quiet", "--prune=now")
    url = ("--repo-url", str(rewritten.folder))
    said = rewritten.mltk("reproduce", CHAMPION, "--tracking-uri", _uri(delivered), *url, code=5)
    assert "has no commit" in said.stderr
    assert "--repo-url URL" in said.stderr

    without = copies("without")
    for folder in (without.folder / ".dvc" / "cache", *without.folder.glob("dvc-*")):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in without.folder.rglob("files"):
        shutil.rmtree(folder, ignore_errors=True)
    url = ("--repo-url", str(without.folder))
    said = without.mltk("reproduce", CHAMPION, "--tracking-uri", _uri(delivered), *url, code=5)
    assert "DVC remote" in said.stderr or "neither in the cache" in said.stderr


def _uri(project: Project) -> str:
    return f"sqlite:///{project.folder}/.mltk/mlflow.db"
