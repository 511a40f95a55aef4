"""One model that reads every kind of feature, as processes: to the proof in Node.js."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mltk.records import Evaluation, TableReport, Verification
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import predict_bundle, read_bundle

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]

FEATURES: list[dict[str, Any]] = [
    {"name": "size", "missing": "median", "missing_indicator": True},
    {"name": "colour", "type": "categorical", "values": ["red", "blue"], "missing": "category"},
]


def _table(count: int = 240) -> tuple[list[str], list[list[Any]]]:
    """Rows whose target follows from what is there, and from what is missing."""
    draw = np.random.default_rng(3)
    rows = []
    for _ in range(count):
        size, colour = draw.normal(50, 10), draw.integers(0, 3)
        told = draw.random() < 0.7
        y = (size / 10 if told else 9) + colour
        rows.append([f"{size:.3f}" if told else "", ("red", "blue", "NA")[colour], f"{y:.3f}"])
    return ["size", "colour", "y"], rows


def test_every_kind_of_feature_goes_to_the_proof_in_node(project: Project, run_steps: Run) -> None:
    training = {"epochs": 60, "learning_rate": 0.02}
    workspace = project(*_table(), problem="regression", features=FEATURES, training=training)
    done = run_steps(workspace, "validate", "train", "evaluate", "export", "verify")
    assert done.returncode == 0, done.stderr
    evaluation = workspace.read(Evaluation)
    assert evaluation.primary.value < 0.5
    assert evaluation.baselines["linear"]["rmse"] < 0.5 < evaluation.baselines["trivial"]["rmse"]
    checks = workspace.read(Verification).backends
    assert [check.backend for check in checks] == ["cpu", "wasm"]
    assert all(check.max_relative_error < 1e-4 for check in checks)
    assert workspace.read(TableReport).columns[0].missing > 50
    _judge_bundle(workspace)


def _judge_bundle(workspace: RunWorkspace) -> None:
    (given,) = read_bundle(workspace.bundle).manifest.inputs
    assert [feature.missing for feature in given.features] == ["median", "category"]
    stored = json.loads((workspace.bundle / "bundle.json").read_text())
    golden = np.array(stored["golden"]["inputs"]["features"]["data"], dtype=float).reshape(-1, 2)
    assert np.isnan(golden).any(axis=0).all()
    asked = np.array([[50, 1], [np.nan, 1], [50, np.nan], [50, 7]], dtype=np.float32)
    said = predict_bundle(workspace.bundle, asked)["prediction"][:, 0]
    assert said[:3] == pytest.approx([6, 10, 7], abs=0.5)
