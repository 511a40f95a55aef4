"""What a step says, and with which exit code it ends, when it cannot do its work."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner

from mltk.steps import STEPS, step
from mltk.steps.workspace import RunWorkspace

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]

HEADER = ["x", "z", "y"]
ROWS: list[list[Any]] = [[i, i * i % 7, i % 2] for i in range(20)]

TABLES = [
    (
        [*ROWS[:4], ["many", 0, 1], *ROWS[5:]],
        "text 'many' in a numeric column",
        "t.csv, line 6, column 'x'",
    ),
    ([*ROWS[:4], [1, 0, "NaN"], *ROWS[5:]], "the value is missing", "t.csv, line 6, column 'y'"),
    ([[x, z, 1] for x, z, _ in ROWS], "all rows are of one class, '1'", "t.csv, column 'y'"),
    ([], "there is a header but no rows", "t.csv"),
]


@pytest.mark.parametrize(("rows", "what", "where"), TABLES)
def test_a_bad_table_is_named_and_ends_with_3(
    project: Project, run_steps: Run, rows: list[list[Any]], what: str, where: str
) -> None:
    done = run_steps(project(HEADER, rows, problem="classification"), "validate")
    assert done.returncode == 3
    assert done.stderr.splitlines()[:2] == [f"error: {what}", f"where: {where}"]


def test_an_unknown_kind_of_problem_is_refused(project: Project, run_steps: Run) -> None:
    done = run_steps(project(HEADER, ROWS, problem="regresion"), "validate")
    assert done.returncode == 3
    assert "did you mean 'regression'?" in done.stderr


def test_a_key_that_is_not_that_of_the_source_is_refused(project: Project) -> None:
    workspace = project(HEADER, ROWS, problem="regression")
    for named in ("another", ""):
        done = CliRunner().invoke(
            step, ["validate", f"--workspace={workspace.root}", f"--key={named}"]
        )
        assert done.exit_code == 1
        assert f"has the key k, but {named or 'none'} was named" in done.output
    assert not (workspace.root / "splits.json").exists()
    done = CliRunner().invoke(step, ["validate", f"--workspace={workspace.root}", "--key=k"])
    assert done.exit_code == 0, done.output


def test_a_step_before_its_turn_says_what_is_missing(project: Project, run_steps: Run) -> None:
    done = run_steps(project(HEADER, ROWS, problem="regression"), "train")
    assert done.returncode == 1
    assert done.stderr.startswith("error: splits.json is missing: the step that writes it")


@click.command()
def stumble() -> None:
    """A step with a bug."""
    raise ZeroDivisionError("by hand")


def test_a_bug_is_one_line_below_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, "stumble", f"{__name__}:stumble")
    done = CliRunner().invoke(step, ["stumble"])
    assert done.exit_code == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.splitlines()[-1] == "error: internal: ZeroDivisionError: by hand"


def test_a_step_that_is_none_is_a_usage_error(project: Project, run_steps: Run) -> None:
    done = run_steps(project(HEADER, ROWS, problem="regression"), "trian")
    assert done.returncode == 2
    assert "No such command 'trian'" in done.stderr


def test_a_workspace_that_cannot_be_written_is_no_bug(project: Project, run_steps: Run) -> None:
    workspace = project(HEADER, ROWS, problem="regression")
    (workspace.root / "table.json.part").symlink_to("/dev/full")
    done = run_steps(workspace, "validate")
    assert done.returncode == 5
    assert done.stderr.splitlines()[0] == "error: No space left on device"
