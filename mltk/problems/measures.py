"""Metrics of predictions as functions of row weights.

Weights make the bootstrap a matrix product: B resamples of n rows are B rows of counts [B, n], and
a metric gives B values at once. One row of ones gives the metric itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs

Compute = Callable[[Array, Outputs, Floats], Floats]
"""(y_true [n], outputs, weights [B, n]) -> the metric for each row of weights, [B]."""

PerRow = Callable[[Array, Outputs], Floats]
"""(y_true [n], outputs) -> a value for each row, [n]."""

SMALLEST_PROBABILITY = 1e-7
"""Float32 softmax rounds below this; a sure and wrong answer costs 16 nat, not infinity."""


@dataclasses.dataclass(frozen=True)
class Measure:
    """A metric: `unit` is None when it has the unit of the target.

    `per_row` is given where the metric, but for a constant, is the mean of a value of each row, or,
    with `root`, where it is the root of the mean of a loss of each row. `of_neighbours` says that
    rows are judged by others among them, so that what one adds depends on which others are there.
    """

    name: str
    greater_is_better: bool
    unit: str | None
    compute: Compute
    per_row: PerRow | None = None
    root: bool = False
    of_neighbours: bool = False

    def value(self, y_true: Array, outputs: Outputs) -> float:
        """Give the metric over all rows."""
        return float(self.compute(y_true, outputs, np.ones((1, len(y_true))))[0])


def averaged(name: str, greater_is_better: bool, unit: str | None, per_row: PerRow) -> Measure:
    """Make the metric that is the mean of a value of each row."""

    def mean(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
        return _mean(weights, per_row(y_true, outputs))

    return Measure(name, greater_is_better, unit, mean, per_row)


def mean_of_output(name: str) -> Compute:
    """Make the metric that is the mean of an output [n, 1] over the rows."""

    def mean(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:  # noqa: ARG001
        return _mean(weights, outputs[name][:, 0].astype(np.float64))

    return mean


def rmse(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Root of the mean squared error."""
    return np.sqrt(_mean(weights, squared_errors(y_true, outputs)))


def squared_errors(y_true: Array, outputs: Outputs) -> Floats:
    """Squared error of each row."""
    squares: Floats = _residuals(y_true, outputs) ** 2
    return squares


def mae(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Mean absolute error."""
    return _mean(weights, absolute_errors(y_true, outputs))


def absolute_errors(y_true: Array, outputs: Outputs) -> Floats:
    """Absolute error of each row."""
    return np.abs(_residuals(y_true, outputs))


def r2(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Explained share of the variance; for a constant target 1 when exact, else 0."""
    centred = y_true - y_true.mean()  # against cancellation in the next line but one
    errors = _mean(weights, _residuals(y_true, outputs) ** 2)
    variance = np.maximum(_mean(weights, centred**2) - _mean(weights, centred) ** 2, 0)
    constant = variance <= np.finfo(float).eps * np.mean(centred**2)
    explained = 1 - errors / np.where(constant, 1, variance)
    return np.where(constant, np.where(errors == 0, 1.0, 0.0), explained)


def explained(y_true: Array, outputs: Outputs) -> Floats:
    """What each row takes away from R2, the variance of these rows taken as known."""
    variance = float(np.var(y_true))
    # With a constant target R2 is 1 or 0, and no row has a part in it.
    lost: Floats = -squared_errors(y_true, outputs) / (variance or np.nan)
    return lost


def log_loss(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Mean negative log probability of the true class, nat."""
    return _mean(weights, log_losses(y_true, outputs))


def log_losses(y_true: Array, outputs: Outputs) -> Floats:
    """Negative log probability of the true class of each row, nat."""
    probabilities = outputs["probabilities"].astype(np.float64)
    of_truth = probabilities[np.arange(len(y_true)), y_true]
    losses: Floats = -np.log(np.clip(of_truth, SMALLEST_PROBABILITY, 1))
    return losses


def accuracy(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Share of rows whose most probable class is the true one."""
    return _mean(weights, hits(y_true, outputs))


def hits(y_true: Array, outputs: Outputs) -> Floats:
    """1 for each row whose most probable class is the true one, else 0."""
    found: Floats = (_most_probable(outputs) == y_true).astype(np.float64)
    return found


def balanced_accuracy(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Mean over the true classes of the share of their rows that were found."""
    truth = _members(y_true, outputs)
    found = weights @ (truth * _members(_most_probable(outputs), outputs))
    return _mean_where(found, weights @ truth, weights @ truth > 0)


def macro_f1(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Mean of the classes' F1, over the classes that are true or predicted of some row."""
    truth = _members(y_true, outputs)
    said = _members(_most_probable(outputs), outputs)
    found: Floats = weights @ (truth * said)
    total = weights @ truth + weights @ said
    return _mean_where(2.0 * found, total, total > 0)


def auc(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Area under the ROC curve of the second of two classes; NaN when one class has no weight.

    The probability that a positive scores higher than a negative, ties half (Mann and Whitney).
    """
    scores = outputs["probabilities"][:, 1]
    order = np.argsort(scores, kind="stable")
    starts = np.unique(scores[order], return_index=True)[1]
    truth, weights = y_true[order], weights[:, order]
    positive = np.add.reduceat(weights * (truth == 1), starts, axis=1)
    negative = np.add.reduceat(weights * (truth == 0), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    wins = (positive * below).sum(axis=1)
    share: Floats = np.full(len(weights), np.nan)
    np.divide(wins, pairs, out=share, where=pairs > 0)
    return share


def _residuals(y_true: Array, outputs: Outputs) -> Floats:
    residuals: Floats = outputs["prediction"].reshape(-1).astype(np.float64) - y_true
    return residuals


def _most_probable(outputs: Outputs) -> Array:
    most_probable: Array = np.argmax(outputs["probabilities"], axis=1)
    return most_probable


def _members(indices: Array, outputs: Outputs) -> Floats:
    classes = np.arange(outputs["probabilities"].shape[1])
    members: Floats = (indices[:, None] == classes).astype(np.float64)
    return members


def _mean(weights: Floats, values: Array) -> Floats:
    mean: Floats = weights @ values / weights.sum(axis=1)
    return mean


def _mean_where(numerator: Floats, denominator: Floats, counted: Array) -> Floats:
    shares = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=counted)
    mean: Floats = shares.sum(axis=1) / counted.sum(axis=1)
    return mean
