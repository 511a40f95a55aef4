"""A normal distribution for each row."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems import conformal, intervals
from mltk.problems.base import OutputDescription
from mltk.problems.heads.base import LOWER, UPPER, Head, Part, Scale, Settle, ends_of
from mltk.problems.heads.mean import MAE, R2, RMSE
from mltk.problems.intervals import DEVIATION
from mltk.problems.linear import least_squares
from mltk.problems.measures import Measure
from mltk.problems.targets import PREDICTION

if TYPE_CHECKING:
    from mltk.project.spec import Target

_NARROWEST = 1e-3
"""Least deviation, in deviations of the target: on fewer the likelihood has no bound."""
_ONE = math.log(math.e - 1)
"""Whose softplus is 1: an untrained network says the deviation of the target."""


class GaussianHead(Head):
    """Maximum likelihood; `prediction` is the mean, `deviation` the standard deviation.

    `lower` and `upper` hold `coverage` of the values. D. Nix and A. Weigend, Estimating the mean
    and variance of the target probability distribution (1994).
    """

    width = 2

    def __init__(self, coverage: float, calibrate: bool) -> None:
        self.coverage, self.calibrate = coverage, calibrate
        self.reach = NormalDist().inv_cdf((1 + coverage) / 2)

    def part(self, scores: Any, scale: Scale, name: str = "") -> Part:
        """Build mean and deviation, and an interval as a multiple of the deviation."""
        from mltk.problems.backend import keras
        from mltk.problems.heads.layers import Stretch

        deviation = Stretch((1.0,), name=f"{name}deviations")
        interval = Stretch((self.reach,), name=f"{name}intervals")
        mean = scores[:, :1]
        spread = deviation(keras.ops.softplus(scores[:, 1:] + _ONE) + _NARROWEST)
        reach = interval(spread)
        back = keras.layers.Rescaling(scale.stretch, scale.shift, name=f"{name}units")
        outputs = {
            PREDICTION: back(mean),
            DEVIATION: spread * scale.stretch,
            LOWER: back(mean - reach),
            UPPER: back(mean + reach),
        }
        settle = self._settle(deviation, interval, scale) if self.calibrate else None
        # The reach is not trained; it is here for the weights of its layer to be.
        trained = keras.ops.concatenate([mean, spread, reach], axis=1)
        return Part(outputs, trained, settle)

    def loss(self, trained: Any, target: Any) -> Any:
        """Give the negative log-likelihood, without its constant."""
        from mltk.problems.backend import keras

        mean, spread = trained[:, 0], trained[:, 1]
        return keras.ops.log(spread) + keras.ops.square((target - mean) / spread) / 2

    def meanings(self, target: Target) -> tuple[OutputDescription, ...]:
        """Describe the distribution and the interval."""
        what = target.description or target.name
        return (
            OutputDescription(PREDICTION, f"mean of {what}", target.unit),
            OutputDescription(DEVIATION, f"standard deviation of {what}", target.unit),
            *ends_of(what, self.coverage, target.unit),
        )

    def measures(self) -> tuple[Measure, ...]:
        """Give the log-likelihood first: it is what the training maximises."""
        own = (intervals.LOG_LIKELIHOOD, intervals.CRPS, intervals.COVERAGE, intervals.WIDTH)
        return (*own, RMSE, MAE, R2)

    def baselines(self, known: Floats, target: Floats, new: Floats) -> dict[str, Outputs]:
        """Say mean and deviation of what is known, and a line with the deviation of its errors."""
        line = least_squares(known, target, new)
        errors = target - least_squares(known, target, known)
        return {
            "trivial": self._said(np.full(len(new), target.mean()), float(target.std())),
            "linear": self._said(line, float(errors.std())),
        }

    def _said(self, mean: Floats, deviation: float) -> Outputs:
        said = mean[:, None]
        # A line through every row would be infinitely sure.
        spread = np.full_like(said, max(deviation, 1e-9 * (1 + np.abs(mean).max())))
        reach = self.reach * spread
        return {PREDICTION: said, DEVIATION: spread, LOWER: said - reach, UPPER: said + reach}

    def _settle(self, deviation: Any, interval: Any, scale: Scale) -> Settle:
        def settle(trained: Array, target: Array) -> str:
            wide = trained.astype(np.float64)
            errors = np.abs(scale.encode(target) - wide[:, 0])
            spread = conformal.spread(errors / wide[:, 1])
            factor = conformal.factor(errors / (spread * wide[:, 2]), self.coverage)
            deviation.times([spread])
            interval.times([factor.value])
            return f"deviations times {spread:.4g}; {conformal.words(factor)}"

        return settle
