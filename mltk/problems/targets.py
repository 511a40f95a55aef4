"""Several targets of one model: what their outputs and metrics are called, and one metric over all.

Metrics are written for a single target, [n], and outputs with plain names (`prediction`); a port
lets them see one of several, [n, T].
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.errors import ConfigError
from mltk.problems.base import FEATURES
from mltk.problems.linear import moments
from mltk.problems.measures import Measure, PerRow

if TYPE_CHECKING:
    from mltk.project.spec import Model, Target

PREDICTION = "prediction"

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Port:
    """A target, its column among the targets, and what its outputs are called.

    `plain` are the plain names of its outputs; `name` is empty for `target`, whose outputs bear
    them.
    """

    target: Target
    plain: tuple[str, ...]
    index: int = 0
    name: str = ""

    def output(self, plain: str) -> str:
        """Give the name of an output: that of the target for what is predicted of it."""
        if not self.name:
            return plain
        return self.name if plain == PREDICTION else f"{self.name}_{plain}"

    def cells(self, targets: Array) -> Array:
        """Give the column [n] of targets [n] or [n, T]."""
        column: Array = targets[:, self.index] if targets.ndim > 1 else targets
        return column

    def own(self, outputs: Outputs) -> dict[str, Array]:
        """Give the outputs of the target, with their plain names."""
        return {plain: outputs[self.output(plain)] for plain in self.plain}

    def named(self, outputs: Mapping[str, T]) -> dict[str, T]:
        """Give outputs with plain names those of the target."""
        return {self.output(plain): each for plain, each in outputs.items()}


def ports(spec: Model, plain: Sequence[str]) -> tuple[Port, ...]:
    """Give a port for each target of a model; ConfigError for a model without."""
    names = tuple(plain)
    if not spec.targets:
        return (Port(spec.learnt, names),)
    return tuple(
        Port(target, names, index, output_name(target.name))
        for index, target in enumerate(spec.targets)
    )


def output_name(column: str) -> str:
    """Give the name of a column as outputs and metrics bear it: letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", column).strip("_") or "target"


def refuse_clashes(of: Sequence[Port]) -> None:
    """Raise ConfigError for two targets that would have an output of the same name."""
    owners = {FEATURES: "the input"}
    for port in of:
        for name in map(port.output, port.plain):
            if name in owners:
                raise ConfigError(
                    f"an output of target '{port.target.name}' would be called '{name}', as"
                    f" {owners[name]} is",
                    hint="rename that column in the table and in mltk.yaml",
                )
            owners[name] = f"one of target '{port.target.name}'"


def measures(of: Sequence[Port], each: Sequence[Measure]) -> tuple[Measure, ...]:
    """Give the metrics `each` of one target for all of them, after the one that is over all."""
    if not of[0].name:
        return tuple(each)
    over = (over_all(of, each[0], each[0].per_row),) if each[0].per_row else ()
    return (*over, *(of_target(port, one) for port in of for one in each))


def of_target(port: Port, measure: Measure) -> Measure:
    """Let a metric see one target."""

    def compute(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
        return measure.compute(port.cells(y_true), port.own(outputs), weights)

    return dataclasses.replace(
        measure,
        name=f"{port.name}.{measure.name}",
        unit=port.target.unit if measure.unit is None else measure.unit,
        compute=compute,
        per_row=_seen(port, measure.per_row) if measure.per_row else None,
    )


def over_all(of: Sequence[Port], measure: Measure, per_row: PerRow) -> Measure:
    """Make one metric of that of each target: the mean, and its root where each is one.

    Where it has the unit of the target, it is in deviations of the target over these rows, so that
    no target counts more by its unit.
    """
    in_units, root = measure.unit is None, measure.root
    rows_of = [_seen(port, per_row) for port in of]

    def rows(y_true: Array, outputs: Outputs) -> Floats:
        scales = moments(y_true)[1] ** (2 if root else 1) if in_units else np.ones(len(of))
        each = zip(rows_of, scales, strict=True)
        mean: Floats = np.mean([seen(y_true, outputs) / scale for seen, scale in each], axis=0)
        return mean

    def compute(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
        mean: Floats = weights @ rows(y_true, outputs) / weights.sum(axis=1)
        return np.sqrt(mean) if root else mean

    name = f"{'standardised' if in_units else 'mean'}_{measure.name}"
    unit = "" if in_units else measure.unit
    return dataclasses.replace(measure, name=name, unit=unit, compute=compute, per_row=rows)


def _seen(port: Port, per_row: PerRow) -> PerRow:
    return lambda y_true, outputs: per_row(port.cells(y_true), port.own(outputs))
