"""What `validate` says of a table before anything is learnt from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import yaml
from click.testing import CliRunner, Result

from mltk.data.quality.found import DataChecks
from mltk.data.quality.profile import Profile
from mltk.records import Splits
from mltk.steps import step
from mltk.steps.workspace import RunWorkspace

Project = Callable[..., RunWorkspace]

HEADER = ["x", "z", "patient", "y"]
FEATURES = [{"name": "x"}, {"name": "z"}]


def rows(count: int = 60) -> list[list[Any]]:
    draw = np.random.default_rng(3).normal(size=(count, 3)).round(4).tolist()
    return [[x, z, f"p{index % 12}", y] for index, (x, z, y) in enumerate(draw)]


def made(project: Project, found: list[list[Any]], **spec: Any) -> RunWorkspace:
    return project(HEADER, found, problem="regression", features=FEATURES, **spec)


def validate(workspace: RunWorkspace) -> Result:
    return CliRunner().invoke(step, ["validate", f"--workspace={workspace.root}"])


def write_schema(workspace: RunWorkspace, **columns: Any) -> None:
    usual = {name: {"type": "numeric", "min": -9, "max": 9} for name in ("x", "z", "y")}
    file = {"version": 1, "models": {"m": {"columns": usual | columns}}}
    (workspace.source / "mltk.schema.yaml").write_text(yaml.safe_dump(file), encoding="utf-8")


def test_a_violation_of_the_committed_schema_stops_the_run(project: Project) -> None:
    found = rows()
    found[7][1] = 77
    workspace = made(project, found)
    write_schema(workspace)
    done = validate(workspace)
    assert done.exit_code == 3
    assert done.stderr.splitlines() == [
        "error: expected from -9 to 9; 1 row (the first on line 9): 77, 1.67% of the rows",
        "where: t.csv, line 9, column 'z'",
        "hint: correct the table; if it is to be so: `mltk schema infer m` and commit"
        " mltk.schema.yaml",
    ]
    # For the report of the run.
    assert workspace.read(DataChecks).violations[0].column == "z"
    assert workspace.read(Profile).rows == 60


def test_a_violation_is_a_warning_where_the_policy_says_so(project: Project) -> None:
    workspace = made(project, rows(), checks={"violations": "warn"})
    write_schema(workspace, z={"type": "numeric", "max": -8})
    done = validate(workspace)
    assert done.exit_code == 0
    assert "warning: t.csv: column 'z' against mltk.schema.yaml: expected from -inf" in done.stderr


def test_a_schema_that_cannot_be_read_names_its_line(project: Project) -> None:
    workspace = made(project, rows())
    write_schema(workspace, z={"type": "numeric", "maximum": 3})
    done = validate(workspace)
    assert done.exit_code == 3
    assert "where: mltk.schema.yaml:" in done.stderr
    assert "unknown key 'maximum'" in done.stderr


def test_copies_across_the_split_are_told_or_refused(project: Project) -> None:
    # A row that comes again later: a split by time parts the two.
    found = [[x, z, day, y] for day, (x, z, _, y) in enumerate(rows())]
    found[-1] = [*found[0][:2], 59, found[0][3]]
    told = made(project, found, name="told", split={"time": "patient"})
    done = validate(told)
    assert done.exit_code == 0
    assert "1 row in holdout are copies of rows in train, e.g. line 61 and line 2" in done.stderr
    checks = {"leakage": "fail"}
    refused = made(project, found, name="refused", split={"time": "patient"}, checks=checks)
    done = validate(refused)
    assert done.exit_code == 3
    assert "hint: remove the copies from the table" in done.stderr


def test_a_split_by_group_keeps_each_patient_on_one_side(project: Project) -> None:
    workspace = made(project, rows(), split={"group": "patient"}, checks={"leakage": "fail"})
    assert validate(workspace).exit_code == 0
    splits = workspace.read(Splits)
    parts = (splits.train, splits.validation, splits.holdout)
    patients = [{row % 12 for row in part} for part in parts]
    assert sum(map(len, patients)) == 12
    assert all(patients)


def test_a_split_by_a_column_that_is_not_there_or_has_no_value_is_refused(project: Project) -> None:
    done = validate(made(project, rows(), name="a", split={"group": "patiant"}))
    assert done.exit_code == 3
    assert "there is no column 'patiant'; did you mean 'patient'?" in done.stderr
    found = rows()
    found[4][2] = ""
    done = validate(made(project, found, name="b", split={"group": "patient"}))
    assert "the value is missing; it says which rows stay together" in done.stderr
    assert "where: t.csv, line 6, column 'patient'" in done.stderr
    done = validate(made(project, rows(), name="c", split={"time": "patient"}))
    assert "'p0' is no time in ISO 8601" in done.stderr
    one = [[x, z, "p", y] for x, z, _, y in rows()]
    done = validate(made(project, one, name="d", split={"group": "patient"}))
    assert "there are too few values of 'patient'" in done.stderr
    done = validate(made(project, rows(), name="e", split={"time": "y", "group": "patient"}))
    assert "split by group or by time, one of them" in done.stderr
