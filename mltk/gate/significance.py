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

from mltk.data.arrays import Floats
from mltk.gate.paired import Pair, resampled

RESAMPLES = 9999
"""Of the bootstrap; a p value can then be as small as 0.0001."""

_NORMAL = NormalDist()
_LEAST, _DOUBLINGS, _HALVINGS = 1e-6, 20, 60

Score = Callable[[Pair, float], float]
"""How many standard errors the rows lie above a bound; falls with the bound."""


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
    if chosen == "mcnemar":
        return Finding(chosen, *_interval(of, _tango, _quantile(alpha)), p_value(of, chosen, bound))
    if chosen == "bootstrap":
        return _bootstrap(of, bound, alpha, seed)
    rows = len(_finite(of.against(bound)))
    if rows < 2:
        return Finding(chosen, None, None, 1.0)
    limits = _interval(of, _score, _t_quantile(alpha, rows))
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

    The paired t-test on what each row says (Student 1908); McNemar's exact test of the rows that
    only one model gets right, and Tango's where there is a bound: Q. McNemar, Psychometrika 12
    (1947), with the binomial distribution; T. Tango, "Equivalence test and confidence interval for
    the difference in proportions for the paired-sample design", Statistics in Medicine 17 (1998),
    whose score at bound 0 is McNemar's.
    """
    from scipy import special  # not worth its time where no champion is met

    if test == "t":
        return float(special.stdtr(len(_finite(of.against(bound))) - 1, -_score(of, bound)))
    if bound:
        return _NORMAL.cdf(-_tango(of, bound))
    won, lost = _counts(of)
    return float(special.bdtrc(won - 1, won + lost, 0.5)) if won else 1.0


def _score(of: Pair, bound: float) -> float:
    """How many standard errors the rows lie above `bound`."""
    values = _finite(of.against(bound))
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    if error > 0:
        return mean / error
    # Rows that all say the same leave no doubt.
    return math.copysign(math.inf, mean) if mean else 0.0


def _finite(values: Floats) -> Floats:
    finite: Floats = values[np.isfinite(values)]
    return finite


def _counts(of: Pair) -> tuple[int, int]:
    """How many rows only the challenger gets right, and how many only the champion."""
    right = of.right if of.right is not None else np.zeros(0)
    return int((right > 0).sum()), int((right < 0).sum())


def _tango(of: Pair, bound: float) -> float:
    """How many standard errors the difference of shares lies above `bound`, as if that were true.

    In Tango's names the result is T, `share` the restricted estimate of q21.
    """
    rows, (won, lost), bound = of.rows, _counts(of), max(-1.0, min(bound, 1.0))
    linear = -won - lost + (2 * rows - won + lost) * bound
    constant = -lost * bound * (1 - bound)
    share = (math.sqrt(max(0.0, linear**2 - 8 * rows * constant)) - linear) / (4 * rows)
    variance = rows * (2 * max(0.0, share) + bound * (1 - bound))
    distance = won - lost - rows * bound
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _quantile(alpha: float) -> float:
    return _NORMAL.inv_cdf(1 - alpha)


def _t_quantile(alpha: float, rows: int) -> float:
    from scipy import special

    return float(special.stdtrit(rows - 1, 1 - alpha))


def _interval(of: Pair, score: Score, limit: float) -> tuple[float, float]:
    """The bounds that the rows do not speak against, where the score crosses `limit`."""
    middle, reach = of.improvement, _reach(of, score, limit)
    low = _cross(lambda at: score(of, at) - limit, middle - reach, middle)
    high = _cross(lambda at: score(of, at) + limit, middle, middle + reach)
    return low, high


def _reach(of: Pair, score: Score, limit: float) -> float:
    """How far from the improvement the interval cannot end; 0 where rows leave no doubt."""
    reach = max(abs(of.improvement), abs(of.challenger), abs(of.champion), _LEAST)
    if math.isinf(score(of, of.improvement - _LEAST * reach)):
        return 0.0
    for _ in range(_DOUBLINGS):
        if score(of, of.improvement - reach) > limit and score(of, of.improvement + reach) < -limit:
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
    if not len(values):
        return Finding("bootstrap", None, None, 1.0)
    low, high = (float(limit) for limit in np.quantile(values, [alpha, 1 - alpha]))
    p_value = (1 + int((values <= bound).sum())) / (1 + len(values))
    return Finding("bootstrap", low, high, p_value)
