"""How sure a number is that was measured on few rows: percentile bootstrap over the rows.

B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mltk.data.arrays import Floats

RESAMPLES = 2000
_BLOCK = 4_000_000
"""Weights held in memory at a time (32 MB)."""

_ROUNDING = 1e-12

Statistic = Callable[[Floats], Floats]
"""A function of row weights [B, rows] that gives B values."""


def intervals(
    statistics: Sequence[Statistic], rows: int, *, seed: int = 0, tail: float = 0.025
) -> list[tuple[float, float]]:
    """Give the 95 % interval of each statistic, or that which leaves out `tail` on either side.

    All see the same resamples. Those for which a statistic is NaN do not count for it; where all
    are, so is its interval. An end that is off the statistic of all rows by rounding alone is that:
    of what is the same in every row, sums differ in their last bits.
    """
    blocks = [
        [statistic(weights) for statistic in statistics]
        for weights in resamples(rows, seed, RESAMPLES)
    ]
    values = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
    quantiles = [_quantiles(of_one[~np.isnan(of_one)], tail) for of_one in values]
    wholes = [float(statistic(np.ones((1, rows)))[0]) for statistic in statistics]
    return [
        (_settled(float(low), whole), _settled(float(high), whole))
        for (low, high), whole in zip(quantiles, wholes, strict=True)
    ]


def _settled(end: float, whole: float) -> float:
    return whole if math.isclose(end, whole, rel_tol=_ROUNDING) else end


def _quantiles(values: Floats, tail: float) -> Floats:
    quantiles: Floats = np.full(2, np.nan)
    return np.quantile(values, [tail, 1 - tail]) if len(values) else quantiles


def resamples(rows: int, seed: int, number: int) -> Iterator[Floats]:
    """Draw rows with replacement, `number` times: weights [B, rows], in blocks."""
    random = np.random.default_rng(seed)
    block = max(1, min(number, _BLOCK // rows))
    for start in range(0, number, block):
        count = min(block, number - start)
        drawn = random.integers(0, rows, size=(count, rows))
        drawn += np.arange(count)[:, None] * rows
        counts = np.bincount(drawn.reshape(-1), minlength=count * rows)
        yield counts.reshape(count, rows).astype(np.float64)
