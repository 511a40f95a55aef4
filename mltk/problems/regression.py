"""Regression: learn a number, or several. The outputs are in the units of the targets.

What is said of a number (its mean, quantiles, a distribution) is one of `mltk.problems.heads`; what
becomes of several, `mltk.problems.targets`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.data.findings import Finding
from mltk.data.table import Rows, Table
from mltk.problems import targets
from mltk.problems.base import OutputDescription, Problem
from mltk.problems.heads import Head, Part, RegressionSettings, Scale, head_of
from mltk.problems.linear import Design
from mltk.problems.measures import Measure
from mltk.problems.targets import Port

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model


class Regression(Problem):
    """What the head says of each target; `prediction` [n, 1], or an output by each one's name."""

    name = "regression"
    target_kind = "numeric"
    settings = RegressionSettings
    several_targets = True

    def check(self, spec: Model) -> None:
        """Refuse targets whose outputs could not be told apart."""
        super().check(spec)
        targets.refuse_clashes(_ports(spec))

    def load_model(self, path: Path) -> Any:
        """Load a saved model, whose layers may be those of a head."""
        import mltk.problems.heads.layers  # noqa: F401 - Keras finds its layers then

        return super().load_model(path)

    def network(self, spec: Model, known: Rows) -> Network:
        """Build the network; the head brings the scores back to each target's unit."""
        from mltk.problems import network
        from mltk.problems.backend import keras

        head, of = _head(spec), _ports(spec)
        scales = [head.scale(port.cells(known.target)) for port in of]
        inputs, scores = network.scores(spec, known.features, head.width * len(of))
        if not spec.targets:
            return _network(inputs, head.part(scores, scales[0]), head, scales[0])
        parts = [
            head.part(tensor, scale, f"target_{port.index + 1}_")
            for tensor, scale, port in zip(_split(scores, len(of)), scales, of, strict=True)
        ]
        outputs = [port.named(part.outputs) for port, part in zip(of, parts, strict=True)]
        trained = keras.ops.concatenate([part.trained for part in parts], axis=1)
        return network.Network(
            model=keras.Model(inputs, dict(itertools.chain(*(each.items() for each in outputs)))),
            scores=keras.Model(inputs, trained),
            loss=lambda scores, target: _mean_loss(head, scores, target),
            encode=lambda target: _encoded(scales, target),
            settle=_settle_all(of, parts) if parts[0].settle else None,
        )

    def outputs(
        self,
        spec: Model,
        classes: tuple[str, ...],  # noqa: ARG002 - of the interface
    ) -> tuple[OutputDescription, ...]:
        """Describe what the head says of each target; `classes` is empty."""
        head = _head(spec)
        return tuple(
            dataclasses.replace(each, name=port.output(each.name))
            for port in _ports(spec)
            for each in head.meanings(port.target)
        )

    def measures(self, spec: Model, outputs: Outputs) -> tuple[Measure, ...]:  # noqa: ARG002 - of the interface
        """Give what the training minimises first."""
        return targets.measures(_ports(spec), _head(spec).measures())

    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Say the same of every row (trivial), and by a line for each target."""
        design, head = Design.of(known.features, spec.features), _head(spec)
        seen, new = design.matrix(known.features), design.matrix(features)
        found: dict[str, dict[str, Array]] = {name: {} for name in self.baseline_names}
        for port in _ports(spec):
            for name, outputs in head.baselines(seen, port.cells(known.target), new).items():
                found[name] |= port.named(outputs)
        return dict(found)

    def examine(self, spec: Model, table: Table) -> list[Finding]:
        """Find values of the targets that the head cannot learn."""
        head = _head(spec)
        return [
            Finding(f"{target.cells[row]:g} is refused: {head.needs}", int(table.lines[row]), name)
            for name, target in table.target_columns(spec).items()
            for row in np.flatnonzero(~head.fits(target.cells))
        ]

    def plots(
        self,
        spec: Model,
        classes: tuple[str, ...],  # noqa: ARG002 - of the interface
        y_true: Array,
        outputs: Outputs,
    ) -> dict[str, Any]:
        """Draw predicted against true values, with intervals where there are some."""
        return {
            "-".join(filter(None, ("predicted-against-true", port.name))): _plot(
                port, y_true, outputs
            )
            for port in _ports(spec)
        }


def _head(spec: Model) -> Head:
    return head_of(RegressionSettings.of(spec))


def _ports(spec: Model) -> tuple[Port, ...]:
    described = _head(spec).meanings(spec.all_targets[0] if spec.targets else spec.learnt)
    return targets.ports(spec, [each.name for each in described])


def _network(inputs: Any, part: Part, head: Head, scale: Scale) -> Network:
    """Put together what learns one target."""
    from mltk.problems import network
    from mltk.problems.backend import keras

    return network.Network(
        model=keras.Model(inputs, part.outputs),
        scores=keras.Model(inputs, part.trained),
        loss=head.loss,
        encode=scale.encode,
        settle=part.settle,
    )


def _split(scores: Any, count: int) -> list[Any]:
    """Cut scores [n, T W] into those of each target."""
    width = scores.shape[1] // count
    return [scores[:, at * width : (at + 1) * width] for at in range(count)]


def _mean_loss(head: Head, trained: Any, target: Any) -> Any:
    """The mean over the targets, each as training sees it: none counts more by its unit."""
    each = _split(trained, target.shape[1])
    return sum(head.loss(one, target[:, at]) for at, one in enumerate(each)) / len(each)


def _encoded(scales: Sequence[Scale], target: Array) -> Floats:
    return np.stack([scale.encode(target[:, at]) for at, scale in enumerate(scales)], axis=1)


def _settle_all(of: Sequence[Port], parts: Sequence[Part]) -> Callable[[Array, Array], str]:
    def settle(trained: Array, target: Array) -> str:
        each = zip(of, parts, _split(trained, len(of)), strict=True)
        said = [
            f"{port.name}: {part.settle(scores, port.cells(target))}"
            for port, part, scores in each
            if part.settle
        ]
        return "\n".join(said)

    return settle


def _plot(port: Port, y_true: Array, outputs: Outputs) -> Any:
    from mltk.problems.plots import predicted_against_true

    said = {name: array[:, 0] for name, array in port.own(outputs).items()}
    ends = (said["lower"], said["upper"]) if "lower" in said else None
    return predicted_against_true(port.cells(y_true), said["prediction"], port.target, ends)
