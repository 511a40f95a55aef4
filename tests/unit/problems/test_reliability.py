from __future__ import annotations

import numpy as np
import pytest

from mltk.problems import reliability


def _binary(
    rows: int, bend: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Classes drawn with a probability, and that probability bent away from the truth."""
    random = np.random.default_rng(seed)
    score = 2 * random.normal(size=rows)
    y_true = (random.uniform(size=rows) < 1 / (1 + np.exp(-score))).astype(int)
    said = 1 / (1 + np.exp(-bend * score))
    return y_true, {"probabilities": np.stack([1 - said, said], axis=1)}


def _ece(rows: int, bend: float, seed: int) -> float:
    y_true, said = _binary(rows, bend, seed)
    return float(reliability.ece(y_true, said, np.ones((1, rows)))[0])


def test_the_brier_score_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss

    y_true, said = _binary(200)
    mine = reliability.brier(y_true, said, np.ones((1, 200)))[0]
    assert mine == pytest.approx(brier_score_loss(y_true, said["probabilities"][:, 1]))


def test_a_calibrated_model_has_next_to_no_calibration_error_on_few_rows() -> None:
    squares = [_ece(100, 1.0, seed) ** 2 for seed in range(200)]
    assert np.mean(squares) < 0.06**2  # the plain sum over bins has about 0.1


def test_a_model_that_is_too_sure_is_found_out() -> None:
    assert _ece(4000, 1.0, 1) < 0.02
    assert _ece(4000, 4.0, 1) > 0.1


def test_weights_count_rows_as_often_as_they_say() -> None:
    y_true, said = _binary(300)
    twice = {"probabilities": np.repeat(said["probabilities"], 2, axis=0)}
    for measure in (reliability.brier, reliability.ece):
        one = measure(y_true, said, np.full((1, 300), 2.0))
        other = measure(np.repeat(y_true, 2), twice, np.ones((1, 600)))
        assert one == pytest.approx(other, abs=1e-9 if measure is reliability.brier else 0.02)


def test_equal_confidences_are_one_bin() -> None:
    y_true = np.array([0, 0, 0, 1] * 10)
    said = {"probabilities": np.tile([0.75, 0.25], (40, 1))}
    bins = reliability.reliability(y_true, said)
    assert (bins.confidence, bins.right, bins.rows) == (
        pytest.approx([0.75]),
        pytest.approx([0.75]),
        pytest.approx([40]),
    )
