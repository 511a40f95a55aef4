"""evaluate: what the trained model is worth on rows that it has never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import numpy as np

from mltk.data.arrays import Array
from mltk.data.table import Rows, Table, read_table
from mltk.problems import load_problem
from mltk.problems.base import FEATURES, Problem
from mltk.project.spec import Model
from mltk.records import Evaluation, Metric, Splits, Threshold, TrainingReport
from mltk.steps.predictions import Predictions
from mltk.steps.results import Requested, metrics_text, result_option, write
from mltk.steps.workspace import RunWorkspace, workspace_option

_BLOCK = 8192
"""Rows predicted at a time."""


@click.command("evaluate")
@workspace_option
@result_option
def command(workspace: RunWorkspace, results: Requested) -> None:
    """Judge the model on the hold-out rows, beside a trivial and a linear model."""
    spec = workspace.spec()
    problem = load_problem(spec.problem)
    splits = workspace.read(Splits)
    table, _ = read_table(workspace.data_file(), spec, problem.target_kind)
    predictions, thresholds = _predict(workspace, problem, spec, table, splits)
    # The baselines learn from all rows that the network saw, those that stopped it included.
    known = table.rows(sorted({*splits.train, *splits.validation}))
    evaluation = _judge(problem, spec, predictions, known, thresholds)
    predictions.write(workspace.predictions_file)
    workspace.write(evaluation)
    _draw(workspace, problem, spec, table.classes, predictions)
    values = {metric.name: metric.value for metric in evaluation.metrics}
    write(results, {"metrics": metrics_text(values)})
    for line in _lines(evaluation):
        click.echo(line)


def _predict(
    workspace: RunWorkspace, problem: Problem, spec: Model, table: Table, splits: Splits
) -> tuple[Predictions, tuple[Threshold, ...]]:
    """What the model says of the hold-out rows, and what is settled on the validation rows."""
    from mltk.problems import backend

    backend.prepare(0)
    model = problem.load_model(workspace.model_file)
    widths = {port.name: port.shape[-1] for port in model.inputs}

    def ask(rows: Sequence[int]) -> Predictions:
        chosen = np.array(rows)
        features = table.features[chosen]
        inputs = problem.inputs(widths, features, seed=spec.seed)
        asked = None if set(inputs) == {FEATURES} else inputs
        return Predictions(chosen, features, table.target[chosen], answers(model, inputs), asked)

    validation = ask(splits.validation)
    settled = problem.thresholds(spec, validation.y_true, validation.outputs)
    return ask(splits.holdout), settled


def answers(model: Any, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What a Keras model says of rows [n, ...], by output; `inputs` are by name."""
    count = len(next(iter(inputs.values())))
    said = []
    for start in range(0, count, _BLOCK):
        block = {name: array[start : start + _BLOCK] for name, array in inputs.items()}
        # A model that declares one input takes an array.
        answers = model(block if len(block) > 1 else next(iter(block.values())))
        said.append({name: output.numpy() for name, output in answers.items()})
    return {name: np.concatenate([part[name] for part in said]) for name in said[0]}


def _judge(
    problem: Problem,
    spec: Model,
    predictions: Predictions,
    known: Rows,
    thresholds: tuple[Threshold, ...],
) -> Evaluation:
    y_true = predictions.y_true
    metrics = problem.metrics(spec, y_true, predictions.outputs)
    baselines = problem.baselines(spec, known, predictions.features)
    values = {name: problem.values(spec, y_true, outputs) for name, outputs in baselines.items()}
    return Evaluation(len(y_true), metrics, values, thresholds)


def _draw(
    workspace: RunWorkspace,
    problem: Problem,
    spec: Model,
    classes: tuple[str, ...],
    predictions: Predictions,
) -> None:
    from mltk.problems import plots

    training = workspace.read(TrainingReport)
    figures = {
        "loss": plots.loss_curves(training.curves, training.best_epoch),
        **problem.plots(spec, classes, predictions.y_true, predictions.outputs),
    }
    workspace.plots.mkdir(exist_ok=True)
    for name, figure in figures.items():
        plots.save(figure, workspace.plots / f"{name}.png")


def _lines(evaluation: Evaluation) -> list[str]:
    def line(metric: Metric) -> str:
        bars = [
            f"{name} {values[metric.name]:.4g}" for name, values in evaluation.baselines.items()
        ]
        unit = f" {metric.unit}" if metric.unit else ""
        interval = f"[{metric.low:.4g}, {metric.high:.4g}]"
        return f"{metric.name} {metric.value:.4g}{unit}  {interval}  ({', '.join(bars)})"

    head = f"{evaluation.rows} hold-out rows; metric, 95 % interval, baselines"
    return [head, *map(line, evaluation.metrics)]
