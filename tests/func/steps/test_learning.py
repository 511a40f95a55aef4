"""The learning steps on real tables, as processes."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from mltk.records import Evaluation, Splits, TableReport, TrainingReport
from mltk.steps.predictions import Predictions
from mltk.steps.workspace import RunWorkspace

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]
STEPS = ("validate", "train", "evaluate")

pytestmark = pytest.mark.slow


def table(data: Any, target: list[Any]) -> tuple[list[str], list[list[Any]]]:
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    rows = [[*map(str, row), y] for row, y in zip(data.data, target, strict=True)]
    return [*names, "y"], rows


def diabetes(project: Project, **spec: Any) -> RunWorkspace:
    data = load_diabetes(scaled=False)
    return project(*table(data, data.target.tolist()), problem="regression", **spec)


def succeed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def weights(workspace: RunWorkspace) -> str:
    from mltk.problems.backend import load_model

    values = load_model(workspace.model_file).get_weights()
    return hashlib.sha256(b"".join(value.tobytes() for value in values)).hexdigest()


def test_a_regression_beats_the_mean_in_the_units_of_its_target(
    project: Project, run_steps: Run
) -> None:
    workspace = diabetes(project, target={"name": "y", "unit": "points"})
    log = succeed(run_steps(workspace, *STEPS))
    evaluation = workspace.read(Evaluation)
    rmse = evaluation.primary
    assert (rmse.name, rmse.unit, rmse.greater_is_better) == ("rmse", "points", False)
    assert 45 < rmse.value < evaluation.baselines["trivial"]["rmse"]
    assert rmse.low < rmse.value < rmse.high
    assert json.loads((workspace.root / "metrics").read_text())["rmse"] == pytest.approx(rmse.value)
    assert "best epoch" in log
    report = workspace.read(TrainingReport)
    assert len(report.curves["loss"]) == len(report.curves["validation_loss"]) <= 15
    predictions = Predictions.read(workspace.predictions_file)
    assert predictions.features.shape == (evaluation.rows, 10)
    assert predictions.rows.tolist() == list(workspace.read(Splits).holdout)
    errors = predictions.outputs["prediction"][:, 0] - predictions.y_true
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(rmse.value)
    plots = {path.name for path in workspace.plots.iterdir()}
    assert plots == {"loss.png", "predicted-against-true.png"}


def test_a_classification_gives_probabilities_of_its_labels(
    project: Project, run_steps: Run
) -> None:
    data = load_breast_cancer()
    labels = [str(data.target_names[index]) for index in data.target]
    workspace = project(*table(data, labels), problem="classification")
    succeed(run_steps(workspace, *STEPS))
    assert workspace.read(TableReport).classes == ("benign", "malignant")
    evaluation = workspace.read(Evaluation)
    values = {metric.name: metric.value for metric in evaluation.metrics}
    assert evaluation.primary.name == "log_loss"
    assert values["accuracy"] > 0.9
    assert values["auc"] > 0.95
    assert set(evaluation.baselines["linear"]) == set(values)
    probabilities = Predictions.read(workspace.predictions_file).outputs["probabilities"]
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(probabilities)), abs=1e-5)
    assert (workspace.plots / "confusion-matrix.png").is_file()


def test_the_same_table_gives_the_same_bytes_in_another_process(
    project: Project, run_steps: Run
) -> None:
    spec = {"network": {"hidden": [8], "dropout": 0.2, "l2": 1e-3}}
    first, second = (diabetes(project, name=name, **spec) for name in ("a", "b"))
    for workspace in (first, second):
        succeed(run_steps(workspace, *STEPS))
    assert weights(first) == weights(second)
    for part in ("predictions.npz", "evaluation.json", "splits.json", "plots/loss.png"):
        assert (first.root / part).read_bytes() == (second.root / part).read_bytes(), part


def test_a_learning_rate_of_zero_trains_nothing_and_is_no_error(
    project: Project, run_steps: Run
) -> None:
    workspace = diabetes(project, training={"epochs": 1, "learning_rate": 0})
    succeed(run_steps(workspace, *STEPS))
    assert workspace.read(TrainingReport).best_epoch == 1
    evaluation = workspace.read(Evaluation)
    assert evaluation.primary.value > evaluation.baselines["linear"]["rmse"]


def test_a_training_that_diverges_ends_with_a_step_error(project: Project, run_steps: Run) -> None:
    workspace = diabetes(project, training={"epochs": 5, "learning_rate": 1e30})
    done = run_steps(workspace, "validate", "train")
    assert done.returncode == 1
    assert "error: the training diverged: in epoch 1 the loss is not a finite" in done.stderr
    assert "hint: lower training.learning_rate" in done.stderr
    assert "Traceback" not in done.stderr
    assert not workspace.model_file.exists()
