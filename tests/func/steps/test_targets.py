"""Several targets in one model, through all steps to a bundle that is proven."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mltk.data.quality.profile import Profile
from mltk.problems import load_problem
from mltk.records import Evaluation, TableReport, Verification
from mltk.steps.holdout import HoldOut
from mltk.steps.predictions import Predictions
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import read_bundle

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]

HEADER = ["x", "z", "load [MW]", "price"]
TARGETS = [{"name": "load [MW]", "unit": "MW"}, {"name": "price", "unit": "EUR/MWh", "min": -500}]
STEPS = ("validate", "train", "evaluate", "export", "verify")

pytestmark = pytest.mark.slow


def _rows(count: int = 240) -> list[list[float]]:
    """A load of thousands and a price of tens: neither may count more by its unit."""
    random = np.random.default_rng(8)
    x, z = random.uniform(-1, 1, (2, count))
    load = 5000 + 900 * x + 200 * (1 + z) * random.normal(size=count)
    price = 40 + 9 * z + 3 * random.normal(size=count)
    return np.column_stack([x, z, load, price]).round(4).tolist()


def _project(project: Project, **spec: Any) -> RunWorkspace:
    told = {
        "problem": "regression",
        "target": None,
        "targets": TARGETS,
        "features": [{"name": "x"}, {"name": "z"}],
    }
    return project(HEADER, _rows(), **{**told, **spec})


def test_quantiles_of_two_targets_are_learnt_judged_and_proven(
    project: Project, run_steps: Run
) -> None:
    bound = {"load_MW.mae": {"max": 9e9}}
    gate = {
        "metrics": {"price.coverage": {"min": 0.5}},
        "slices": [{"by": "price", "at": [40], "min_rows": 9, "metrics": bound}],
    }
    workspace = _project(
        project,
        settings={"head": "quantile"},
        gate=gate,
        training={"epochs": 40, "learning_rate": 0.03},
    )
    done = run_steps(workspace, *STEPS)
    assert done.returncode == 0, done.stderr
    assert "price: intervals of 90 % times" in done.stdout
    evaluation = workspace.read(Evaluation)
    metrics = {metric.name: metric for metric in evaluation.metrics}
    assert evaluation.primary.name == "standardised_pinball"
    assert metrics["load_MW.mae"].unit == "MW" and metrics["price.width"].unit == "EUR/MWh"
    for name in ("standardised_pinball", "load_MW.pinball", "price.pinball"):
        assert metrics[name].value < 0.8 * evaluation.baselines["trivial"][name], name
    assert json.loads((workspace.root / "metrics").read_text())["price.mae"] > 0
    outputs = {each.name: each for each in read_bundle(workspace.bundle).manifest.outputs}
    assert set(outputs) == {
        f"{target}{end}"
        for target in ("load_MW", "price")
        for end in ("", "_lower", "_upper", "_quantiles")
    }
    assert (outputs["price"].meaning, outputs["price"].unit) == ("median of price", "EUR/MWh")
    assert outputs["load_MW_quantiles"].classes == ("0.05", "0.5", "0.95")
    assert all(each.max_relative_error < 1e-5 for each in workspace.read(Verification).backends)
    assert (workspace.plots / "predicted-against-true-load_MW.png").is_file()
    roles = [(column.name, column.role, column.unit) for column in workspace.read(Profile).columns]
    assert roles[2:] == [("load [MW]", "target", "MW"), ("price", "target", "EUR/MWh")]
    said = Predictions.read(workspace.predictions_file)
    held_out = HoldOut(workspace.spec(), load_problem("regression"), said)
    checks = held_out.slice_checks()
    assert [check.passed for check in checks] == [True, True]
    assert "price below 40: load_MW.mae" in checks[0].reason
    low, high = held_out.limits("price.mae", 0.9)
    assert low < metrics["price.mae"].value < high


def test_labels_are_learnt_judged_and_proven(project: Project, run_steps: Run) -> None:
    random = np.random.default_rng(9)
    x = random.normal(size=(300, 2))
    odds = np.column_stack([2 * x[:, 0], 2 * x[:, 1] - 2])
    labels = np.where(random.random((300, 2)) < 1 / (1 + np.exp(-odds)), "yes", "no")
    rows = [[*map(str, numbers), *said] for numbers, said in zip(x, labels, strict=True)]
    of_cold = [{"by": "cold", "min_rows": 5, "metrics": {"wet.f1": {"min": 0}}}]
    workspace = project(
        ["x", "z", "wet", "cold"],
        rows,
        problem="multilabel",
        target=None,
        targets=[{"name": "wet"}, {"name": "cold", "values": ["no", "yes"]}],
        features=[{"name": "x"}, {"name": "z"}],
        settings={"class_weights": "balanced", "calibrate": True},
        gate={"slices": of_cold},
    )
    done = run_steps(workspace, *STEPS)
    assert done.returncode == 0, done.stderr
    evaluation = workspace.read(Evaluation)
    assert evaluation.primary.name == "log_loss"
    assert evaluation.primary.value < evaluation.baselines["trivial"]["log_loss"]
    chances, cuts = read_bundle(workspace.bundle).manifest.outputs
    assert (chances.name, chances.classes) == ("probabilities", ("wet", "cold"))
    assert cuts.name == "thresholds"
    assert chances.meaning == "probability of each label: wet, cold is yes"
    assert [each.name for each in chances.thresholds] == ["decision.wet", "decision.cold"]
    assert all(each.max_relative_error < 1e-5 for each in workspace.read(Verification).backends)
    told = workspace.read(TableReport)
    assert told.labels["wet"] == ("no", "yes")
    said = Predictions.read(workspace.predictions_file)
    held_out = HoldOut(workspace.spec(), load_problem("multilabel"), said, labels=told.labels)
    assert [group.name for group in held_out.groups] == ["cold no", "cold yes"]
    assert all(check.judged for check in held_out.slice_checks())
    (role,) = [each for each in workspace.read(Profile).columns if each.name == "cold"]
    assert (role.role, role.type) == ("target", "categorical")
