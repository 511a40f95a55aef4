"""Principal components of standardised columns, in plain numpy."""

from __future__ import annotations

import dataclasses

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.problems.linear import moments


@dataclasses.dataclass(frozen=True)
class Components:
    """Means and scales of the columns [F]; `directions` [W, F], unit vectors, widest first.

    `spread` [W] is the standard deviation of the rows along each direction.
    """

    mean: Floats
    scale: Floats
    directions: Floats
    spread: Floats

    @property
    def encoder(self) -> Floats:
        """What takes standardised columns to a code of variance 1, [F, W]."""
        weights: Floats = self.directions.T / self.spread
        return weights

    @property
    def decoder(self) -> Floats:
        """What takes the code back to standardised columns, [W, F]."""
        weights: Floats = self.directions * self.spread[:, None]
        return weights

    def code(self, rows: Array) -> Floats:
        """Give the code [m, W] of rows [m, F]."""
        code: Floats = (rows.astype(np.float64) - self.mean) / self.scale @ self.encoder
        return code

    def rows(self, code: Floats) -> Floats:
        """Give the rows [m, F] that a code [m, W] stands for."""
        rows: Floats = code @ self.decoder * self.scale + self.mean
        return rows


def components(rows: Array, width: int) -> Components:
    """Find the first `width` components of rows [n, F]; the sign of each makes its largest part +.

    A direction in which the rows do not differ has spread 1, so that its code is 0.
    """
    mean, scale = moments(rows)
    standard = (rows.astype(np.float64) - mean) / scale
    _, values, directions = np.linalg.svd(standard, full_matrices=False)
    chosen = directions[:width]
    largest = chosen[np.arange(len(chosen)), np.abs(chosen).argmax(axis=1)]
    spread = values[:width] / np.sqrt(len(rows))
    still = spread <= 1e-6 * spread.max()
    return Components(mean, scale, chosen * np.sign(largest)[:, None], np.where(still, 1.0, spread))
