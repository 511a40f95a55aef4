"""What is settled on validation rows after a training: how sure to be, and from where on to decide.

Pure, and never shown a hold-out row.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.problems.linear import softmax

Criterion = Literal["balanced_accuracy", "f1"]

_COLDEST, _HOTTEST = np.log(0.05), np.log(20.0)
_STEPS = 60
_RIDGE = 1e-10
_FLATTEST = 0.02


def temperature(scores: Array, classes: Array) -> float:
    """Give the number to divide scores [n, K] by, under which the classes [n] are most likely.

    C. Guo et al., On Calibration of Modern Neural Networks (2017). The log loss has one minimum
    in the inverse temperature, so a search by golden section finds it.
    """
    golden = (np.sqrt(5) - 1) / 2
    low, high = _COLDEST, _HOTTEST
    for _ in range(_STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _log_loss(scores, classes, left) < _log_loss(scores, classes, right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def decision(probabilities: Array, positive: Array, criterion: Criterion) -> float:
    """Give the probability [n] from which on to say yes, so that `criterion` is highest.

    `positive` [n] is the truth. The value lies midway between two neighbours among the
    probabilities; of several that are as good, it is the one nearest to 1/2.
    """
    order = np.argsort(probabilities, kind="stable")
    chances = probabilities[order].astype(np.float64)
    values = np.unique(chances)
    cuts = np.concatenate([[values[0]], (values[1:] + values[:-1]) / 2])
    yes, no = positive.sum(), (~positive).sum()
    below = np.searchsorted(chances, cuts)
    hits = yes - np.concatenate([[0], positive[order].cumsum()])[below]
    false = len(chances) - below - hits
    if criterion == "f1":
        scores = 2 * hits / (yes + hits + false)
    else:
        scores = (hits / max(yes, 1) + 1 - false / max(no, 1)) / 2
    best = cuts[scores >= scores.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


def platt(scores: Array, positive: Array) -> tuple[float, float]:
    """Give slope and shift of scores [n] under which the truth [n] of 0 and 1 is most likely.

    J. Platt, Probabilistic outputs for support vector machines (1999), with his targets, which keep
    the slope finite where the scores separate; by Newton's method (H.-T. Lin, C.-J. Lin and
    R. Weng, A note on Platt's probabilistic outputs, 2007). A slope that would turn the order of
    the rows round is no calibration: then the shift alone.
    """
    yes, no = float(positive.sum()), float(len(positive) - positive.sum())
    wanted = np.where(positive == 1, (yes + 1) / (yes + 2), 1 / (no + 2))
    both = np.column_stack([scores.astype(np.float64), np.ones(len(scores))])
    slope, shift = _newton(both, wanted)
    if slope > _FLATTEST:
        return slope, shift
    (shift,) = _newton(both[:, 1:], wanted, both[:, 0])
    return 1.0, shift


def balanced(classes: Array, count: int) -> Floats:
    """Give weights of the classes [count] under which each counts as much, with a mean of 1."""
    rows = np.bincount(classes, minlength=count)
    weights: Floats = len(classes) / (count * np.maximum(rows, 1))
    return weights


def _newton(rows: Floats, wanted: Floats, known: Floats | float = 0.0) -> Floats:
    """Fit a logistic regression of `wanted` shares on rows [n, D], beside what is `known`."""
    weights = np.zeros(rows.shape[1])
    loss = _cross_entropy(rows @ weights + known, wanted)
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(rows @ weights + known, -700, 700)))
        bend = rows.T @ (rows * (chances * (1 - chances))[:, None])
        step = np.linalg.solve(bend + _RIDGE * np.eye(len(bend)), rows.T @ (wanted - chances))
        while _cross_entropy(rows @ (weights + step) + known, wanted) > loss + _RIDGE:
            step = step / 2
        weights = weights + step
        loss = _cross_entropy(rows @ weights + known, wanted)
        if np.abs(step).max() < _RIDGE:
            break
    return weights


def _cross_entropy(scores: Floats, wanted: Floats) -> float:
    return float(np.sum(np.logaddexp(0, scores) - wanted * scores))


def _log_loss(scores: Array, classes: Array, log_temperature: float) -> float:
    probabilities = softmax(scores.astype(np.float64) / np.exp(log_temperature))
    of_truth = probabilities[np.arange(len(classes)), classes]
    return float(-np.log(np.maximum(of_truth, 1e-300)).mean())
