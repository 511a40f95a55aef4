"""The fetch step cuts a window out of the table."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from mltk.project.git import Repository
from mltk.project.key import key, key_parts
from mltk.project.load import load
from mltk.records import Source
from mltk.steps import step
from tests.func.steps.killing import survives

WEEK = "2026-01-05T00:00:00Z/2026-01-12T00:00:00Z"
DAYS = 14


@pytest.fixture
def stream(repository: Repository) -> Repository:
    """A project whose table, which git tracks, has a row a day for two weeks, in no order."""
    spec = yaml.safe_load((repository.root / "mltk.yaml").read_text())
    model = spec["models"]["points"]
    model["data"] = {"path": "stream.csv"}
    model["windows"] = {"every": "1w", "time_column": "when"}
    (repository.root / "mltk.yaml").write_text(yaml.safe_dump(spec))
    hold(repository, 1)
    return repository


def hold(repository: Repository, seed: int, *more: str) -> None:
    rows = [f"2026-01-{5 + day:02}T12:00:00Z,{day % 7},{day % 5},{day}" for day in range(DAYS)]
    rows = random.Random(seed).sample(rows, DAYS) + list(more)
    (repository.root / "stream.csv").write_text("\n".join(["when,x1,x2,y", *rows]) + "\n")
    repository.commit_all(f"Rows {seed}")


def arguments(repository: Repository, workspace: Path, window: str, version: str = "") -> list[str]:
    workspace.mkdir(exist_ok=True)
    options = {
        "workspace": str(workspace),
        "repo-url": str(repository.root),
        "revision": repository.head(),
        "model": "points",
        "window": window,
        "data-version": version,
    }
    return ["fetch", *(part for name, value in options.items() for part in (f"--{name}", value))]


def fetch(repository: Repository, workspace: Path, window: str = WEEK, version: str = "") -> Result:
    return CliRunner().invoke(step, arguments(repository, workspace, window, version))


def table(workspace: Path) -> str:
    return (workspace / "source" / "stream.csv").read_text()


def test_the_rows_of_the_window_in_the_order_of_their_times(
    stream: Repository, tmp_path: Path
) -> None:
    done = fetch(stream, tmp_path / "run")
    assert done.exit_code == 0, done.output
    header, *rows = table(tmp_path / "run").splitlines()
    assert header == "when,x1,x2,y"
    assert [row.rpartition(",")[2] for row in rows] == [str(day) for day in range(7)]
    source = Source.read(tmp_path / "run")
    model = load(stream.root / "mltk.yaml").models["points"]
    assert source.window == WEEK
    assert source.key == key(key_parts("points", model, source.data_version))


def test_the_same_rows_are_the_same_data_whatever_is_around_them(
    stream: Repository, tmp_path: Path
) -> None:
    assert fetch(stream, tmp_path / "one").exit_code == 0
    hold(stream, 2, "2026-02-01T00:00:00Z,1,1,1")
    assert fetch(stream, tmp_path / "other").exit_code == 0
    assert table(tmp_path / "one") == table(tmp_path / "other")
    one, other = Source.read(tmp_path / "one"), Source.read(tmp_path / "other")
    assert (one.key, one.data_version) == (other.key, other.data_version)
    assert fetch(stream, tmp_path / "third", version=one.data_version).exit_code == 0


def test_a_window_is_named_alike_however_it_is_written(stream: Repository, tmp_path: Path) -> None:
    window = "2026-01-05T01:00:00+01:00/2026-01-12T01:00:00+01:00"
    assert fetch(stream, tmp_path / "run", window).exit_code == 0
    assert Source.read(tmp_path / "run").window == WEEK


def test_a_rerun_cuts_again(stream: Repository, tmp_path: Path) -> None:
    assert fetch(stream, tmp_path / "run").exit_code == 0
    before = table(tmp_path / "run")
    assert fetch(stream, tmp_path / "run").exit_code == 0
    assert table(tmp_path / "run") == before


def test_a_kill_at_any_change_of_the_workspace(stream: Repository, tmp_path: Path) -> None:
    assert fetch(stream, tmp_path / "whole").exit_code == 0
    assert survives(tmp_path / "run", arguments(stream, tmp_path / "run", WEEK)) > 3
    assert table(tmp_path / "run") == table(tmp_path / "whole")
    assert Source.read(tmp_path / "run") == Source.read(tmp_path / "whole")


@pytest.mark.parametrize(
    ("window", "version", "words"),
    [
        ("last week", "", "'last week' is no window: write START/END"),
        ("2020-01-01T00:00:00Z/2020-02-01T00:00:00Z", "", "no row lies in the window"),
        (WEEK, "rows:" + "0" * 30, "was asked for"),
    ],
)
def test_what_cannot_be_cut(
    stream: Repository, tmp_path: Path, window: str, version: str, words: str
) -> None:
    done = fetch(stream, tmp_path / "run", window, version)
    assert done.exit_code != 0
    assert words in done.output


def test_a_model_without_windows(repository: Repository, tmp_path: Path) -> None:
    done = fetch(repository, tmp_path / "run")
    assert "the model has no windows at this revision" in done.output
