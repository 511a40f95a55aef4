"""How sure a number is that was measured on few rows: percentile bootstrap over the rows.

B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mltk.data.arrays import Floats

RESAMPLES = 2000
_BLOCK = 4_000_000
"""Weights held in memory at a time (32 MB)."""


Statistic = Callable[[Floats], Floats]
"""A function of row weights [B, rows] that gives B values."""


def intervals(
    statistics: Sequence[Statistic], rows: int, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[tuple[float, float]]:
    """Give the 95 % interval of each statistic; all see the same resamples, which pairs them.

    Resamples for which a statistic is NaN do not count for it.
    """
    blocks = [
        [statistic(weights) for statistic in statistics]
        for weights in _weights(rows, seed, resamples)
    ]
    values = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
    quantiles = [np.nanquantile(of_one, [0.025, 0.975]) for of_one in values]
    return [(float(low), float(high)) for low, high in quantiles]


def _weights(rows: int, seed: int, resamples: int) -> Iterator[Floats]:
    random = np.random.default_rng(seed)
    block = max(1, min(resamples, _BLOCK // rows))
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        drawn = random.integers(0, rows, size=(count, rows))
        drawn += np.arange(count)[:, None] * rows
        counts = np.bincount(drawn.reshape(-1), minlength=count * rows)
        yield counts.reshape(count, rows).astype(np.float64)
