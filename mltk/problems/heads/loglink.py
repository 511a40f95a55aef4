"""Counts and positive quantities: the network gives the logarithm of what is expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems import deviance, glm
from mltk.problems.base import OutputDescription
from mltk.problems.heads.base import Head, Part, Scale
from mltk.problems.heads.mean import MAE, RMSE
from mltk.problems.measures import Measure
from mltk.problems.targets import PREDICTION

if TYPE_CHECKING:
    from mltk.project.spec import Target

_MOST = 30.0
"""Highest logarithm, of the mean of the target, that is said; more would not be a number."""


class _LogLink(Head):
    """`prediction` is the expected value: the mean of the training rows times e to the score.

    P. McCullagh and J. Nelder, Generalized Linear Models (1989).
    """

    width = 1
    family: glm.Family

    def scale(self, target: Array) -> Scale:
        """Count in means, so that an untrained network says the mean."""
        return Scale(0.0, float(target.mean()) or 1.0)

    def part(self, scores: Any, scale: Scale, name: str = "") -> Part:
        """Take the score as a logarithm."""
        from mltk.problems.backend import keras

        bounded = keras.ops.minimum(scores, _MOST)
        expected = keras.layers.Rescaling(scale.stretch, name=f"{name}{PREDICTION}")
        return Part({PREDICTION: expected(keras.ops.exp(bounded))}, bounded)

    def meanings(self, target: Target) -> tuple[OutputDescription, ...]:
        """Describe the one output."""
        what = f"expected {target.description or target.name}"
        return (OutputDescription(PREDICTION, what, target.unit),)

    def baselines(self, known: Floats, target: Floats, new: Floats) -> dict[str, Outputs]:
        """Expect the mean, and what a generalised linear model with the same link does."""
        mean = np.full(len(new), target.mean())
        linear = glm.log_linear(known, target, new, self.family)
        return {"trivial": {PREDICTION: mean[:, None]}, "linear": {PREDICTION: linear[:, None]}}


class PoissonHead(_LogLink):
    """Counts: half the Poisson deviance."""

    family = "poisson"
    needs = "head: poisson learns counts, whole numbers from 0 on"

    def loss(self, trained: Any, target: Any) -> Any:
        """Give the negative log-likelihood of the count, without what does not depend on it."""
        from mltk.problems.backend import keras

        return keras.ops.exp(trained[:, 0]) - target * trained[:, 0]

    def measures(self) -> tuple[Measure, ...]:
        """Give the deviance first: it is what the training minimises."""
        return (deviance.POISSON, RMSE, MAE)

    def fits(self, target: Array) -> Array:
        """Counts are whole, and none is below 0."""
        counts: Array = (target >= 0) & (target == np.round(target))
        return counts


class GammaHead(_LogLink):
    """Positive quantities whose errors grow with them: half the gamma deviance."""

    family = "gamma"
    needs = "head: gamma learns quantities above 0"

    def loss(self, trained: Any, target: Any) -> Any:
        """Give half the deviance, without what does not depend on the prediction."""
        from mltk.problems.backend import keras

        return trained[:, 0] + target * keras.ops.exp(-trained[:, 0])

    def measures(self) -> tuple[Measure, ...]:
        """Give the deviance first: it is what the training minimises."""
        return (deviance.GAMMA, deviance.MAPE, RMSE, MAE)

    def fits(self, target: Array) -> Array:
        """A relative error needs a value above 0."""
        positive: Array = target > 0
        return positive
