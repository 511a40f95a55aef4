"""How sure a number is that was measured on few rows: percentile bootstrap over the rows.

B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from mltk.data.arrays import Floats

RESAMPLES = 2000
_BLOCK = 4_000_000
"""Weights held in memory at a time (32 MB)."""


def interval(
    statistic: Callable[[Floats], Floats], rows: int, *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Give the 95 % interval of `statistic`, a function of weights [B, rows] with values [B].

    Resamples for which the statistic is NaN do not count. With the same seed and number of rows
    two statistics see the same resamples, which pairs them.
    """
    values = np.concatenate([statistic(w) for w in _weights(rows, seed, resamples)])
    low, high = np.nanquantile(values, [0.025, 0.975])
    return (float(low), float(high)) if math.isfinite(low) else (math.nan, math.nan)


def _weights(rows: int, seed: int, resamples: int) -> Iterator[Floats]:
    random = np.random.default_rng(seed)
    block = max(1, min(resamples, _BLOCK // rows))
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        drawn = random.integers(0, rows, size=(count, rows))
        drawn += np.arange(count)[:, None] * rows
        counts = np.bincount(drawn.reshape(-1), minlength=count * rows)
        yield counts.reshape(count, rows).astype(np.float64)
