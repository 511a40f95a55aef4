"""A normalising flow: affine couplings take the rows to a standard Gaussian, without loss.

L. Dinh, J. Sohl-Dickstein and S. Bengio, Density estimation using Real NVP (2017).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.problems.backend import keras
from mltk.problems.network import hidden, still

if TYPE_CHECKING:
    from mltk.project.spec import Model

_MOST_STRETCH = 2.0
"""Largest log scale of one coupling; more would let a few rows take the training away."""


def log_density(spec: Model, columns: Any, couplings: int) -> Any:
    """Give the log density [n, 1] of standardised columns [n, F], F at least 2."""
    width = columns.shape[1]
    order = np.random.default_rng(spec.seed)
    volume = None
    for number in range(1, couplings + 1):
        # Two couplings change each column once; then other columns share a half.
        if number % 2:
            columns = keras.ops.take(columns, order.permutation(width), axis=1)
        columns, stretch = _couple(spec, columns, number)
        volume = stretch if volume is None else volume + stretch
    squares = keras.ops.sum(keras.ops.square(columns), axis=1, keepdims=True)
    return volume - squares / 2 - width / 2 * math.log(2 * math.pi)


def _couple(spec: Model, columns: Any, number: int) -> tuple[Any, Any]:
    """Move and stretch the second half as the first half says; swap the halves."""
    middle = columns.shape[1] // 2
    fixed, moved = columns[:, :middle], columns[:, middle:]
    told = hidden(spec, fixed, f"coupling_{number}_hidden")
    width = columns.shape[1] - middle
    # Still at first, so that the flow begins as a Gaussian.
    stretch = still(spec, width, f"coupling_{number}_stretch")(told)
    stretch = _MOST_STRETCH * keras.ops.tanh(stretch / _MOST_STRETCH)
    moved = moved * keras.ops.exp(stretch) + still(spec, width, f"coupling_{number}_move")(told)
    volume = keras.ops.sum(stretch, axis=1, keepdims=True)
    return keras.ops.concatenate([moved, fixed], axis=1), volume
