"""Kinds of problem that learn the rows themselves, as processes: to the proof in Node.js, twice."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from mltk.records import Evaluation, Verification
from mltk.steps.predictions import Predictions
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import bundle_digest, predict_bundle, read_bundle

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]
STEPS = ("validate", "train", "evaluate", "export", "verify")
COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]

pytestmark = pytest.mark.slow


def learnt(project: Project, run_steps: Run, problem: str, **spec: Any) -> list[RunWorkspace]:
    """Two workspaces of the same model, each by a process of its own."""
    made = []
    for name in ("first", "second"):
        rows = load_iris().data.tolist()
        spec |= {"problem": problem, "target": None}
        spec |= {"features": [{"name": column} for column in COLUMNS]}
        workspace = project(COLUMNS, rows, name=name, **spec)
        done = run_steps(workspace, *STEPS)
        assert done.returncode == 0, done.stderr
        made.append(workspace)
    first, second = made
    assert bundle_digest(first.bundle) == bundle_digest(second.bundle)
    errors = [check.max_relative_error for check in first.read(Verification).backends]
    assert len(errors) == 2 and max(errors) < 1e-4
    return made


def test_a_density_tells_anomalies_from_rows_in_node(project: Project, run_steps: Run) -> None:
    workspace, _ = learnt(
        project, run_steps, "density", settings={"estimator": "mixture", "quantile": 0.05}
    )
    bundle = read_bundle(workspace.bundle)
    (output,) = bundle.manifest.outputs
    (threshold,) = output.thresholds
    assert (threshold.quantile, threshold.rows, threshold.side) == (0.05, 22, "below")
    assert workspace.read(Evaluation).thresholds == (threshold,)
    seen = Predictions.read(workspace.predictions_file).features
    broken = np.array([[50, 0.1, 5, 0.2], [5, 3.4, 1.5, 20]], dtype=np.float32)
    scores = predict_bundle(workspace.bundle, np.concatenate([seen, broken]))["log_density"][:, 0]
    assert (scores[-2:] < threshold.value).all()
    assert (scores[:-2] < threshold.value).mean() < 0.25
