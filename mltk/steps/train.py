"""train: fit the network on the training rows. The same table and seed give the same weights."""

from __future__ import annotations

import time

import click

from mltk.data.table import Table, read_table
from mltk.problems import load_problem
from mltk.project.spec import Model
from mltk.records import Splits, TrainingReport
from mltk.steps.workspace import RunWorkspace, workspace_option


@click.command("train")
@workspace_option
def command(workspace: RunWorkspace) -> None:
    """Train the model and save it with its curves."""
    spec = workspace.spec()
    splits = workspace.read(Splits)
    table, _ = read_table(workspace.data_file(), spec, load_problem(spec.problem).target_kind)
    workspace.write(_train(workspace, spec, table, splits))


def _train(workspace: RunWorkspace, spec: Model, table: Table, splits: Splits) -> TrainingReport:
    # TensorFlow is imported after the table has been found fit for it.
    from mltk.problems import backend
    from mltk.problems.training import fit

    began = time.monotonic()
    backend.prepare(spec.seed)
    train, validation = table.rows(splits.train), table.rows(splits.validation)
    network = load_problem(spec.problem).network(spec, train)
    click.echo(f"{network.model.count_params()} parameters, {len(train.target)} rows")
    done = fit(network, train, validation, spec.training, seed=spec.seed, log=click.echo)
    network.model.save(workspace.model_file)
    return TrainingReport(
        curves=done.curves,
        best_epoch=done.best_epoch,
        parameters=network.model.count_params(),
        seconds=round(time.monotonic() - began, 3),
    )
