"""Whether probabilities mean what they say: of rows called 80 % sure, 80 % should be right."""

from __future__ import annotations

import dataclasses

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs

BINS = 10
ROWS_OF_A_BIN = 10


@dataclasses.dataclass(frozen=True)
class Reliability:
    """Bins of rows of like confidence: their mean confidence, share of right rows, and rows."""

    confidence: Floats
    right: Floats
    rows: Floats


def brier_scores(y_true: Array, outputs: Outputs) -> Floats:
    """Squared error of the probabilities of each row; for two classes that of one of them.

    G. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review
    78 (1950), halved for two classes, as is usual (scikit-learn).
    """
    probabilities = outputs["probabilities"].astype(np.float64)
    classes = probabilities.shape[1]
    truth = y_true[:, None] == np.arange(classes)
    total: Floats = ((probabilities - truth) ** 2).sum(axis=1)
    return total / 2 if classes == 2 else total


def brier(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Mean of `brier_scores`; 0 is best."""
    mean: Floats = weights @ brier_scores(y_true, outputs) / weights.sum(axis=1)
    return mean


def ece(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Expected calibration error of the most probable class, as a probability; 0 is best.

    The root of the mean squared distance of confidence and share of right rows, over bins of equal
    rows, without the part that chance alone adds: A. Kumar, P. Liang and T. Ma, "Verified
    uncertainty calibration" (2019), the debiased estimator. The plain sum over bins would charge a
    perfect model with several hundredths on a hundred rows.
    """
    confidence, right, member = _binned(y_true, outputs)
    rows = weights @ member
    share = _divide(weights @ (member * right[:, None]), rows)
    gap = _divide(weights @ (member * confidence[:, None]), rows) - share
    chance = _divide(share * (1 - share), rows - 1)
    squares = np.where(rows > 1, gap**2 - chance, 0) * rows
    error: Floats = np.sqrt(np.maximum(squares.sum(axis=1), 0) / weights.sum(axis=1))
    return error


def reliability(y_true: Array, outputs: Outputs) -> Reliability:
    """Give the bins that `ece` is made of, for a plot."""
    confidence, right, member = _binned(y_true, outputs)
    rows: Floats = member.sum(axis=0)
    return Reliability(confidence @ member / rows, right @ member / rows, rows)


def _binned(y_true: Array, outputs: Outputs) -> tuple[Floats, Floats, Floats]:
    """Confidence and right or wrong of each row [n], and which bin it is in [n, bins]."""
    probabilities = outputs["probabilities"].astype(np.float64)
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == y_true).astype(np.float64)
    count = int(np.clip(len(y_true) // ROWS_OF_A_BIN, 1, BINS))
    # Equal confidences stay together, so that there may be fewer bins.
    edges = np.unique(np.quantile(confidence, np.arange(1, count) / count, method="lower"))
    bins = np.unique(np.searchsorted(edges, confidence, side="left"), return_inverse=True)[1]
    return confidence, right, (bins[:, None] == np.arange(bins.max() + 1)).astype(np.float64)


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    found: Floats = np.zeros_like(numerator)
    np.divide(numerator, denominator, out=found, where=denominator > 0)
    return found
