from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from mltk.problems import measures
from mltk.problems.bootstrap import intervals

RANDOM = np.random.default_rng(7)
TRUTH = RANDOM.normal(1e4, 3, 50)
NUMBERS = {"prediction": (TRUTH + RANDOM.normal(0, 2, 50)).astype(np.float32)[:, None]}
CLASSES = RANDOM.integers(0, 3, 60)
PROBABILITIES = {"probabilities": RANDOM.dirichlet([1, 1, 1], 60).astype(np.float32)}
BINARY = RANDOM.integers(0, 2, 60)
# Rounded, so that scores tie.
SCORES = np.round(RANDOM.random(60), 1)
PAIR = {"probabilities": np.column_stack([1 - SCORES, SCORES])}
SAID = PROBABILITIES["probabilities"].argmax(axis=1)

CASES = [
    (measures.rmse, TRUTH, NUMBERS, metrics.root_mean_squared_error(TRUTH, NUMBERS["prediction"])),
    (measures.mae, TRUTH, NUMBERS, metrics.mean_absolute_error(TRUTH, NUMBERS["prediction"])),
    (measures.r2, TRUTH, NUMBERS, metrics.r2_score(TRUTH, NUMBERS["prediction"])),
    (
        measures.log_loss,
        CLASSES,
        PROBABILITIES,
        -np.log(PROBABILITIES["probabilities"][np.arange(60), CLASSES]).mean(),
    ),
    (measures.accuracy, CLASSES, PROBABILITIES, metrics.accuracy_score(CLASSES, SAID)),
    (
        measures.balanced_accuracy,
        CLASSES,
        PROBABILITIES,
        metrics.balanced_accuracy_score(CLASSES, SAID),
    ),
    (measures.macro_f1, CLASSES, PROBABILITIES, metrics.f1_score(CLASSES, SAID, average="macro")),
    (measures.auc, BINARY, PAIR, metrics.roc_auc_score(BINARY, SCORES)),
]


@pytest.mark.parametrize(("compute", "truth", "outputs", "expected"), CASES)
def test_a_metric_is_what_scikit_learn_says(compute, truth, outputs, expected) -> None:
    value = compute(truth, outputs, np.ones((1, len(truth))))
    assert value == pytest.approx([expected], rel=1e-6)


@pytest.mark.parametrize(("compute", "truth", "outputs", "expected"), CASES)
def test_weights_are_repeated_rows(compute, truth, outputs, expected) -> None:
    weights = RANDOM.integers(0, 3, (2, len(truth))).astype(float)
    repeated = [np.repeat(np.arange(len(truth)), counts.astype(int)) for counts in weights]
    by_hand = [
        compute(truth[rows], {k: v[rows] for k, v in outputs.items()}, np.ones((1, len(rows))))[0]
        for rows in repeated
    ]
    assert compute(truth, outputs, weights) == pytest.approx(by_hand)


def test_r2_of_a_constant_target_is_no_division_by_zero() -> None:
    truth = np.full(5, 3.0)
    exact, off = {"prediction": truth[:, None]}, {"prediction": truth[:, None] + 1}
    ones = np.ones((1, 5))
    assert (measures.r2(truth, exact, ones)[0], measures.r2(truth, off, ones)[0]) == (1, 0)


def test_auc_of_one_class_is_not_a_number_and_counts_nowhere() -> None:
    truth = np.array([0, 1, 0, 0])
    outputs = {"probabilities": np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.1, 0.9]])}
    [(low, high)] = intervals([lambda w: measures.auc(truth, outputs, w)], 4)
    assert np.isnan(measures.auc(truth, outputs, np.array([[1.0, 0, 1, 1]])))
    assert 0 <= low < high <= 1


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    sample = RANDOM.normal(5, 2, 400)
    [(low, high)] = intervals([lambda w: w @ sample / 400], 400)
    half = 1.96 * sample.std() / 20
    assert (low, high) == pytest.approx((sample.mean() - half, sample.mean() + half), abs=0.02)


@pytest.mark.parametrize("rows", [3, 17, 400])
def test_the_interval_of_what_is_the_same_in_every_row_is_that(rows: int) -> None:
    same = np.full(rows, 4.7)

    def mean(weights: np.ndarray) -> np.ndarray:
        return weights @ same / weights.sum(axis=1)

    [(low, high)] = intervals([mean], rows)
    assert low == high == mean(np.ones((1, rows)))[0]


def test_the_interval_depends_on_nothing_but_its_arguments() -> None:
    sample = RANDOM.normal(size=3000)
    first, second = (intervals([lambda w: w @ sample] * 2, len(sample), seed=3) for _ in range(2))
    assert first == second
    assert first[0] == first[1]
