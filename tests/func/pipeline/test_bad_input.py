"""Every mistake of the list gets a clear error and its exit code, and loses nothing.

Each test makes the mistake in a real project and runs the real command.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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


TABLES: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "missing column": (lambda: _without(1), ("'b'",)),
    "text in a numeric column": (lambda: _with(7, 0, "warm"), ("line 8", "'a'", "warm")),
    "empty file": (lambda: "", ("empty",)),
    "no rows": (lambda: "a,b,y\n", ("no rows",)),
    "NaN target": (lambda: _with(5, 2, "nan"), ("line 6", "'y'")),
    "missing value": (lambda: _with(9, 1, ""), ("line 10", "'b'")),
    "infinite value": (lambda: _with(9, 1, "inf"), ("line 10", "'b'")),
    "more features than rows": (lambda: "a,b,y\n1,2,3\n", ("rows",)),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_bad_table_is_refused_with_row_and_column(project: Project, case: str) -> None:
    table, words = TABLES[case]
    project.change_data(table())
    said = _said(project, "run", code=3)
    for word in words:
        assert word in said
    assert project.json("models", "list") == []


def test_one_class_only(tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{i % 5},{'yes' if i % 2 else 'no'}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("a,b,label\n" + rows, encoding="utf-8")
    Project(tmp_path).mltk("init", "one", "--data", "t.csv", "--target", "label")
    project = Project(tmp_path / "one")
    project.change_data("a,b,label\n" + rows.replace("no", "yes"))
    said = _said(project, "run", code=3)
    assert "class" in said
    assert "'label'" in said


def test_a_value_out_of_the_declared_range(project: Project) -> None:
    spec = project.spec()
    project.the_model(spec)["features"] = [{"name": "a"}, {"name": "b", "min": 0, "max": 10}]
    project.write_spec(spec)
    project.change_data(_with(12, 1, "11.5"))
    said = _said(project, "run", code=3)
    assert "line 13" in said
    assert "11.5" in said
    assert "10" in said


def test_data_that_was_not_pulled_is_pulled(project: Project) -> None:
    shutil.rmtree(project.folder / ".dvc" / "cache")
    project.table.unlink()
    project.mltk("run")
    assert len(project.json("models", "list")) == 1


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


def test_mlflows_database_is_locked(project: Project) -> None:
    project.mltk("run")
    database = project.folder / ".mltk" / "mlflow.db"
    lock = sqlite3.connect(database, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        said = _said(project, "run", "--force", code=5)
    finally:
        lock.rollback()
        lock.close()
    assert "locked" in said
    assert len(project.json("models", "list")) == 1


def test_node_is_missing(project: Project, tmp_path: Path) -> None:
    said = _said(project, "run", code=5, env={"MLTK_NODE": str(tmp_path / "no-node")})
    assert "Node" in said
    assert "MLTK_NODE" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_the_disk_is_full_while_exporting(project: Project) -> None:
    """The run's volume lies on a file system with room for all but the bundle."""
    project.mltk("run", "--no-cache")
    volumes = project.folder / ".mltk" / "volumes"
    (volume,) = volumes.glob("*/*")
    # The same size every time: training is deterministic. Three records follow the bundle.
    later = ("bundle", "verification.json", "verdict.json", "registration.json")
    kept = [p for p in volume.rglob("*") if p.is_file() and not set(p.parts) & set(later)]
    pages = sum(-(-path.stat().st_size // _PAGE) for path in kept)
    shutil.rmtree(volumes)
    volumes.mkdir()
    options = f"size={(pages + 1) * _PAGE}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(volumes)], check=True)
    try:
        said = _said(project, "run", "--force", code=5)
    finally:
        subprocess.run(["umount", str(volumes)], check=True)
    assert "step export" in said
    assert "No space left" in said
    project.mltk("run", "--force")
    assert len(project.json("models", "list", "--all")) == 1


def test_a_model_made_worse_on_purpose_ends_with_4_and_is_not_registered(project: Project) -> None:
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


# SQLAlchemy warns of MLflow's own models when they are imported.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_it_is_logged_though_it_is_not_registered(project: Project) -> None:
    from mlflow import MlflowClient

    spec = project.spec()
    model = project.the_model(spec)
    model["gate"] = {"metrics": {"rmse": {"max": 0.000001}}}
    project.write_spec(spec)
    project.commit("Ask too much")
    project.mltk("run", code=4)
    client = MlflowClient(f"sqlite:///{project.folder}/.mltk/mlflow.db")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert any("rmse" in run.data.metrics for run in runs)
    assert client.search_registered_models() == []
