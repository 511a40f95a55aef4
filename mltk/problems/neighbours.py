"""Whether a map keeps neighbours together: trustworthiness and continuity.

J. Venna and S. Kaski, Neighborhood preservation in nonlinear projection methods (2001).
"""

from __future__ import annotations

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.problems.kde import squared_distances

NEIGHBOURS = 10
MOST_ROWS = 1000
"""Rows that are looked at: the work grows with their square."""


def kept(places: Array, judged_by: Array) -> Floats:
    """Give for each row [n] how far its neighbours in `places` are its neighbours in `judged_by`.

    1 when they all are, 0 when none is any nearer than it must be. The mean over the rows is the
    trustworthiness of a code when `places` is the code, its continuity the other way round.
    """
    count = len(places)
    near = min(NEIGHBOURS, (count - 1) // 2)
    if near < 1:
        return np.ones(count)
    neighbours = _ranks(places)
    ranks = _ranks(judged_by)
    excess = np.where(neighbours <= near, np.maximum(ranks - near, 0), 0).sum(axis=1)
    score: Floats = 1 - excess * 2 / (near * (2 * count - 3 * near - 1))
    return score


def _ranks(rows: Array) -> Array:
    """The rank of each row among the neighbours of each other one, from 1; of itself 0."""
    wide = rows.astype(np.float64)
    distances = squared_distances(wide, wide)
    np.fill_diagonal(distances, -1)
    order = distances.argsort(axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(len(rows))[None, :], axis=1)
    return ranks
