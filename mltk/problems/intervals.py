"""Metrics of intervals, quantiles and normal distributions, of outputs with plain names."""

from __future__ import annotations

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems.measures import Measure, averaged

DEVIATION = "deviation"


def pinball(levels: tuple[float, ...], output: str) -> Measure:
    """Make the pinball loss of an output [n, Q], mean over its levels; unit of the target."""

    def losses(y_true: Array, outputs: Outputs) -> Floats:
        errors = y_true[:, None] - outputs[output].astype(np.float64)
        found: Floats = np.maximum(np.array(levels) * errors, (np.array(levels) - 1) * errors)
        mean: Floats = found.mean(axis=1)
        return mean

    return averaged("pinball", False, None, losses)


def covered(y_true: Array, outputs: Outputs) -> Floats:
    """1 for each row whose value is in its interval, ends included, else 0."""
    inside: Floats = (
        (outputs["lower"][:, 0] <= y_true) & (y_true <= outputs["upper"][:, 0])
    ).astype(np.float64)
    return inside


def widths(y_true: Array, outputs: Outputs) -> Floats:  # noqa: ARG001 - as every metric is called
    """Width of the interval of each row."""
    found: Floats = outputs["upper"][:, 0].astype(np.float64) - outputs["lower"][:, 0]
    return found


def log_likelihoods(y_true: Array, outputs: Outputs) -> Floats:
    """Log density of each value under its normal distribution, nat per unit of the target."""
    deviation = outputs[DEVIATION][:, 0].astype(np.float64)
    density: Floats = -(_standard(y_true, outputs) ** 2 + np.log(2 * np.pi)) / 2 - np.log(deviation)
    return density


def crps(y_true: Array, outputs: Outputs) -> Floats:
    """Continuous ranked probability score of each row, in the unit of the target; 0 is best.

    T. Gneiting and A. Raftery, Strictly proper scoring rules (2007), equation 21.
    """
    from scipy import special

    off = _standard(y_true, outputs)
    density = np.exp(-(off**2) / 2) / np.sqrt(2 * np.pi)
    score = off * (2 * special.ndtr(off) - 1) + 2 * density - 1 / np.sqrt(np.pi)
    found: Floats = outputs[DEVIATION][:, 0].astype(np.float64) * score
    return found


def _standard(y_true: Array, outputs: Outputs) -> Floats:
    mean, deviation = (outputs[name][:, 0].astype(np.float64) for name in ("prediction", DEVIATION))
    off: Floats = (y_true - mean) / deviation
    return off


COVERAGE = averaged("coverage", True, "", covered)
WIDTH = averaged("width", False, None, widths)
LOG_LIKELIHOOD = averaged("log_likelihood", True, "nat", log_likelihoods)
CRPS = averaged("crps", False, None, crps)
