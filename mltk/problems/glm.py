"""Generalised linear models with a logarithmic link: the bar for counts and positive quantities."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mltk.data.arrays import Floats
from mltk.problems import deviance
from mltk.problems.linear import with_intercept

Family = Literal["poisson", "gamma"]

_DEVIANCES = {"poisson": deviance.poisson, "gamma": deviance.gamma}
_STEPS, _HALVINGS, _TOLERANCE = 100, 20, 1e-10
_FARTHEST = 30.0
"""Of the logarithm from that of the mean, for rows that are unlike all that is known."""


def log_linear(design: Floats, target: Floats, design_new: Floats, family: Family) -> Floats:
    """Fit log E(target [n]) on design [n, D] and an intercept; expect of new rows, [m].

    Iteratively reweighted least squares (P. McCullagh and J. Nelder, Generalized Linear Models,
    1989, section 2.5), of least norm, so collinear columns are no error; a step that makes it worse
    is halved.
    """
    rows, scale = with_intercept(design), float(target.mean())
    if scale <= 0:  # no count but zeros
        return np.zeros(len(design_new))
    seen = target / scale
    weights = np.zeros(rows.shape[1])
    loss = _loss(seen, rows @ weights, family)
    for _ in range(_STEPS):
        step = _step(seen, rows, weights, family)
        weights, before = _better(seen, rows, weights, step, loss, family), loss
        loss = _loss(seen, rows @ weights, family)
        if before - loss <= _TOLERANCE * (1 + before):
            break
    logarithm = np.clip(with_intercept(design_new) @ weights, -_FARTHEST, _FARTHEST)
    expected: Floats = scale * np.exp(logarithm)
    return expected


def _step(seen: Floats, rows: Floats, weights: Floats, family: Family) -> Floats:
    expected = np.exp(np.clip(rows @ weights, -_FARTHEST, _FARTHEST))
    root = np.sqrt(expected) if family == "poisson" else np.ones(len(rows))
    off = (seen - expected) / expected
    step: Floats = np.linalg.lstsq(root[:, None] * rows, root * off, rcond=None)[0]
    return step


def _better(
    seen: Floats, rows: Floats, weights: Floats, step: Floats, loss: float, family: Family
) -> Floats:
    for halving in range(_HALVINGS):
        tried: Floats = weights + step / 2**halving
        if _loss(seen, rows @ tried, family) <= loss:
            return tried
    return weights


def _loss(seen: Floats, logarithm: Floats, family: Family) -> float:
    expected = np.exp(np.clip(logarithm, -_FARTHEST, _FARTHEST))
    return float(_DEVIANCES[family](seen, expected).mean())
