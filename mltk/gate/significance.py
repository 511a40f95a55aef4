"""How sure it is that a challenger is better than the champion by more than a bound.

Every test asks the one-sided question: if the true improvement were `bound`, how often would rows
like these speak for the challenger as clearly as they do? That share is the p value. Beside it
stands the interval of the improvement that leaves out `alpha` on either side.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from mltk.gate.paired import Pair, resampled
from mltk.gate.scores import Score, counts, finite, student, tango

RESAMPLES = 9999
"""Of the bootstrap; a p value can then be as small as 0.0001."""

_NORMAL = NormalDist()
_LEAST, _DOUBLINGS, _HALVINGS = 1e-6, 20, 60


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a test found: the interval of the improvement and the p value, and which test it was.

    There is no interval where the rows do not define the metric.
    """

    test: str
    low: float | None
    high: float | None
    p_value: float


def examine(of: Pair, test: str, bound: float, alpha: float, *, seed: int = 0) -> Finding:
    """Test whether the improvement is more than `bound`, at the one-sided level `alpha`.

    `auto` takes McNemar's test for a share of right rows, else the t-test: of those that were tried
    these keep the promised rate, at the small levels of late tries too (docs/gate.md). A test that
    does not apply raises ValueError; rows that do not define the metric give the p value 1.
    """
    chosen = named(of, test)
    if chosen == "bootstrap":
        return _bootstrap(of, bound, alpha, seed)
    if chosen == "mcnemar":
        limits = _interval(of, tango, _NORMAL.inv_cdf(1 - alpha))
    elif (rows := len(finite(of.against(bound)))) < 2:
        return Finding(chosen, None, None, 1.0)
    else:
        limits = _interval(of, student, _t_quantile(alpha, rows))
    return Finding(chosen, *limits, p_value(of, chosen, bound))


def named(of: Pair, test: str) -> str:
    """Name the test that `auto` stands for; ValueError for McNemar's where nothing is counted."""
    if test == "auto":
        return "t" if of.right is None else "mcnemar"
    if test == "mcnemar" and of.right is None:
        raise ValueError(f"mcnemar counts right and wrong rows, and {of.metric} does not")
    return test


def p_value(of: Pair, test: str, bound: float) -> float:
    """Of the tests `t` and `mcnemar` the p value alone.

    The paired t-test on what each row says (Student 1908), made safe for skewness; McNemar's exact
    test of the rows that only one model gets right (Psychometrika 12, 1947, with the binomial
    distribution), and where there is a bound Tango's, whose score at bound 0 is McNemar's.
    """
    from scipy import special  # not worth its time where no champion is met

    if test == "t":
        rows = len(finite(of.against(bound)))
        return max(_least_p(rows), float(special.stdtr(rows - 1, -student(of, bound))))
    if bound:
        return _NORMAL.cdf(-tango(of, bound))
    won, lost = counts(of)
    return float(special.bdtrc(won - 1, won + lost, 0.5)) if won else 1.0


def _least_p(rows: int) -> float:
    """The smallest p value of so many rows: by chance all speak for one side once in 2^rows."""
    return 0.5**rows


def _t_quantile(alpha: float, rows: int) -> float:
    from scipy import special

    return float(special.stdtrit(rows - 1, 1 - alpha))


def _interval(of: Pair, score: Score, limit: float) -> tuple[float, float]:
    """The bounds that the rows do not speak against, for the one model or for the other."""
    return _least(of, score, limit), -_least(of.mirrored(), score, limit)


def _least(of: Pair, score: Score, limit: float) -> float:
    """The smallest improvement that the rows do not speak against: where the score is `limit`."""
    reach = _reach(of, score, limit)
    return _cross(lambda at: score(of, at) - limit, of.improvement - reach, of.improvement)


def _reach(of: Pair, score: Score, limit: float) -> float:
    """How far from the improvement the interval cannot end; 0 where rows leave no doubt."""
    reach = max(abs(of.improvement), abs(of.challenger), abs(of.champion), _LEAST)
    if math.isinf(score(of, of.improvement - _LEAST * reach)):
        return 0.0
    for _ in range(_DOUBLINGS):
        if score(of, of.improvement - reach) > limit:
            break
        reach *= 2
    return reach


def _cross(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function is zero between `low` and `high`, by halving."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _bootstrap(of: Pair, bound: float, alpha: float, seed: int) -> Finding:
    """The paired percentile bootstrap over the rows, its p value by inversion of the interval.

    B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 15.
    """
    values = resampled(of, seed, RESAMPLES)
    values = values[np.isfinite(values)]
    if of.rows < 2 or not len(values):
        return Finding("bootstrap", None, None, 1.0)
    low, high = (float(limit) for limit in np.quantile(values, [alpha, 1 - alpha]))
    p_value = (1 + int((values <= bound).sum())) / (1 + len(values))
    return Finding("bootstrap", low, high, max(_least_p(of.rows), p_value))
