"""trial: train with one set of parameters, and score it on the validation rows alone.

No trial sees a held-out row, and none meets the champion: only the model that the search chooses
is judged. A trial that went this far before is not trained again, and one that did not goes on.
"""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import click

from mltk.data.table import Table, read_table
from mltk.errors import ConfigError, StepError
from mltk.problems import load_problem
from mltk.problems.base import Problem
from mltk.project.parameters import with_parameters, words
from mltk.project.spec import Model
from mltk.project.trials import PlannedTrial, plan
from mltk.records import Source, Splits
from mltk.steps import trials
from mltk.steps.results import Requested, result_option, write
from mltk.steps.trials import TrialRecord
from mltk.steps.workspace import RunWorkspace, workspace_option

_CHECKPOINT = "checkpoint.npz"


@click.command("trial")
@workspace_option
@click.option("--trial", "name", required=True, help="Name of the trial.")
@click.option("--key", required=True, help="Key of what all trials have in common.")
@click.option("--epochs", required=True, type=click.IntRange(min=1), help="Epochs at most.")
@result_option
def command(workspace: RunWorkspace, name: str, key: str, epochs: int, results: Requested) -> None:
    """Train one trial up to a number of epochs."""
    source = workspace.read(Source)
    model = workspace.model(source.model)
    planned = plan(source.model, model).trial(name)
    folder = workspace.trial(name)
    folder.mkdir(parents=True, exist_ok=True)
    record = trials.read(folder, key)
    if record is not None and record.knows(epochs):
        click.echo("tried before")
    else:
        click.echo(f"trial {planned.number}: {words(planned.parameters)}")
        record = _try(workspace, model, planned, record, key, epochs)
    # Also where it says what it said: the cache keeps what a TaskRun writes, and nothing else.
    record.write(folder)
    write(results, {"outcome": json.dumps(record.told(epochs), separators=(",", ":"))})


def _try(
    workspace: RunWorkspace,
    model: Model,
    planned: PlannedTrial,
    before: TrialRecord | None,
    key: str,
    epochs: int,
) -> TrialRecord:
    """Train; parameters that no training comes to an end with are an outcome, too."""
    began = time.monotonic()
    spec = with_parameters(model, planned.parameters)
    problem = load_problem(spec.problem)
    # What is missing here is no fault of the parameters, and must not be recorded as one.
    table, _ = read_table(workspace.data_file(), spec, problem.target_kind)
    splits = workspace.read(Splits)
    record = TrialRecord(
        name=planned.name,
        key=key,
        parameters=dict(planned.parameters),
        budget=epochs,
        curves=before.curves if before else {},
        stopped=False,
        seconds=before.seconds if before else 0.0,
    )
    try:
        problem.check(spec)
        changes = _train(problem, spec, table, splits, workspace.trial(planned.name), record)
    except (ConfigError, StepError) as error:
        click.echo(f"failed: {error.what}", err=True)
        changes = {"failure": error.what}
    seconds = round(record.seconds + time.monotonic() - began, 3)
    return dataclasses.replace(record, **changes, seconds=seconds)


def _train(
    problem: Problem,
    spec: Model,
    table: Table,
    splits: Splits,
    folder: Path,
    record: TrialRecord,
) -> dict[str, Any]:
    """Train up to the budget, from where it stood if that is known; what is to be recorded."""
    from mltk.problems import hardware, twin
    from mltk.problems.checkpoint import Checkpoint
    from mltk.tfjs import check_exportable

    found = hardware.prepare(spec.training, spec.seed)
    train, validation = table.rows(splits.train), table.rows(splits.validation)
    network = twin.saved(problem, spec, train)
    check_exportable(network.model, backends=spec.export.backends)
    begun = Checkpoint.read(folder / _CHECKPOINT) if record.curves else None
    done = twin.teach(
        network,
        problem,
        spec,
        train,
        validation,
        found,
        log=click.echo,
        until=record.budget,
        begun=begun,
    )
    if done.checkpoint and not done.stopped:
        done.checkpoint.write(folder / _CHECKPOINT)
    else:
        (folder / _CHECKPOINT).unlink(missing_ok=True)
    weights = network.scores.count_params()
    return {"curves": done.curves, "stopped": done.stopped, "weights": weights}
