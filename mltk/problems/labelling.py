"""Metrics of several labels, each with its probability and the threshold from which on it is said.

`y_true` int64 [n, L] is 1 for the second value of a label, `probabilities` and `thresholds` are
[n, L].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems import measures as plain
from mltk.problems import reliability
from mltk.problems.measures import Compute, Measure, averaged

PROBABILITIES, THRESHOLDS = "probabilities", "thresholds"


def measures(names: Sequence[str]) -> tuple[Measure, ...]:
    """Give the metrics over all labels, then those of each by name."""
    return (*_OVER_ALL, *(each for at, name in enumerate(names) for each in _of_label(name, at)))


def log_losses(y_true: Array, outputs: Outputs) -> Floats:
    """Mean over the labels of the negative log probability of what is true, nat, of each row."""
    losses: Floats = _surprises(y_true, outputs).mean(axis=1)
    return losses


def brier_scores(y_true: Array, outputs: Outputs) -> Floats:
    """Mean over the labels of the squared error of the probability, of each row."""
    scores: Floats = ((outputs[PROBABILITIES].astype(np.float64) - y_true) ** 2).mean(axis=1)
    return scores


def exact(y_true: Array, outputs: Outputs) -> Floats:
    """1 for each row all of whose labels are said as they are, else 0."""
    right: Array = _said(outputs) == (y_true == 1)
    found: Floats = right.all(axis=1).astype(np.float64)
    return found


def f1(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """F1 of each label [B, L]; 0 where it is neither true nor said of any row."""
    truth, said = (y_true == 1).astype(np.float64), _said(outputs).astype(np.float64)
    total = weights @ (truth + said)
    scores: Floats = np.zeros_like(total)
    np.divide(2 * (weights @ (truth * said)), total, out=scores, where=total > 0)
    return scores


def auc(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Area under the ROC curve of each label [B, L]; NaN where a value has no weight."""
    each = zip(y_true.T, outputs[PROBABILITIES].T, strict=True)
    areas = [plain.auc(truth, _two_classes(chance), weights) for truth, chance in each]
    return np.stack(areas, axis=1)


def macro_f1(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Mean of the labels' F1."""
    mean: Floats = f1(y_true, outputs, weights).mean(axis=1)
    return mean


def macro_auc(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Mean of the labels' areas, over the labels of which both values have weight."""
    areas = auc(y_true, outputs, weights)
    known = ~np.isnan(areas)
    mean: Floats = np.full(len(areas), np.nan)
    np.divide(
        np.where(known, areas, 0).sum(axis=1),
        known.sum(axis=1),
        out=mean,
        where=known.any(axis=1),
    )
    return mean


def ece(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Expected calibration error of all labels as if each were a row (`reliability.ece`)."""
    spread = np.repeat(weights, y_true.shape[1], axis=1)
    return reliability.ece(y_true.reshape(-1), _pooled(outputs), spread)


def reliability_of_all(y_true: Array, outputs: Outputs) -> reliability.Reliability:
    """Give the bins that `ece` is made of, for a plot."""
    return reliability.reliability(y_true.reshape(-1), _pooled(outputs))


def sigmoid(scores: Floats) -> Floats:
    """Turn scores into probabilities."""
    probabilities: Floats = 1 / (1 + np.exp(-np.clip(scores, -700, 700)))
    return probabilities


_OVER_ALL = (
    averaged("log_loss", False, "nat", log_losses),
    Measure("macro_f1", True, "", macro_f1),
    Measure("macro_auc", True, "", macro_auc),
    averaged("exact_match", True, "", exact),
    averaged("brier", False, "", brier_scores),
    Measure("ece", False, "", ece),
)


def _of_label(name: str, at: int) -> tuple[Measure, ...]:
    def losses(y_true: Array, outputs: Outputs) -> Floats:
        of_one: Floats = _surprises(y_true, outputs)[:, at]
        return of_one

    return (
        averaged(f"{name}.log_loss", False, "nat", losses),
        Measure(f"{name}.f1", True, "", _column(f1, at)),
        Measure(f"{name}.auc", True, "", _column(auc, at)),
    )


def _column(of_all: Compute, at: int) -> Compute:
    def of_one(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
        one = slice(at, at + 1)
        cut = {name: array[:, one] for name, array in outputs.items()}
        found: Floats = of_all(y_true[:, one], cut, weights)[:, 0]
        return found

    return of_one


def _surprises(y_true: Array, outputs: Outputs) -> Floats:
    chances = outputs[PROBABILITIES].astype(np.float64)
    of_truth = np.where(y_true == 1, chances, 1 - chances)
    losses: Floats = -np.log(np.clip(of_truth, plain.SMALLEST_PROBABILITY, 1))
    return losses


def _said(outputs: Outputs) -> Array:
    said: Array = outputs[PROBABILITIES] >= outputs[THRESHOLDS]
    return said


def _pooled(outputs: Outputs) -> Outputs:
    return _two_classes(outputs[PROBABILITIES].reshape(-1))


def _two_classes(chances: Array) -> Outputs:
    return {PROBABILITIES: np.stack([1 - chances, chances], axis=1)}
