"""train: fit the network on the training rows. The same table and seed give the same weights.

It is what a run spends its time on, so a repeated Task (its pod was lost, a later step failed)
takes over the model that lies in the workspace already, if it was learnt from just the same.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import click

from mltk.data.objects import md5
from mltk.data.table import Table, read_table
from mltk.errors import StepError
from mltk.problems import load_problem
from mltk.problems.base import Problem
from mltk.project.key import START, key_of, key_parts
from mltk.project.spec import Model
from mltk.records import Source, Splits, Start, TableReport, TrainingReport
from mltk.steps.environment import measure
from mltk.steps.workspace import RunWorkspace, workspace_option

if TYPE_CHECKING:
    from mltk.problems.network import Network


@click.command("train")
@workspace_option
def command(workspace: RunWorkspace) -> None:
    """Train the model and save it with its curves."""
    spec = workspace.spec()
    splits = workspace.read(Splits)
    problem = load_problem(spec.problem)
    table, _ = read_table(workspace.data_file(), spec, problem.target_kind)
    learnt_from = _key(workspace, spec)
    if _is_trained(workspace, learnt_from):
        click.echo("trained before, in an attempt that went no further")
        return
    report = _train(workspace, problem, spec, table, splits)
    digest = md5(workspace.model_file)
    workspace.write(measure())
    workspace.write(dataclasses.replace(report, key=learnt_from, model_md5=digest))


def _key(workspace: RunWorkspace, spec: Model) -> str:
    """The key of what lies in the workspace, whatever the record of the fetch says."""
    data_version = f"md5:{md5(workspace.data_file())}"
    parts = key_parts(workspace.read(Source).model, spec, data_version).as_dict()
    start = _start(workspace)
    return key_of(parts | ({START: start.digest} if start else {}))


def _start(workspace: RunWorkspace) -> Start | None:
    """What the training starts from; None for a fresh start."""
    return workspace.read(Start) if workspace.start_model.exists() else None


def _is_trained(workspace: RunWorkspace, learnt_from: str) -> bool:
    try:
        report = workspace.read(TrainingReport)
    except StepError:
        return False
    file = workspace.model_file
    return report.key == learnt_from and file.is_file() and md5(file) == report.model_md5


def _train(
    workspace: RunWorkspace, problem: Problem, spec: Model, table: Table, splits: Splits
) -> TrainingReport:
    # TensorFlow is imported after the table has been found fit for it.
    from mltk.problems import hardware, twin
    from mltk.tfjs import check_exportable

    began = time.monotonic()
    found = hardware.prepare(spec.training, spec.seed)
    train, validation = table.rows(splits.train), table.rows(splits.validation)
    network = twin.saved(problem, spec, train)
    size = f"{network.scores.count_params()} parameters, {len(train.target)} rows"
    click.echo("\n".join((f"{size}, {found.name}", *found.words)))
    # What cannot be exported is not worth its training.
    check_exportable(network.model, backends=spec.export.backends)
    start = _start(workspace)
    misfit = _take_up(workspace, problem, spec, network, start) if start else ""
    done = twin.teach(network, problem, spec, train, validation, found, log=click.echo)
    network.model.save(workspace.model_file)
    return TrainingReport(
        curves=done.curves,
        best_epoch=done.best_epoch,
        parameters=network.scores.count_params(),
        seconds=round(time.monotonic() - began, 3),
        start=start.digest if start and not misfit else "",
        fresh_because=misfit,
        hardware=found.name,
        examples_per_second=done.pace.examples_per_second if done.pace else None,
        utilisation=done.pace.utilisation if done.pace else None,
    )


def _take_up(
    workspace: RunWorkspace, problem: Problem, spec: Model, network: Network, start: Start
) -> str:
    """Take the weights of the model to start from, or say why it starts fresh all the same."""
    from mltk.problems.starting import take_weights

    classes = workspace.read(TableReport).classes
    meant = {output.name: output.labels for output in problem.outputs(spec, classes)}
    misfit = "it has other classes"
    if meant == start.classes:
        misfit = take_weights(network, problem.load_model(workspace.start_model))
    said = f"fresh, not from version {start.version}: {misfit}" if misfit else ""
    click.echo(f"starts {said or f'from the weights of version {start.version}'}")
    return misfit
