"""Windows for real: trained, late rows, a backfill that is killed and typed again."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mltk.tekton.objects import Obj, is_success, labels_of, name_of
from mltk.tekton.triggers.templates import EVENT
from tests.func.listener.conftest import Listening, listening

from .conftest import Project
from .pushing import pushed

pytestmark = pytest.mark.slow

START = datetime(2024, 1, 8, tzinfo=UTC)
WINDOWS = {
    "every": "1w",
    "time_column": "when",
    "allowed_lateness": "2d",
    "catch_up": "all",
}


def rows(first: int, last: int, every: float = 3, *, seed: int = 1) -> list[str]:
    """Lines of y = 3a - 2b + 1 from one hour to another."""
    draw, lines = random.Random(seed), []
    hour = float(first)
    while hour < last:
        a, b = draw.uniform(-1, 1), draw.uniform(0, 10)
        y = 3 * a - 2 * b + 1 + draw.gauss(0, 0.1)
        when = START + timedelta(hours=hour)
        lines.append(f"{when:%Y-%m-%dT%H:%M:%S}Z,{a:.4f},{b:.4f},{y:.4f}")
        hour += every
    return lines


def hold(project: Project, lines: list[str]) -> None:
    project.table.write_text("\n".join(["when,a,b,y", *lines]) + "\n", encoding="utf-8")
    project.commit_data()


@pytest.fixture
def stream(copies: Callable[[str], Project]) -> Project:
    """Two whole weeks, and the first hours of a third."""
    project = copies("windows")
    spec = project.spec()
    project.the_model(spec)["windows"] = WINDOWS
    project.write_spec(spec)
    hold(project, rows(0, 2 * 168 + 6))
    return project


def _listed(project: Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.json("windows", "list")
    return found


def test_windows_are_trained_and_late_rows_train_just_theirs_again(
    stream: Project, tmp_path: Path
) -> None:
    first = stream.json("windows", "tick")
    assert [each["verdict"] for each in first] == ["pass", "pass"]
    assert stream.json("windows", "tick") == []
    one, two, open_ = _listed(stream)
    assert (one["state"], two["state"], open_["state"]) == ("final", "closed", "open")

    hold(stream, [*rows(0, 2 * 168 + 6), *rows(170, 175, 1, seed=2), *rows(10, 12, 1, seed=3)])
    (again,) = stream.json("windows", "tick")
    one, two, _ = _listed(stream)
    assert (two["version"], two["run"], two["rows"]) == (2, again["run"], 61)
    assert (one["version"], one["late"], one["rows"]) == (1, 2, 56)

    champion = stream.json("models", "show", "plane")
    assert champion["lineage"]["window"] in (one["window"], two["window"])
    assert stream.json("windows", "tick") == []
    _late_rows_arrive(stream, tmp_path)


def _late_rows_arrive(stream: Project, inbox: Path) -> None:
    """Let a file bring late rows of both windows: one takes them, for the other it is too late."""
    file = inbox / "late.csv"
    late = [*rows(176, 181, 1, seed=4), *rows(12, 14, 1, seed=5)]
    file.write_text("\n".join(["when,a,b,y", *late]) + "\n", encoding="utf-8")
    os.utime(file, (0, 0))
    said = stream.mltk("watch", str(inbox), "--once").stderr
    one, two, _ = _listed(stream)
    assert (one["version"], one["late"], two["version"]) == (1, 4, 3)
    assert f"due: plane {two['window']}, version 3, 66 rows, run {two['run']}" in said
    assert "4 rows came too late" in said
    assert len(stream.json("get", "pr")["items"]) == 4


def test_a_backfill_that_is_killed_goes_on(stream: Project) -> None:
    stretch = ("--from", "2024-01-01", "--to", "2024-02-01", "--parallel", "1", "--yes")
    backfill = ("windows", "backfill", "plane", *stretch)
    process = stream.start(*backfill)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("1 of 2"):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    ended = stream.json(*backfill)
    assert len(ended) == 1, "the first window is not run twice"
    runs = stream.json("get", "pr")["items"]
    done = [run for run in runs if run["status"]["conditions"][0]["status"] == "True"]
    windows = [_param(run, "window") for run in done]
    assert len(windows) == len(set(windows)) == 2
    plan = stream.mltk(*backfill[:-1], "--dry-run").stdout
    assert plan.count("up to date") == 2


def test_a_tick_that_is_killed_is_made_good_by_the_next(stream: Project) -> None:
    process = stream.start("windows", "tick")
    assert process.stderr is not None
    for line in process.stderr:
        if "train-model" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    ended = stream.json("windows", "tick")
    assert [each["verdict"] for each in ended] == ["pass", "pass"]
    assert [row["status"] for row in _listed(stream)] == ["Completed", "Completed", "-"]
    assert stream.json("windows", "tick") == []


def test_a_model_of_an_earlier_window_is_no_champion(stream: Project) -> None:
    (run,) = stream.json("run")
    assert run["alias"] == "champion"
    (early,) = stream.json(
        "windows", "backfill", "plane", "--from", "2024-01-01", "--to", "2024-01-16", "--yes"
    )
    assert early["alias"] == "challenger"
    assert "it learnt from a later window" in early["reason"]


def _param(run: dict[str, Any], name: str) -> str:
    return next(str(each["value"]) for each in run["spec"]["params"] if each["name"] == name)


def test_a_listener_looks_by_itself_and_for_a_push_of_late_rows_at_once(stream: Project) -> None:
    repository = pushed(stream)
    with listening(stream.folder) as ear:  # it looks at once, and then in a quarter of an hour
        ended = ear.wait(lambda: _ended(ear, 2), seconds=200)
        assert all(is_success(run) for run in ended)
        assert [row["status"] for row in _listed(stream)] == ["Completed", "Completed", "-"]
        repository.install(ear)
        repository.push()
        (first,) = ear.wait(lambda: repository.started(ear, 1), seconds=60)
        # A new branch: the newest window is asked for, and there.
        assert "up to date: plane" in stream.mltk("logs", name_of(first)).stdout
        late = [*rows(170, 175, 1, seed=2), *rows(10, 12, 1, seed=3)]
        lines = stream.table.read_text(encoding="utf-8").splitlines()
        stream.table.write_text("\n".join([*lines, *late]) + "\n", encoding="utf-8")
        stream.commit("Late rows")
        repository.push()
        ear.wait(lambda: repository.started(ear, 2), seconds=60)
        runs = ear.wait(lambda: _ended(ear, 3), seconds=120)
    one, two, open_ = _listed(stream)
    assert (one["version"], one["late"], two["version"], open_["run"]) == (1, 2, 2, "")
    (again,) = (run for run in runs if name_of(run) == two["run"])
    assert is_success(again)
    assert _param(again, "window") == two["window"]
    assert labels_of(again)[EVENT] == _param(again, "event-id")


def _ended(ear: Listening, count: int) -> list[Obj]:
    found = ear.ended("PipelineRun")
    return found if len(found) == count else []
