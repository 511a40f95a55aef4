"""How far answers of a model are from those that were wanted."""

from __future__ import annotations

import numpy as np

from mltk.data.arrays import Array


def deviation(found: Array, wanted: Array) -> tuple[float, float]:
    """The largest difference of two arrays of one shape, and its share of the scale of `wanted`."""
    exact = wanted.astype(np.float64)
    absolute = float(np.abs(found.astype(np.float64) - exact).max(initial=0.0))
    # An output that is zero throughout has no scale of its own.
    return absolute, absolute / (float(np.abs(exact).max(initial=0.0)) or 1.0)
