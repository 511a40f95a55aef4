"""How many standard errors the rows lie above a bound: what the tests of the gate count by."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mltk.data.arrays import Floats
from mltk.gate.paired import Pair

Score = Callable[[Pair, float], float]
"""(two models, bound of the improvement) -> standard errors; falls with the bound."""


def student(of: Pair, bound: float) -> float:
    """The score of the paired t-test, or the smaller one that the skewness of the rows gives.

    A challenger that is better on most rows and much worse on a few, as one that is too sure of its
    classes, would else be promoted by hold-outs that happen to miss the few. The correction alone
    promotes too many of the models that are alike.
    """
    values = finite(of.against(bound))
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if deviation <= 0:
        # Rows that all say the same leave no doubt.
        return math.copysign(math.inf, mean) if mean else 0.0
    distance = mean / deviation
    corrected = _without_skew(distance, _skewness((values - mean) / deviation), len(values))
    return math.sqrt(len(values)) * min(distance, corrected)


def _skewness(standardised: Floats) -> float:
    """The unbiased third moment of values of mean 0 and deviation 1; 0 of two, which have none."""
    rows = len(standardised)
    if rows < 3:
        return 0.0
    return float((standardised**3).sum()) * rows / ((rows - 1) * (rows - 2))


def _without_skew(distance: float, skewness: float, rows: int) -> float:
    """The mean in deviations as if its distribution were symmetric; rises with it.

    P. Hall, "On the removal of skewness by transformation", J. R. Statist. Soc. B 54 (1992).
    """
    third = skewness / 3
    return distance + third * distance**2 + third**2 * distance**3 / 3 + skewness / (6 * rows)


def tango(of: Pair, bound: float) -> float:
    """The score of Tango's test of shares, whose variance is as if the bound were the true one.

    T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17 (1998). In his names the result is T, `share`
    the restricted estimate of q21.
    """
    rows, (won, lost), bound = of.rows, counts(of), max(-1.0, min(bound, 1.0))
    linear = -won - lost + (2 * rows - won + lost) * bound
    constant = -lost * bound * (1 - bound)
    share = (math.sqrt(max(0.0, linear**2 - 8 * rows * constant)) - linear) / (4 * rows)
    variance = rows * (2 * max(0.0, share) + bound * (1 - bound))
    distance = won - lost - rows * bound
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def counts(of: Pair) -> tuple[int, int]:
    """How many rows only the challenger gets right, and how many only the champion."""
    right = of.right if of.right is not None else np.zeros(0)
    return int((right > 0).sum()), int((right < 0).sum())


def finite(values: Floats) -> Floats:
    """The rows that say something."""
    found: Floats = values[np.isfinite(values)]
    return found
