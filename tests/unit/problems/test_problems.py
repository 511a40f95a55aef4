from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.data.table import Rows
from mltk.errors import ConfigError
from mltk.problems import load_problem, plots
from mltk.project.spec import Model

RANDOM = np.random.default_rng(11)
TRUTH = RANDOM.normal(size=80)
CLASSES = RANDOM.integers(0, 3, 80)


def model(problem: str) -> Model:
    return Model.model_validate(
        {
            "problem": problem,
            "data": {"path": "t.csv"},
            "target": {"name": "y", "unit": "kg"},
            "features": [{"name": "x"}],
        }
    )


def off_by(size: float) -> dict[str, Any]:
    return {"prediction": (TRUTH + size * RANDOM.normal(size=80))[:, None]}


def test_kinds_of_problem_are_found_by_name() -> None:
    assert load_problem("regression").target_kind == "numeric"
    assert load_problem("classification").target_kind == "label"
    with pytest.raises(ConfigError, match="did you mean 'regression'") as caught:
        load_problem("regresion")
    assert caught.value.hint == (
        "kinds of problem: classification, density, generative, multilabel, reduction, regression"
    )


def test_metrics_have_units_and_intervals() -> None:
    metrics = load_problem("regression").metrics(model("regression"), TRUTH, off_by(1.0))
    assert [(m.name, m.unit, m.greater_is_better) for m in metrics] == [
        ("rmse", "kg", False),
        ("mae", "kg", False),
        ("r2", "", True),
    ]
    assert all(m.low < m.value < m.high for m in metrics)


def test_area_under_the_curve_is_for_two_classes() -> None:
    problem = load_problem("classification")
    for count, names in ((2, {"auc"}), (3, set())):
        measures = problem.measures(
            model("classification"), {"probabilities": np.full((4, count), 1 / count)}
        )
        assert measures[0].name == "log_loss"
        assert {m.name for m in measures} & {"auc"} == names


def test_baselines_are_the_mean_and_the_shares() -> None:
    features = RANDOM.normal(size=(80, 1)).astype(np.float32)
    regression = load_problem("regression").baselines(
        model("regression"), Rows(features, TRUTH, ()), features[:5]
    )
    assert regression["trivial"]["prediction"] == pytest.approx(np.full((5, 1), TRUTH.mean()))
    assert regression["linear"]["prediction"].shape == (5, 1)
    classes = load_problem("classification").baselines(
        model("classification"), Rows(features, CLASSES, ("a", "b", "c")), features[:5]
    )
    assert classes["trivial"]["probabilities"][0] == pytest.approx(np.bincount(CLASSES) / 80)
    assert classes["linear"]["probabilities"].sum(axis=1) == pytest.approx(np.ones(5))


def test_outputs_say_what_they_mean() -> None:
    regression = load_problem("regression").outputs(model("regression"), ())[0]
    assert (regression.name, regression.unit, regression.labels) == ("prediction", "kg", ())
    labels = load_problem("classification").outputs(model("classification"), ("a", "b"))[0].labels
    assert labels == ("a", "b")


def test_plots_have_the_same_bytes_each_time(tmp_path: Path) -> None:
    def png(figure: Any) -> bytes:
        plots.save(figure, tmp_path / "plot.png")
        return (tmp_path / "plot.png").read_bytes()

    spec = model("classification")
    said = {"probabilities": np.eye(3)[CLASSES]}
    figures = [
        lambda: plots.loss_curves({"loss": (3.0, 2.0), "validation_loss": (3.0, 0.0)}, 2),
        lambda: load_problem("classification").plots(spec, ("a", "b", "c"), CLASSES, said)[
            "confusion-matrix"
        ],
        lambda: plots.predicted_against_true(TRUTH, TRUTH, spec.target),
    ]
    for figure in figures:
        first = png(figure())
        assert first.startswith(b"\x89PNG")
        assert first == png(figure())
