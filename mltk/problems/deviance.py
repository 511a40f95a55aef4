"""Deviances of counts and of positive quantities: twice what likelihood is lost; 0 is perfect."""

from __future__ import annotations

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems.measures import averaged

_LEAST = 1e-9


def poisson(y_true: Array, expected: Floats) -> Floats:
    """Poisson deviance of each count."""
    some = y_true > 0
    surprise = np.where(some, y_true * np.log(np.where(some, y_true, 1) / expected), 0)
    found: Floats = 2 * (surprise - y_true + expected)
    return found


def gamma(y_true: Array, expected: Floats) -> Floats:
    """Gamma deviance of each positive value: relative errors count alike, however large it is."""
    ratio = y_true / expected
    found: Floats = 2 * (ratio - 1 - np.log(ratio))
    return found


def _poisson(y_true: Array, outputs: Outputs) -> Floats:
    return poisson(y_true, _expected(outputs))


def _gamma(y_true: Array, outputs: Outputs) -> Floats:
    return gamma(y_true, _expected(outputs))


def _relative(y_true: Array, outputs: Outputs) -> Floats:
    off: Floats = np.abs(_expected(outputs) - y_true) / y_true
    return off


def _expected(outputs: Outputs) -> Floats:
    found: Floats = np.maximum(outputs["prediction"].reshape(-1).astype(np.float64), _LEAST)
    return found


POISSON = averaged("poisson_deviance", False, "", _poisson)
GAMMA = averaged("gamma_deviance", False, "", _gamma)
MAPE = averaged("mape", False, "", _relative)
"""Mean absolute error as a share of the value: 0.1 is 10 %."""
