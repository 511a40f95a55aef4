"""The mean of a target, by least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Floats, Outputs
from mltk.problems import measures
from mltk.problems.base import OutputDescription
from mltk.problems.heads.base import Head, Part, Scale
from mltk.problems.linear import least_squares
from mltk.problems.measures import Measure
from mltk.problems.targets import PREDICTION

if TYPE_CHECKING:
    from mltk.project.spec import Target

RMSE = Measure("rmse", False, None, measures.rmse, measures.squared_errors, root=True)
MAE = Measure("mae", False, None, measures.mae, measures.absolute_errors)
R2 = Measure("r2", True, "", measures.r2, measures.explained)


class MeanHead(Head):
    """Least squares on the standardised target; `prediction`."""

    width = 1

    def part(self, scores: Any, scale: Scale, name: str = "") -> Part:
        """Bring the score back to the target's unit."""
        from mltk.problems.backend import keras

        layer = keras.layers.Rescaling(scale.stretch, scale.shift, name=f"{name}{PREDICTION}")
        return Part({PREDICTION: layer(scores)}, scores)

    def loss(self, trained: Any, target: Any) -> Any:
        """Give the squared error."""
        from mltk.problems.backend import keras

        return keras.ops.square(trained[:, 0] - target)

    def meanings(self, target: Target) -> tuple[OutputDescription, ...]:
        """Describe the one output."""
        return (OutputDescription(PREDICTION, target.description or target.name, target.unit),)

    def measures(self) -> tuple[Measure, ...]:
        """Give RMSE first: it is what the training minimises."""
        return (RMSE, MAE, R2)

    def baselines(self, known: Floats, target: Floats, new: Floats) -> dict[str, Outputs]:
        """Predict the mean, and by ordinary least squares."""
        mean = np.full(len(new), target.mean())
        linear = least_squares(known, target, new)
        return {"trivial": {PREDICTION: mean[:, None]}, "linear": {PREDICTION: linear[:, None]}}
