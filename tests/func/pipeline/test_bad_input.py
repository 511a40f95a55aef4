"""Every mistake of the list gets a clear error and its exit code, and loses nothing.

Each test makes the mistake in a real project and runs the real command.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Project, plane

_PAGE = 4096


def _said(project: Project, *args: str, code: int, env: dict[str, str] | None = None) -> str:
    done = project.mltk(*args, code=code, env=env)
    return done.stdout + done.stderr


def test_no_project_file(tmp_path: Path) -> None:
    said = _said(Project(tmp_path), "run", code=3)
    assert "mltk.yaml" in said
    assert "mltk init" in said


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known(project: Project) -> None:
    path = project.folder / "mltk.yaml"
    path.write_text(path.read_text().replace("training:", "trainig:"), encoding="utf-8")
    line = path.read_text().splitlines().index("    trainig:") + 1
    said = _said(project, "run", code=3)
    assert f"mltk.yaml:{line}" in said
    assert "trainig" in said
    assert "training" in said


def _without(column: int) -> str:
    rows = [line.split(",") for line in plane().splitlines()]
    return "\n".join(",".join(row[:column] + row[column + 1 :]) for row in rows) + "\n"


def _with(row: int, column: int, value: str) -> str:
    lines = [line.split(",") for line in plane().splitlines()]
    lines[row][column] = value
    return "\n".join(",".join(line) for line in lines) + "\n"


def _classes(label: str) -> str:
    rows = (f"{number % 7},{number % 5},{label}\n" for number in range(40))
    return "a,b,y\n" + "".join(rows)


# By model: its table, what is said of it, and what its spec says otherwise.
TABLES: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "missing-column": (_without(1), ("'b'",), {}),
    "text-in-a-numeric-column": (_with(7, 0, "warm"), ("line 8", "'a'", "warm"), {}),
    "empty-file": ("", ("empty",), {}),
    "no-rows": ("a,b,y\n", ("no rows",), {}),
    "nan-target": (_with(5, 2, "nan"), ("line 6", "'y'"), {}),
    "missing-value": (_with(9, 1, ""), ("line 10", "'b'"), {}),
    "infinite-value": (_with(9, 1, "inf"), ("line 10", "'b'"), {}),
    "more-features-than-rows": ("a,b,y\n1,2,3\n", ("rows",), {}),
    "one-class-only": (
        _classes("yes"),
        ("class", "'y'"),
        {"problem": "classification", "target": {"name": "y", "values": ["no", "yes"]}},
    ),
    "out-of-the-declared-range": (
        _with(12, 1, "11.5"),
        ("line 13", "11.5", "10"),
        {"features": [{"name": "a"}, {"name": "b", "min": 0, "max": 10}]},
    ),
}


@pytest.fixture(scope="module")
def refusals(copies: Callable[[str], Project]) -> Mapping[str, str]:
    """What one run of a project says of each of its models, whose tables are all bad."""
    project = copies("tables")
    spec, tables = project.spec(), project.table.parent
    model = {**project.the_model(spec), "gate": {}}
    spec["models"] = {}
    for name, (table, _, otherwise) in TABLES.items():
        path = tables / f"{name}.csv"
        path.write_text(table, encoding="utf-8")
        data = {"path": str(path.relative_to(project.folder))}
        spec["models"][name] = {**model, "data": data, **otherwise}
    project.write_spec(spec)
    project.commit_data()
    said = project.mltk("run", code=3).stderr
    assert project.json("models", "list") == []
    blocks = re.split(r"^([a-z-]+): (?=Failed)", said, flags=re.MULTILINE)
    return dict(zip(blocks[1::2], blocks[2::2], strict=True))


@pytest.mark.parametrize("case", TABLES)
def test_a_bad_table_is_refused_with_row_and_column(refusals: Mapping[str, str], case: str) -> None:
    said = refusals[case]
    assert "step validate" in said
    assert "correct it, then: mltk run" in said  # which is said of code 3
    for word in TABLES[case][1]:
        assert word in said


@pytest.fixture(scope="module")
def delivered(copies: Callable[[str], Project]) -> Project:
    """A project whose model is registered; its data had to be pulled."""
    project = copies("delivered")
    shutil.rmtree(project.folder / ".dvc" / "cache")
    project.table.unlink()
    project.mltk("run")
    return project


def test_data_that_was_not_pulled_is_pulled(delivered: Project) -> None:
    assert len(delivered.json("models", "list")) == 1


def test_the_remote_is_gone(project: Project) -> None:
    remotes = [path.parent for path in project.folder.glob("*/files") if path.is_dir()]
    for remote in remotes:
        shutil.rmtree(remote)
    assert remotes, "the scaffold keeps its remote beside the project"
    project.git("commit", "--quiet", "--all", "--allow-empty", "--message", "Lose the remote")
    shutil.rmtree(project.folder / ".dvc" / "cache")
    project.table.unlink()
    said = _said(project, "run", code=5)
    assert "dvc remote modify" in said
    assert "is gone" in said


def test_a_wrong_digest(project: Project) -> None:
    for stored in project.folder.rglob("files/md5/*/*"):
        if not stored.name.endswith(".dir"):
            stored.chmod(0o644)
            stored.write_text(plane(81), encoding="utf-8")
    project.table.unlink()
    done = project.mltk("run", code=None)
    assert done.returncode in (3, 5)
    assert "md5" in done.stdout + done.stderr


def test_mlflow_cannot_be_reached(project: Project) -> None:
    spec = project.spec()
    spec["tracking"] = {"uri": "http://127.0.0.1:9"}
    project.write_spec(spec)
    project.commit("Name a server that is not there")
    said = _said(project, "run", code=5)
    assert "http://127.0.0.1:9" in said
    spec["tracking"] = {}
    project.write_spec(spec)
    project.commit("Use the local registry")
    project.mltk("run")
    assert len(project.json("models", "list")) == 1


def test_mlflows_database_is_locked(delivered: Project, tmp_path: Path) -> None:
    """Each Task that needs it says so; it is asked once, or else it would all take a minute."""
    pipeline = yaml.safe_load(delivered.mltk("get", "p", "model-delivery", "-o", "yaml").stdout)
    for task in (*pipeline["spec"]["tasks"], *pipeline["spec"]["finally"]):
        task.pop("retries", None)
    (run,) = delivered.json("get", "pr")["items"]
    run["spec"]["pipelineSpec"] = pipeline["spec"]
    del run["spec"]["pipelineRef"]
    run["metadata"] = {"generateName": "once-", "labels": run["metadata"]["labels"]}
    del run["status"]
    once = tmp_path / "once.json"  # in the project it would be part of what is run
    once.write_text(json.dumps(run), encoding="utf-8")
    database = delivered.folder / ".mltk" / "mlflow.db"
    lock = sqlite3.connect(database, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        said = _said(delivered, "create", "--no-cache", "-f", str(once), code=5)
    finally:
        lock.rollback()
        lock.close()
    assert "locked" in said
    assert len(delivered.json("models", "list")) == 1


def test_node_is_missing(project: Project, tmp_path: Path) -> None:
    said = _said(project, "run", code=5, env={"MLTK_NODE": str(tmp_path / "no-node")})
    assert "Node" in said
    assert "MLTK_NODE" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_the_disk_is_full_while_exporting(delivered: Project) -> None:
    """The run's volume lies on a file system with room for all but the bundle."""
    volumes = delivered.folder / ".mltk" / "volumes"
    volume = next(each for each in volumes.glob("*/*") if list(each.rglob("registration.json")))
    # The same size every time: training is deterministic. Three records follow the bundle.
    later = ("bundle", "verification.json", "verdict.json", "registration.json")
    kept = [p for p in volume.rglob("*") if p.is_file() and not set(p.parts) & set(later)]
    pages = sum(-(-path.stat().st_size // _PAGE) for path in kept)
    shutil.rmtree(volumes)
    volumes.mkdir()
    options = f"size={(pages + 1) * _PAGE}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(volumes)], check=True)
    try:
        said = _said(delivered, "run", "--force", code=5)
    finally:
        subprocess.run(["umount", str(volumes)], check=True)
    assert "step export" in said
    assert "No space left" in said
    delivered.mltk("run", "--force")
    assert len(delivered.json("models", "list", "--all")) == 1


# SQLAlchemy warns of MLflow's own models when they are imported.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_a_model_made_worse_on_purpose_ends_with_4_and_is_logged_but_not_registered(
    project: Project,
) -> None:
    from mlflow import MlflowClient

    spec = project.spec()
    model = project.the_model(spec)
    model["training"] = {"epochs": 1, "learning_rate": 0.0}
    model["gate"] = {"metrics": {"rmse": {"max": 1.0}}}
    project.write_spec(spec)
    project.commit("Do not learn")

    said = _said(project, "run", code=4)

    assert project.json("models", "list") == []
    assert "rmse" in said
    assert "exceeds 1" in said
    (run,) = project.json("get", "pr")["items"]
    assert {r["name"]: r["value"] for r in run["status"]["results"]}["verdict"] == "fail"
    report = project.mltk("logs", run["metadata"]["name"], "--task", "report").stdout
    assert "rmse" in report
    assert "exceeds 1" in report
    client = MlflowClient(f"sqlite:///{project.folder}/.mltk/mlflow.db")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert any("rmse" in run.data.metrics for run in runs)
    assert client.search_registered_models() == []
