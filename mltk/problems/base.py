"""What every kind of problem can do. The steps know kinds of problem by this interface only.

A kind is a class named in the entry point group `mltk.problems`; a package of yours can add one.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from mltk.data.arrays import Array, Floats, Outputs
from mltk.data.table import Rows, TargetKind
from mltk.problems import bootstrap
from mltk.problems.measures import Measure
from mltk.records import Metric

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model


@dataclasses.dataclass(frozen=True)
class OutputDescription:
    """What one output of the model means; `labels` name its columns, when they are classes."""

    name: str
    description: str
    unit: str
    labels: tuple[str, ...] = ()


class Problem(abc.ABC):
    """A kind of problem. Without state: what a method needs, it is given.

    Targets are as `mltk.data.table` encodes them: float64 [n] for `numeric`, int64 [n] indices of
    the classes for `label`. Outputs are by name, [n, ...], from Keras or TensorFlow.js alike.
    """

    name: ClassVar[str]
    target_kind: ClassVar[TargetKind]

    @abc.abstractmethod
    def network(self, spec: Model, known: Rows) -> Network:
        """Build the untrained network for training rows (imports TensorFlow)."""

    @abc.abstractmethod
    def outputs(self, spec: Model, classes: tuple[str, ...]) -> tuple[OutputDescription, ...]:
        """Say what the model's outputs mean."""

    @abc.abstractmethod
    def measures(self, outputs: Outputs) -> tuple[Measure, ...]:
        """Give the metrics that apply to such outputs, the primary one first."""

    @abc.abstractmethod
    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Give what the `trivial` and the `linear` model say about new rows [m, F]."""

    @abc.abstractmethod
    def plots(
        self, spec: Model, classes: tuple[str, ...], y_true: Array, outputs: Outputs
    ) -> dict[str, Any]:
        """Draw predictions against truth: matplotlib figures by file stem."""

    def values(self, y_true: Array, outputs: Outputs) -> dict[str, float]:
        """Give the metrics by name, the primary one first."""
        return {m.name: m.value(y_true, outputs) for m in self.measures(outputs)}

    def metrics(
        self, y_true: Array, outputs: Outputs, *, target_unit: str = "", seed: int = 0
    ) -> tuple[Metric, ...]:
        """Give the metrics with their 95 % intervals, the primary one first."""
        measures = self.measures(outputs)
        statistics = [_over(measure, y_true, outputs) for measure in measures]
        bounds = bootstrap.intervals(statistics, len(y_true), seed=seed)
        return tuple(
            Metric(
                name=measure.name,
                value=measure.value(y_true, outputs),
                low=low,
                high=high,
                unit=target_unit if measure.unit is None else measure.unit,
                greater_is_better=measure.greater_is_better,
            )
            for measure, (low, high) in zip(measures, bounds, strict=True)
        )


def _over(measure: Measure, y_true: Array, outputs: Outputs) -> Callable[[Floats], Floats]:
    return lambda weights: measure.compute(y_true, outputs, weights)
