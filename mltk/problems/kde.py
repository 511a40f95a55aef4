"""Kernel density estimation: every known row is the middle of a small Gaussian.

B. Silverman, Density Estimation for Statistics and Data Analysis (1986); the bandwidth is the one
under which each known row is most likely given the others.
"""

from __future__ import annotations

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.problems.linear import moments

BANDWIDTHS = np.geomspace(0.05, 2, 25)
"""Tried, in units of the columns' standard deviations."""

MOST_ROWS = 4000
"""Known rows that are used: the work grows with their square."""

_BLOCK = 512


def log_density(known: Array, rows: Array) -> Floats:
    """Give the log density of rows [m, F] in nat, [m], by known rows [n, F]."""
    known = known[:MOST_ROWS]
    mean, scale = moments(known)
    centres, points = ((part.astype(np.float64) - mean) / scale for part in (known, rows))
    bandwidth = max(BANDWIDTHS, key=lambda one: _left_out(centres, one).mean())
    found: Floats = _mixture(centres, points, bandwidth) - np.log(scale).sum()
    return found


def _left_out(centres: Floats, bandwidth: float) -> Floats:
    """The log density of each row by all the others."""
    count = len(centres)
    left: Floats = _mixture(centres, centres, bandwidth, others=True) + np.log(count / (count - 1))
    return left


def _mixture(centres: Floats, points: Floats, bandwidth: float, *, others: bool = False) -> Floats:
    """The log density of `points`; `others` are the centres themselves, which do not count."""
    width = centres.shape[1]
    parts = []
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        squares = squared_distances(block, centres)
        exponents = -squares / (2 * bandwidth**2)
        if others:
            here = np.arange(len(block))
            exponents[here, start + here] = -np.inf
        highest = exponents.max(axis=1)
        parts.append(highest + np.log(np.exp(exponents - highest[:, None]).mean(axis=1)))
    log_norm = width * np.log(bandwidth * np.sqrt(2 * np.pi))
    density: Floats = np.concatenate(parts) - log_norm
    return density


def squared_distances(rows: Floats, others: Floats) -> Floats:
    """Give the squared Euclidean distance of each of [m, F] to each of [n, F], [m, n]."""
    ours, theirs = (rows**2).sum(axis=1), (others**2).sum(axis=1)
    distances: Floats = np.maximum(ours[:, None] + theirs - 2 * rows @ others.T, 0)
    return distances
