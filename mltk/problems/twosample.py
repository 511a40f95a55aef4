"""Whether drawn rows could be rows of the table: two-sample measures on the hold-out rows.

As many rows are drawn as are held out. Distances are those of columns standardised by the hold-out
rows, and measured on at most 1,000 of each.
"""

from __future__ import annotations

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems.kde import squared_distances
from mltk.problems.ports import SAMPLE

MOST_ROWS = 1000
"""Rows that are looked at: the work grows with their square."""

_BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the kernel, in medians of the distance between hold-out rows."""


def discrepancy(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Squared maximum mean discrepancy, without bias: 0 for the same distribution, by chance below.

    A. Gretton et al., A Kernel Two-Sample Test (2012), equation 3; the mean of five Gaussian
    kernels about the median distance.
    """
    real, drawn = _standard(y_true, outputs)
    counted = weights[:, :MOST_ROWS]
    scale = np.median(squared_distances(real, real)[np.triu_indices(len(real), 1)])
    among = _kernel(real, real, scale), _kernel(drawn, drawn, scale)
    across = _kernel(real, drawn, scale)
    total = counted.sum(axis=1)
    pairs = total**2 - (counted**2).sum(axis=1)
    inside = sum(_pairs(counted, kernel) for kernel in among)
    # A row and the draw of the same place are not a pair more than any other two.
    between = ((counted @ across) * counted).sum(axis=1) / total**2
    found: Floats = inside / pairs - 2 * between
    return found


def told_apart(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Share of rows whose nearest other row is of the same kind, real or drawn; 0.5 is best.

    The leave-one-out nearest neighbour as classifier: D. Lopez-Paz and M. Oquab, Revisiting
    Classifier Two-Sample Tests (2017). Below 0.5 the drawn rows copy the real ones.
    """
    real, drawn = _standard(y_true, outputs)
    count = len(real)
    both = np.concatenate([real, drawn])
    distances = squared_distances(both, both)
    np.fill_diagonal(distances, np.inf)
    same = (distances.argmin(axis=1) < count) == (np.arange(2 * count) < count)
    each = (same[:count] * 1.0 + same[count:]) / 2
    counted = weights[:, :MOST_ROWS]
    share: Floats = counted @ each / counted.sum(axis=1)
    return share


def _standard(y_true: Array, outputs: Outputs) -> tuple[Floats, Floats]:
    real = y_true[:MOST_ROWS].astype(np.float64)
    drawn = outputs[SAMPLE][:MOST_ROWS].astype(np.float64)
    deviation = real.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1)
    return (real - real.mean(axis=0)) / scale, (drawn - real.mean(axis=0)) / scale


def _kernel(rows: Floats, others: Floats, scale: float) -> Floats:
    squares = squared_distances(rows, others) / scale
    kernels: Floats = np.mean([np.exp(-squares / (2 * one**2)) for one in _BANDWIDTHS], axis=0)
    return kernels


def _pairs(weights: Floats, kernel: Floats) -> Floats:
    """The sum over pairs of two different rows, each as often as its weight says."""
    everything = ((weights @ kernel) * weights).sum(axis=1)
    pairs: Floats = everything - weights**2 @ np.diag(kernel)
    return pairs
