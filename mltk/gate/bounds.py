"""Bounds of metrics: on all hold-out rows and on slices, by the value or by how sure it is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from mltk.errors import ConfigError
from mltk.records import Check, Metric
from mltk.wording import amount, did_you_mean

if TYPE_CHECKING:
    from mltk.project.gating import Threshold

Limits = Callable[[str, float], tuple[float, float]]
"""(metric, confidence) -> its lower and its upper one-sided confidence bound."""

_BREACH = {"max": "exceeds", "min": "is below"}
_KEPT = {"max": "is at most", "min": "is at least"}


@dataclasses.dataclass(frozen=True)
class Place:
    """What is bounded: all rows, or those of a slice, and where mltk.yaml says so."""

    key: str = "metric"
    words: str = ""
    where: str = "gate.metrics"
    rows: int | None = None


ALL = Place()


def checks(
    asked: Mapping[str, Threshold],
    metrics: Mapping[str, Metric],
    limits: Limits,
    place: Place = ALL,
) -> Iterator[Check]:
    """Compare metrics with their bounds; ConfigError for a bound of a metric that is not there."""
    refuse_unknown(asked, metrics, place)
    for name, threshold in asked.items():
        for side, limit in (("max", threshold.max), ("min", threshold.min)):
            if limit is not None:
                yield _check(metrics[name], side, limit, threshold.confidence, limits, place)


def refuse_unknown(asked: Mapping[str, Threshold], metrics: Collection[str], place: Place) -> None:
    """Raise ConfigError for a bound of a metric that the model does not have."""
    for name in asked:
        if name not in metrics:
            raise ConfigError(
                f"the gate bounds an unknown metric '{name}'{did_you_mean(name, metrics)}",
                where=f"mltk.yaml: {place.where}.{name}",
                hint=f"metrics of this model: {', '.join(metrics)}",
            )


def _check(
    metric: Metric,
    side: str,
    limit: float,
    confidence: float | None,
    limits: Limits,
    place: Place,
) -> Check:
    name, head = f"{place.key}.{metric.name}.{side}", f"{place.words}{metric.name}"
    rule = f"value {'<=' if side == 'max' else '>='} limit"
    if not math.isfinite(metric.value):
        reason = f"{head} is not defined on these rows; bound another metric here"
        return Check(name, False, None, limit, reason, rule, rows=place.rows)
    if confidence is None:
        judged, low, high, shown = metric.value, metric.low, metric.high, 0.95
        head = f"{head} {amount(metric.value)}"
    else:
        low, high = limits(metric.name, confidence)
        judged, shown = (high if side == "max" else low), 2 * confidence - 1
        bound = "upper" if side == "max" else "lower"
        share = f"{100 * confidence:.4g} %"
        rule = f"{bound} {share} confidence bound (bootstrap) {rule.partition(' ')[2]}"
        head = f"{head} {amount(metric.value)}: its {bound} {share} bound {amount(judged)}"
    excess = judged - limit if side == "max" else limit - judged
    passed = excess <= 0
    words = f"{_BREACH[side]} {amount(limit)} by {amount(excess, metric.unit)}"
    if passed:
        words = f"{_KEPT[side]} {amount(limit, metric.unit)}"
    found = (_finite(low), _finite(high), shown, place.rows)
    return Check(name, passed, metric.value, limit, f"{head} {words}", rule, *found)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
