"""Regression: learn a number. The outputs are in the target's unit.

What is said of the number (its mean, quantiles, a distribution) is one of `mltk.problems.heads`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Outputs
from mltk.data.findings import Finding
from mltk.data.table import Rows, Table
from mltk.problems.base import OutputDescription, Problem
from mltk.problems.heads import Head, RegressionSettings, head_of
from mltk.problems.linear import Design
from mltk.problems.measures import Measure

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model


class Regression(Problem):
    """What the head says of the target; `prediction` [n, 1] is always there."""

    name = "regression"
    target_kind = "numeric"
    settings = RegressionSettings

    def load_model(self, path: Path) -> Any:
        """Load a saved model, whose layers may be those of a head."""
        import mltk.problems.heads.layers  # noqa: F401 - Keras finds its layers then

        return super().load_model(path)

    def network(self, spec: Model, known: Rows) -> Network:
        """Build the network; the head brings the scores back to the target's unit."""
        from mltk.problems import network
        from mltk.problems.backend import keras

        head = _head(spec)
        inputs, scores = network.scores(spec, known.features, head.width)
        scale = head.scale(known.target)
        part = head.part(scores, scale)
        return network.Network(
            model=keras.Model(inputs, part.outputs),
            scores=keras.Model(inputs, part.trained),
            loss=head.loss,
            encode=scale.encode,
            settle=part.settle,
        )

    def outputs(
        self,
        spec: Model,
        classes: tuple[str, ...],  # noqa: ARG002 - of the interface
    ) -> tuple[OutputDescription, ...]:
        """Describe what the head says; `classes` is empty."""
        return _head(spec).meanings(spec.learnt)

    def measures(self, spec: Model, outputs: Outputs) -> tuple[Measure, ...]:  # noqa: ARG002 - of the interface
        """Give what the training minimises first."""
        return _head(spec).measures()

    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Say the same of every row (trivial), and by a line."""
        design = Design.of(known.features, spec.features)
        return _head(spec).baselines(
            design.matrix(known.features), known.target, design.matrix(features)
        )

    def examine(self, spec: Model, table: Table) -> list[Finding]:
        """Find values of the target that the head cannot learn."""
        head, name = _head(spec), spec.learnt.name
        return [
            Finding(f"{table.target[row]:g} is refused: {head.needs}", int(table.lines[row]), name)
            for row in np.flatnonzero(~head.fits(table.target))
        ]

    def plots(
        self,
        spec: Model,
        classes: tuple[str, ...],  # noqa: ARG002 - of the interface
        y_true: Array,
        outputs: Outputs,
    ) -> dict[str, Any]:
        """Draw predicted against true values, with intervals where there are some."""
        from mltk.problems.plots import predicted_against_true

        said = {name: array[:, 0] for name, array in outputs.items()}
        ends = (said["lower"], said["upper"]) if "lower" in said else None
        figure = predicted_against_true(y_true, said["prediction"], spec.learnt, ends)
        return {"predicted-against-true": figure}


def _head(spec: Model) -> Head:
    return head_of(RegressionSettings.of(spec))
