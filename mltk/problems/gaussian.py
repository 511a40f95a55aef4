"""A Gaussian fitted to rows: the simplest density with every column tied to every other."""

from __future__ import annotations

import dataclasses

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.problems.linear import moments

_RIDGE = 1e-6
"""Added to the variance of standardised columns, so that collinear ones leave a density."""


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """Means and scales of the columns [F], and the Cholesky factor [F, F] of their correlation."""

    mean: Floats
    scale: Floats
    factor: Floats

    def log_density(self, rows: Array) -> Floats:
        """Give the log density of rows [m, F] in nat, [m]."""
        standard = (rows.astype(np.float64) - self.mean) / self.scale
        white = np.linalg.solve(self.factor, standard.T)
        log_volume = np.log(np.diag(self.factor)).sum() + np.log(self.scale).sum()
        width = len(self.mean)
        density: Floats = -(white**2).sum(axis=0) / 2 - width / 2 * np.log(2 * np.pi) - log_volume
        return density

    def sample(self, count: int, seed: int) -> Floats:
        """Draw rows [count, F]."""
        white = np.random.default_rng(seed).standard_normal((count, len(self.mean)))
        rows: Floats = white @ self.factor.T * self.scale + self.mean
        return rows


def fit(rows: Array, *, independent: bool = False) -> Gaussian:
    """Fit to rows [n, F]; `independent` columns have no covariance."""
    mean, scale = moments(rows)
    standard = (rows.astype(np.float64) - mean) / scale
    width = rows.shape[1]
    correlation = np.eye(width) if independent else standard.T @ standard / len(rows)
    return Gaussian(mean, scale, np.linalg.cholesky(correlation + _RIDGE * np.eye(width)))
