"""Counts and positive quantities: the network gives the logarithm of what is expected."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems import conformal, deviance, glm
from mltk.problems.base import OutputDescription
from mltk.problems.heads.base import LOWER, UPPER, Head, Part, Scale, Settle, ends_of
from mltk.problems.heads.mean import MAE, RMSE
from mltk.problems.intervals import COVERAGE, WIDTH
from mltk.problems.measures import Measure
from mltk.problems.targets import PREDICTION

if TYPE_CHECKING:
    from mltk.project.spec import Target

_MOST = 30.0
"""Highest logarithm, of the mean of the target, that is said, and with a minus the lowest.

Beyond them what is expected would not be a number, or 0, of which no value is so many times off."""


class _LogLink(Head):
    """`prediction` is the expected value: the mean of the training rows times e to the score.

    `lower` and `upper` hold `coverage` of the values; their reach, in a unit that goes with what is
    expected, is that of the validation rows. P. McCullagh and J. Nelder, Generalized Linear Models
    (1989).
    """

    width = 1
    family: glm.Family

    def __init__(self, coverage: float) -> None:
        self.coverage = coverage

    @abc.abstractmethod
    def ends(self, expected: Any, reach: Any, ops: Any) -> tuple[Any, Any]:
        """Give the ends of intervals of a reach; `ops` are the operations of numpy or of Keras."""

    @abc.abstractmethod
    def off(self, target: Array, expected: Floats) -> Floats:
        """Give the reach [n] of the smallest interval that holds each value."""

    def scale(self, target: Array) -> Scale:
        """Count in means, so that an untrained network says the mean."""
        return Scale(0.0, float(target.mean()) or 1.0)

    def part(self, scores: Any, scale: Scale, name: str = "") -> Part:
        """Take the score as a logarithm."""
        from mltk.problems.backend import keras
        from mltk.problems.heads.layers import Stretch

        ops = keras.ops
        interval = Stretch((1.0,), name=f"{name}intervals")
        bounded = ops.maximum(ops.minimum(scores, _MOST), -_MOST)
        expected, reach = ops.exp(bounded), interval(ops.ones_like(scores))
        lower, upper = self.ends(expected, reach, ops)
        units = keras.layers.Rescaling(scale.stretch, name=f"{name}units")
        outputs = {PREDICTION: units(expected), LOWER: units(lower), UPPER: units(upper)}
        # The reach is not trained; it is here for the weights of its layer to be.
        trained = ops.concatenate([bounded, reach], axis=1)
        return Part(outputs, trained, self._settle(interval, scale))

    def meanings(self, target: Target) -> tuple[OutputDescription, ...]:
        """Describe what is expected, and the interval."""
        what = target.description or target.name
        expected = OutputDescription(PREDICTION, f"expected {what}", target.unit)
        return (expected, *ends_of(what, self.coverage, target.unit))

    def baselines(self, known: Floats, target: Floats, new: Floats) -> dict[str, Outputs]:
        """Expect the mean, and what a generalised linear model with the same link does.

        The interval of the one are quantiles, of the other as wide as what is known is off.
        """
        mean = np.full((len(new), 1), target.mean())
        tail = (1 - self.coverage) / 2
        low, high = (np.full_like(mean, np.quantile(target, at)) for at in (tail, 1 - tail))
        seen, linear = (
            glm.log_linear(known, target, design, self.family)[:, None] for design in (known, new)
        )
        least = 1e-9 * (float(target.mean()) or 1.0)
        errors = self.off(target, np.maximum(seen[:, 0], least))
        reach = np.full_like(linear, np.quantile(errors, self.coverage))
        lower, upper = self.ends(np.maximum(linear, least), reach, np)
        return {
            "trivial": {PREDICTION: mean, LOWER: low, UPPER: high},
            "linear": {PREDICTION: linear, LOWER: lower, UPPER: upper},
        }

    def _settle(self, interval: Any, scale: Scale) -> Settle:
        def settle(trained: Array, target: Array) -> str:
            wide = trained.astype(np.float64)
            off = self.off(target / scale.stretch, np.exp(wide[:, 0]))
            factor = conformal.factor(off / wide[:, 1], self.coverage)
            interval.times([factor.value])
            return conformal.words(factor)

        return settle


class PoissonHead(_LogLink):
    """Counts: half the Poisson deviance. The reach goes with the root of what is expected."""

    family = "poisson"
    needs = "head: poisson learns counts, whole numbers from 0 on"

    def ends(self, expected: Any, reach: Any, ops: Any) -> tuple[Any, Any]:
        """A count has a variance of what is expected, and is not below 0."""
        wide = reach * ops.sqrt(expected)
        return ops.maximum(expected - wide, 0.0), expected + wide

    def off(self, target: Array, expected: Floats) -> Floats:
        """Deviations that the count is off."""
        found: Floats = np.abs(target - expected) / np.sqrt(expected)
        return found

    def loss(self, trained: Any, target: Any) -> Any:
        """Give the negative log-likelihood of the count, without what does not depend on it."""
        from mltk.problems.backend import keras

        return keras.ops.exp(trained[:, 0]) - target * trained[:, 0]

    def measures(self) -> tuple[Measure, ...]:
        """Give the deviance first: it is what the training minimises."""
        return (deviance.POISSON, COVERAGE, WIDTH, RMSE, MAE)

    def fits(self, target: Array) -> Array:
        """Counts are whole, and none is below 0."""
        counts: Array = (target >= 0) & (target == np.round(target))
        return counts


class GammaHead(_LogLink):
    """Positive quantities whose errors grow with them: half the gamma deviance.

    The reach is a factor, by which the value is above or below what is expected.
    """

    family = "gamma"
    needs = "head: gamma learns quantities above 0"

    def ends(self, expected: Any, reach: Any, ops: Any) -> tuple[Any, Any]:
        """What is expected, divided and multiplied by the same factor."""
        factor = ops.exp(reach)
        return expected / factor, expected * factor

    def off(self, target: Array, expected: Floats) -> Floats:
        """Logarithm of the factor that the value is off by."""
        found: Floats = np.abs(np.log(target / expected))
        return found

    def loss(self, trained: Any, target: Any) -> Any:
        """Give half the deviance, without what does not depend on the prediction."""
        from mltk.problems.backend import keras

        return trained[:, 0] + target * keras.ops.exp(-trained[:, 0])

    def measures(self) -> tuple[Measure, ...]:
        """Give the deviance first: it is what the training minimises."""
        return (deviance.GAMMA, deviance.MAPE, COVERAGE, WIDTH, RMSE, MAE)

    def fits(self, target: Array) -> Array:
        """A relative error needs a value above 0."""
        positive: Array = target > 0
        return positive
