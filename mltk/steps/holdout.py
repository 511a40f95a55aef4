"""The hold-out rows as the gate looks at them: metrics on all or some, and both models on them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np

from mltk.data.arrays import Array, Outputs
from mltk.errors import ConfigError
from mltk.gate import bounds
from mltk.gate.paired import Pair, pair
from mltk.gate.slices import Column, Group, groups
from mltk.problems import bootstrap
from mltk.problems.base import Problem
from mltk.problems.measures import Measure
from mltk.project.features import Categorical, Numeric, starts
from mltk.project.spec import Model
from mltk.records import Check, Metric
from mltk.steps.predictions import Predictions
from mltk.wording import did_you_mean


@dataclasses.dataclass(frozen=True)
class HoldOut:
    """What the model said on the rows that judge it.

    `classes` are those of the target, if any, `labels` the two of each of several.
    """

    spec: Model
    problem: Problem
    predictions: Predictions
    classes: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    @property
    def backend(self) -> str:
        """Where both models are asked: in Node.js, whatever else the export is proven on."""
        return "wasm" if "wasm" in self.spec.export.backends else "cpu"

    @functools.cached_property
    def groups(self) -> tuple[Group, ...]:
        """The slices that the gate asks for."""
        return groups(self.spec.gate.slices, self._columns())

    def limits(self, metric: str, confidence: float) -> tuple[float, float]:
        """One-sided confidence bounds of a metric on all rows."""
        return self._limits(np.ones(len(self.predictions.rows), bool), metric, confidence)

    def slice_checks(self) -> tuple[Check, ...]:
        """What the gate asks of the slices; ConfigError for a metric that is not there."""
        return tuple(check for group in self.groups for check in self._checks(group))

    def measure(self, outputs: Outputs) -> Measure:
        """The metric of the contest; ConfigError for one that is not there."""
        known = self._measures(outputs)
        name = self.spec.gate.champion.metric or next(iter(known))
        if name not in known:
            raise ConfigError(
                f"the champion is judged by an unknown metric '{name}'{did_you_mean(name, known)}",
                where="mltk.yaml: gate.champion.metric",
                hint=f"metrics of this model: {', '.join(known)}",
            )
        return known[name]

    def pair(self, ours: Outputs, theirs: Outputs) -> Pair:
        """Both models on all rows."""
        return pair(self.measure(ours), self.predictions.y_true, ours, theirs)

    def pairs(self, ours: Outputs, theirs: Outputs) -> list[tuple[str, Pair, int]]:
        """Both models on each slice that may stop a promotion, and how many rows it needs."""
        measure, y_true = self.measure(ours), self.predictions.y_true
        return [
            (
                group.name,
                pair(
                    measure,
                    y_true[group.chosen],
                    _of(ours, group.chosen),
                    _of(theirs, group.chosen),
                ),
                group.asked.min_rows,
            )
            for group in self.groups
            if group.asked.block_when_worse and group.chosen.any()
        ]

    def _columns(self) -> dict[str, Column]:
        features, columns = self.predictions.features, {}
        for start, each in starts(self.spec.features):
            if isinstance(each, Categorical | Numeric):
                values = each.values if isinstance(each, Categorical) else ()
                columns[each.name] = Column(features[:, start], values)
        y_true = self.predictions.y_true.reshape(len(features), -1)
        for index, target in enumerate(self.spec.all_targets):
            values = self.labels.get(target.name, self.classes)
            columns[target.name] = Column(y_true[:, index], values)
        return columns

    def _checks(self, group: Group) -> tuple[Check, ...]:
        rows, asked = int(group.chosen.sum()), group.asked
        place = bounds.Place(f"slice.{group.name}", f"{group.name}: ", "gate.slices.metrics", rows)
        if rows < asked.min_rows:
            known = self._measures(self.predictions.outputs)
            bounds.refuse_unknown(asked.metrics, known, place)
            reason = f"{group.name}: {rows} rows, of {asked.min_rows} that it needs: not judged"
            return (Check(place.key, True, None, None, reason, rows=rows, judged=False),)
        limits = functools.partial(self._limits, group.chosen)
        return tuple(bounds.checks(asked.metrics, self._metrics(group), limits, place))

    def _measures(self, outputs: Outputs) -> dict[str, Measure]:
        return {each.name: each for each in self.problem.measures(self.spec, outputs)}

    def _metrics(self, group: Group) -> dict[str, Metric]:
        found = self.problem.metrics(
            self.spec,
            self.predictions.y_true[group.chosen],
            _of(self.predictions.outputs, group.chosen),
        )
        return {metric.name: metric for metric in found}

    def _limits(self, chosen: Array, name: str, confidence: float) -> tuple[float, float]:
        y_true = self.predictions.y_true[chosen]
        outputs = _of(self.predictions.outputs, chosen)
        measure = self._measures(outputs)[name]
        statistic: Callable[[Array], Array] = functools.partial(measure.compute, y_true, outputs)
        (found,) = bootstrap.intervals(
            [statistic], len(y_true), seed=self.spec.seed, tail=1 - confidence
        )
        return found


def _of(outputs: Outputs, chosen: Array) -> Outputs:
    return {name: array[chosen] for name, array in outputs.items()}
