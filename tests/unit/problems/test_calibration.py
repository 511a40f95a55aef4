"""What is settled on validation rows."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.utils.class_weight import compute_class_weight

from mltk.data.table import Rows
from mltk.problems import calibration, load_problem
from mltk.problems.linear import softmax
from mltk.project.spec import Model

RANDOM = np.random.default_rng(5)


def model(**settings: Any) -> Model:
    return Model.model_validate(
        {
            "problem": "classification",
            "data": {"path": "t.csv"},
            "target": {"name": "y"},
            "features": [{"name": "x"}],
            "settings": settings,
            "network": {"hidden": [16]},
            "training": {"epochs": 40, "learning_rate": 0.05, "patience": 0},
        }
    )


def test_the_temperature_of_true_scores_is_found() -> None:
    scores = RANDOM.normal(size=(20_000, 3))
    chances = softmax(scores)
    classes = (RANDOM.random(20_000)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    assert calibration.temperature(scores, classes) == pytest.approx(1, abs=0.05)
    assert calibration.temperature(3 * scores, classes) == pytest.approx(3, abs=0.15)


def test_scores_that_are_always_right_have_a_temperature() -> None:
    found = calibration.temperature(np.array([[9.0, 0], [0, 9]]), np.array([0, 1]))
    assert 0.05 <= found < 1


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=30))
def test_no_other_threshold_is_better(rows: list[tuple[int, bool]]) -> None:
    chances = np.array([chance / 9 for chance, _ in rows])
    truth = np.array([flag for _, flag in rows])
    if truth.all() or not truth.any():
        return
    scorers = {"balanced_accuracy": balanced_accuracy_score, "f1": f1_score}
    for name, score in scorers.items():
        cut = calibration.decision(chances, truth, name)  # type: ignore[arg-type]
        best = max(score(truth, chances >= other) for other in chances)
        assert score(truth, chances >= cut) == pytest.approx(best)


def test_a_threshold_takes_memory_in_proportion_to_the_rows() -> None:
    draw = np.random.default_rng(3)
    chances = draw.random(4000)
    truth = draw.random(4000) < chances
    tracemalloc.start()
    calibration.decision(chances, truth, "f1")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000  # 16,000,000 for each row against each cut


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    classes = np.array([0] * 7 + [1] * 2 + [2])
    theirs = compute_class_weight("balanced", classes=np.arange(3), y=classes)
    assert calibration.balanced(classes, 3) == pytest.approx(theirs)


def test_the_threshold_is_for_two_classes_and_where_it_was_asked_for() -> None:
    problem = load_problem("classification")
    truth = np.array([0, 0, 0, 1, 1])
    said = {"probabilities": np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.5, 0.5]])}
    (found,) = problem.thresholds(model(threshold="f1"), truth, said)
    assert (found.output, found.side, found.rows) == ("probabilities", "above", 5)
    assert found.value == pytest.approx(0.35)
    assert problem.thresholds(model(), truth, said) == ()
    three = {"probabilities": np.full((5, 3), 1 / 3)}
    assert problem.thresholds(model(threshold="f1"), truth, three) == ()


def rare(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    classes = (random.random(count) < 0.08).astype(np.int64)
    features = (classes * 1.5 + random.normal(size=count))[:, None].astype(np.float32)
    return Rows(features, classes, ("no", "yes"))


def trained(spec: Model) -> tuple[np.ndarray, list[str]]:
    from mltk.problems import backend
    from mltk.problems.training import fit

    backend.prepare(0)
    network = load_problem("classification").network(spec, rare(400, 1))
    lines: list[str] = []
    fit(network, rare(400, 1), rare(200, 2), spec.training, seed=0, log=lines.append)
    return network.model(rare(2000, 3).features)["probabilities"].numpy(), lines


@pytest.mark.slow
def test_balanced_classes_find_more_of_the_rare_one() -> None:
    truth = rare(2000, 3).target
    plain, _ = trained(model())
    balanced, _ = trained(model(class_weights="balanced"))
    found = [((said[:, 1] > 0.5) & (truth == 1)).sum() / truth.sum() for said in (plain, balanced)]
    assert found[1] > found[0] + 0.2


@pytest.mark.slow
def test_a_temperature_makes_the_validation_rows_likelier_and_moves_no_decision() -> None:
    plain, _ = trained(model(class_weights="balanced"))
    calibrated, lines = trained(model(class_weights="balanced", temperature=True))
    assert lines[-1].startswith("temperature ")
    temperature = float(lines[-1].split()[1])
    assert temperature != 1
    logits = np.log(plain[:, 1] / plain[:, 0])
    expected = 1 / (1 + np.exp(-logits / temperature))
    assert calibrated[:, 1] == pytest.approx(expected, abs=1e-3)
