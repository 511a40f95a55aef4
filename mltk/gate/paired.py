"""Challenger against champion, row by row: what each row says for the one or the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems import bootstrap
from mltk.problems.measures import Measure

GROUPS = 2000
"""Rows are left out one by one up to this number, beyond it in as many groups."""

FEW_GROUPS = 30
"""So many where each takes a metric anew: enough for a t-test, and few enough to wait for."""

_BLOCK = 4_000_000
"""Weights held in memory at a time (32 MB)."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two models on the same rows in one metric.

    `improvement` is positive when the challenger is better, whichever way the metric points.
    `against` gives for a bound what each row (or group of rows) says for an improvement of more
    than that: numbers whose mean is 0 where it is the true one. `right` is there where the metric
    is a share of right rows: 1 for a row that only the challenger gets right, -1 for one that only
    the champion does, else 0. `statistic` gives the improvement for row weights [B, rows], where
    rows can be drawn more than once.
    """

    metric: str
    unit: str | None
    challenger: float
    champion: float
    improvement: float
    rows: int
    against: Callable[[float], Floats]
    right: Floats | None
    statistic: Callable[[Floats], Floats] | None

    def mirrored(self) -> Pair:
        """The same with the roles exchanged: the champion's improvement on the challenger."""
        statistic = self.statistic
        return dataclasses.replace(
            self,
            challenger=self.champion,
            champion=self.challenger,
            improvement=-self.improvement,
            against=lambda bound: -self.against(-bound),
            right=None if self.right is None else -self.right,
            statistic=None if statistic is None else lambda weights: -statistic(weights),
        )


def pair(measure: Measure, y_true: Array, challenger: Outputs, champion: Outputs) -> Pair:
    """Compare two models in a metric; numbers that the rows do not define are NaN."""
    sign = 1.0 if measure.greater_is_better else -1.0

    def improvement(weights: Floats) -> Floats:
        ours, theirs = (measure.compute(y_true, said, weights) for said in (challenger, champion))
        gain: Floats = sign * (ours - theirs)
        return gain

    values = measure.value(y_true, challenger), measure.value(y_true, champion)
    gain = sign * (values[0] - values[1])
    statistic = None if measure.of_neighbours else improvement
    against, right = _rows_say(measure, y_true, challenger, champion, statistic, gain)
    found = (measure.name, measure.unit, *values, gain, len(y_true))
    return Pair(*found, against, right, statistic)


def _rows_say(
    measure: Measure,
    y_true: Array,
    challenger: Outputs,
    champion: Outputs,
    statistic: Callable[[Floats], Floats] | None,
    gain: float,
) -> tuple[Callable[[float], Floats], Floats | None]:
    """Give `against` and `right` of a pair."""
    if statistic is None:
        return _shifted(_pseudo_values_of_rows(measure, y_true, challenger, champion)), None
    if measure.per_row is None:
        return _shifted(_pseudo_values(statistic, gain, len(y_true))), None
    ours, theirs = (measure.per_row(y_true, said) for said in (challenger, champion))
    if measure.root:
        return _rooted(ours, theirs), None
    gains = ours - theirs if measure.greater_is_better else theirs - ours
    counted = np.isin(np.concatenate([ours, theirs]), (0, 1)).all()
    return _shifted(gains), gains if counted else None


def _shifted(gains: Floats) -> Callable[[float], Floats]:
    return lambda bound: gains - bound


def _rooted(ours: Floats, theirs: Floats) -> Callable[[float], Floats]:
    """Squared errors in place of their root, which few rows would bend too much for a t-test.

    (root of theirs - bound)^2 - mean of ours, with the part that each row has in it (delta method).
    """
    root = float(np.sqrt(theirs.mean()))

    def against(bound: float) -> Floats:
        share = max(0.0, 1 - bound / root) if root else 1.0
        gains: Floats = share * (theirs - bound * root) - ours
        return gains

    return against


def resampled(of: Pair, seed: int, resamples: int) -> Floats:
    """Give the improvement in resamples of the rows, each the same rows for both models."""
    if of.statistic is None:
        raise ValueError(f"bootstrap draws rows anew, and {of.metric} is of the neighbours of rows")
    found = [of.statistic(weights) for weights in bootstrap.resamples(of.rows, seed, resamples)]
    return np.concatenate(found)


def _pseudo_values(statistic: Callable[[Floats], Floats], whole: float, rows: int) -> Floats:
    """J. Tukey's pseudo-values, which make one t-test of any smooth metric.

    B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 11; in groups as
    P. Kott, "The delete-a-group jackknife", J. Official Statistics 17 (2001).
    """
    if rows < 2:
        return np.full(rows, np.nan)
    count = min(rows, GROUPS)
    # A table may be sorted; its neighbours must not be left out together.
    group = np.random.default_rng(rows).permutation(np.arange(rows) % count)
    step = max(1, _BLOCK // rows)
    without = [
        statistic((group[None, :] != np.arange(start, min(start + step, count))[:, None]) * 1.0)
        for start in range(0, count, step)
    ]
    pseudo: Floats = count * whole - (count - 1) * np.concatenate(without)
    return pseudo


def _pseudo_values_of_rows(
    measure: Measure, y_true: Array, challenger: Outputs, champion: Outputs
) -> Floats:
    """The same where rows that are left out were neighbours of others: the metric is taken anew.

    With weights of 0 in their place the others would go on being judged by them, and the gate
    promote four times as many models by chance as it promises. About the improvement itself, as
    the jackknife knows its spread better than its bias.
    """
    sign = 1.0 if measure.greater_is_better else -1.0

    def improvement(rows: Array) -> float:
        ours, theirs = (
            measure.value(y_true[rows], {name: array[rows] for name, array in said.items()})
            for said in (challenger, champion)
        )
        return sign * (ours - theirs)

    if len(y_true) < 2:
        return np.full(len(y_true), np.nan)
    count = min(len(y_true), FEW_GROUPS)
    group = np.random.default_rng(len(y_true)).permutation(np.arange(len(y_true)) % count)
    without = np.array([improvement(group != one) for one in range(count)])
    pseudo: Floats = improvement(group >= 0) - (count - 1) * (without - without.mean())
    return pseudo
