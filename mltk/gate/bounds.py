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


@dataclasses.dataclass(frozen=True)
class _Judged:
    """What is held to the limit, and the interval, at `confidence`, that it comes from."""

    value: float
    low: float
    high: float
    confidence: float
    rule: str
    words: str


def _check(
    metric: Metric,
    side: str,
    limit: float,
    confidence: float | None,
    limits: Limits,
    place: Place,
) -> Check:
    name, head = f"{place.key}.{metric.name}.{side}", f"{place.words}{metric.name}"
    if not math.isfinite(metric.value):
        reason = f"{head} is not defined on these rows; bound another metric here"
        return Check(name, False, None, limit, reason, _rule("value", side), rows=place.rows)
    judged = _value(metric, side)
    if confidence is not None:
        judged = _confidence_bound(metric, side, confidence, limits)
    excess = judged.value - limit if side == "max" else limit - judged.value
    reason = f"{head} {judged.words} {_outcome(side, limit, excess, metric.unit)}"
    found = (finite_or_none(judged.low), finite_or_none(judged.high), judged.confidence, place.rows)
    return Check(name, excess <= 0, metric.value, limit, reason, judged.rule, *found)


def _value(metric: Metric, side: str) -> _Judged:
    words = amount(metric.value)
    return _Judged(metric.value, metric.low, metric.high, 0.95, _rule("value", side), words)


def _confidence_bound(metric: Metric, side: str, confidence: float, limits: Limits) -> _Judged:
    low, high = limits(metric.name, confidence)
    value, bound = (high, "upper") if side == "max" else (low, "lower")
    share = f"{100 * confidence:.4g} %"
    rule = _rule(f"{bound} {share} confidence bound (bootstrap)", side)
    words = f"{amount(metric.value)}: its {bound} {share} bound {amount(value)}"
    return _Judged(value, low, high, 2 * confidence - 1, rule, words)


def _rule(what: str, side: str) -> str:
    return f"{what} {'<=' if side == 'max' else '>='} limit"


def _outcome(side: str, limit: float, excess: float, unit: str) -> str:
    if excess <= 0:
        return f"{_KEPT[side]} {amount(limit, unit)}"
    return f"{_BREACH[side]} {amount(limit)} by {amount(excess, unit)}"


def finite_or_none(value: float) -> float | None:
    """The value as a record holds it: JSON knows no NaN."""
    return value if math.isfinite(value) else None
