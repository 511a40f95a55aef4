"""validate: is the table what the project file says? Then decide which rows do what."""

from __future__ import annotations

import dataclasses

import click

from mltk.data.checks import unseen, untaught
from mltk.data.findings import refuse
from mltk.data.quality.judging import warnings
from mltk.data.split import split_table
from mltk.data.table import read_table
from mltk.errors import StepError
from mltk.problems import load_problem
from mltk.records import Source
from mltk.steps.datacheck import examine, stop
from mltk.steps.workspace import RunWorkspace, workspace_option


@click.command("validate")
@workspace_option
@click.option("--key", "expected", help="Key of the run to insist on.")
def command(workspace: RunWorkspace, expected: str | None) -> None:
    """Check the table cell by cell and as a whole, and split its rows."""
    _check_key(workspace, expected)
    spec = workspace.spec()
    problem = load_problem(spec.problem)
    problem.check(spec)
    table, report = read_table(workspace.data_file(), spec, problem.target_kind)
    refuse(problem.examine(spec, table), spec.data.path)
    splits = split_table(table, spec.split, spec.seed)
    refuse(untaught(table, splits, spec), spec.data.path)
    report = dataclasses.replace(report, warnings=(*report.warnings, *unseen(table, splits, spec)))
    checks = examine(workspace, spec, table, splits)
    workspace.write(report)
    workspace.write(splits)
    stop(checks, workspace.read(Source).model, spec.data.path)
    for warning in (*report.warnings, *warnings(checks)):
        click.echo(f"warning: {spec.data.path}: {warning}", err=True)
    click.echo(
        f"{report.rows} rows: {len(splits.train)} train, {len(splits.validation)} validate,"
        f" {len(splits.holdout)} are held out"
    )


def _check_key(workspace: RunWorkspace, expected: str | None) -> None:
    """Hold the caller to its word, since what follows is kept under the key that it names."""
    found = workspace.read(Source).key
    if expected not in (None, found):
        raise StepError(
            f"what was fetched has the key {found}, but {expected or 'none'} was named",
            where=Source.filename,
            hint="pass the result 'key' of fetch-data on as it is",
        )
