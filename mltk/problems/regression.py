"""Regression: learn a number. The output is in the target's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Outputs
from mltk.data.table import Rows
from mltk.problems import measures
from mltk.problems.base import OutputDescription, Problem
from mltk.problems.linear import Design, least_squares, moments
from mltk.problems.measures import Measure

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model

OUTPUT = "prediction"


class Regression(Problem):
    """Least squares on the standardised target; `prediction` [n, 1]."""

    name = "regression"
    target_kind = "numeric"

    def network(self, spec: Model, known: Rows) -> Network:
        """Build the network; the last layer brings the scores back to the target's unit."""
        from mltk.problems import network
        from mltk.problems.backend import keras

        mean, scale = (float(moment[0]) for moment in moments(known.target[:, None]))
        inputs, scores = network.scores(spec, known.features, 1)
        prediction = keras.layers.Rescaling(scale, mean, name=OUTPUT)(scores)
        return network.Network(
            model=keras.Model(inputs, {OUTPUT: prediction}),
            scores=keras.Model(inputs, scores),
            loss=lambda scores, target: keras.ops.square(scores[:, 0] - target),
            encode=lambda target: ((target - mean) / scale).astype(np.float32),
        )

    def outputs(
        self,
        spec: Model,
        classes: tuple[str, ...],  # noqa: ARG002 - of the interface
    ) -> tuple[OutputDescription, ...]:
        """Describe the one output; `classes` is empty."""
        target = spec.learnt
        return (OutputDescription(OUTPUT, target.description or target.name, target.unit),)

    def measures(self, outputs: Outputs) -> tuple[Measure, ...]:  # noqa: ARG002 - of the interface
        """Give RMSE first: it is what the training minimises."""
        return (
            Measure("rmse", False, None, measures.rmse, measures.squared_errors, root=True),
            Measure("mae", False, None, measures.mae, measures.absolute_errors),
            Measure("r2", True, "", measures.r2, measures.explained),
        )

    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Predict the mean, and by ordinary least squares."""
        design = Design.of(known.features, spec.features)
        mean = np.full(len(features), known.target.mean())
        linear = least_squares(design.matrix(known.features), known.target, design.matrix(features))
        return {"trivial": {OUTPUT: mean[:, None]}, "linear": {OUTPUT: linear[:, None]}}

    def plots(
        self,
        spec: Model,
        classes: tuple[str, ...],  # noqa: ARG002 - of the interface
        y_true: Array,
        outputs: Outputs,
    ) -> dict[str, Any]:
        """Draw predicted against true values."""
        from mltk.problems.plots import predicted_against_true

        figure = predicted_against_true(y_true, outputs[OUTPUT][:, 0], spec.learnt)
        return {"predicted-against-true": figure}
