"""One model that reads every kind of feature, as processes: to the proof in Node.js."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from mltk.data.tokens import bucket
from mltk.errors import StepError
from mltk.records import Evaluation, TableReport, Verification
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import predict_bundle, read_bundle

pytestmark = pytest.mark.slow

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]

FEATURES: list[dict[str, Any]] = [
    {"name": "size", "missing": "median", "missing_indicator": True},
    {"name": "colour", "type": "categorical", "values": ["red", "blue"], "missing": "category"},
    {"name": "when", "type": "datetime", "parts": ["hour", "trend"], "timezone": "Europe/Berlin"},
    {"name": "note", "type": "text", "length": 4, "buckets": 500, "missing": "empty"},
    {"name": "seen", "type": "datetime", "parts": ["trend"], "missing": "mean"},
]


def _table(count: int = 300) -> tuple[list[str], list[list[Any]]]:
    """Rows whose target follows from what is there, from what is missing, the hour and a word."""
    draw = np.random.default_rng(3)
    rows = []
    for row in range(count):
        size, colour, told = draw.normal(50, 10), draw.integers(0, 3), draw.random() < 0.7
        when = datetime(2026, 1, 1) + timedelta(hours=7 * row)
        late = row % 3 == 0
        y = (size / 10 if told else 9) + colour + 3 * math.sin(math.tau * when.hour / 24) + 4 * late
        cells = [f"{size:.3f}" if told else "", ("red", "blue", "NA")[colour], when.isoformat()]
        note = "" if row % 7 == 0 and not late else f"{'Late' if late else 'Fine'}, bus {row % 5}!"
        seen = "" if row % 4 == 0 else f"{datetime(2026, 1, 1) + timedelta(hours=5 * row % 17)}"
        rows.append([*cells, note, seen, f"{y:.3f}"])
    return ["size", "colour", "when", "note", "seen", "y"], rows


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
    _refuse_other_readings(workspace)


def _judge_bundle(workspace: RunWorkspace) -> None:
    (given,) = read_bundle(workspace.bundle).manifest.inputs
    assert [(each.missing, each.columns) for each in given.features] == [
        ("median", 1),
        ("category", 1),
        ("error", 2),
        ("empty", 4),
        ("mean", 2),
    ]
    golden = json.loads((workspace.bundle / "bundle.json").read_text())["golden"]
    rows = np.array(golden["inputs"]["features"]["data"], dtype=float).reshape(-1, 10)
    assert np.isnan(rows).any(axis=0).tolist() == [True, True, False, False, *[True] * 6]
    assert {len(record["when"]) for record in golden["records"]} == {19, 20}
    noon = (20_500, 12 * 3600)
    fine, late = ([bucket(word, 500) for word in (first, "bus", "1")] for first in ("fine", "late"))
    asked = [
        [50, 1, *noon, *fine, 0],
        [np.nan, 1, *noon, *fine, 0],
        [50, np.nan, *noon, *fine, 0],
        [50, 1, 20_500, 6 * 3600, *fine, 0],
        [50, 1, *noon, *late, 0],
        [50, 1, *noon, *[np.nan] * 4],
    ]
    unseen = np.full((len(asked), 2), np.nan)
    given_rows = np.column_stack([asked, unseen]).astype(np.float32)
    said = predict_bundle(workspace.bundle, given_rows)["prediction"][:, 0]
    assert said == pytest.approx([6, 10, 7, 9, 10, 6], abs=1)


def _refuse_other_readings(workspace: RunWorkspace) -> None:
    """Hold a client that reads the records in another way against the golden rows."""
    other = workspace.root / "other"
    shutil.copytree(workspace.bundle, other)
    told = (other / "bundle.json").read_text()
    (other / "bundle.json").write_text(told.replace("Europe/Berlin", "Asia/Kolkata"))
    with pytest.raises(StepError, match=r"golden record 1 gives .* reads its values in"):
        predict_bundle(other, np.zeros((1, 10), dtype=np.float32))
