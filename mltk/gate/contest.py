"""Whether a model takes the champion's place, by the policy `gate.champion` of mltk.yaml."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mltk.gate.paired import Pair
from mltk.gate.significance import Finding, examine, named, p_value
from mltk.gate.spending import alpha_of_try, holm
from mltk.project.gating import Contest, Gate
from mltk.records import Trial
from mltk.wording import amount

_TESTS = {"t": "paired t-test", "bootstrap": "paired bootstrap", "mcnemar": "McNemar's test"}
_RULES = {
    "better": "p <= alpha for: the improvement is more than the bound",
    "not_worse": "p <= alpha for: the improvement is more than the bound, which is -margin",
    "point": "the improvement is more than the bound",
    "slice": "p > alpha for: the improvement is less than the bound (Holm over the slices)",
}


def counts_tries(policy: Contest) -> bool:
    """Whether it matters how many models met this champion on these rows before."""
    return policy.correct_repeats and policy.promote_when != "point"


def of_all(of: Pair, gate: Gate, number: int, *, seed: int = 0) -> Trial:
    """Judge a model on all rows; `number` counts its try against this champion, 0 without count.

    Superiority and non-inferiority are as in E9 of the ICH, "Statistical principles for clinical
    trials" (1998), section 3.3.2: an interval that lies above the bound altogether.
    """
    policy = gate.champion
    alpha = alpha_of_try(policy.alpha, number) if number else policy.alpha
    bound = -(policy.margin or 0.0) if policy.promote_when == "not_worse" else gate.min_improvement
    found = examine(of, policy.test, bound, alpha, seed=seed)
    if policy.promote_when == "point":
        passed = of.improvement > bound
    else:
        passed = found.p_value <= alpha and math.isfinite(of.improvement)
    reason = _reason(of, found, policy, bound, alpha, number, passed)
    return _trial("", of, found, _RULES[policy.promote_when], bound, alpha, passed, reason)


def of_slices(pairs: Sequence[tuple[str, Pair, int]], policy: Contest) -> tuple[Trial, ...]:
    """Look for slices in which the challenger is significantly worse than the champion.

    `pairs` give the name of the slice, the two models on its rows, and how many rows it needs. All
    slices together stop an equally good challenger with a chance of at most alpha (Holm).
    """
    judged = [(name, of) for name, of, least in pairs if _can_be_judged(of, least)]
    bound = -(policy.margin or 0.0)
    p_values = [_p_worse(of, bound) for _, of in judged]
    worse = dict(zip((name for name, _ in judged), holm(p_values, policy.alpha), strict=True))
    found = dict(zip((name for name, _ in judged), p_values, strict=True))
    return tuple(
        _of_slice(name, of, least, policy, bound, found.get(name), worse.get(name, False))
        for name, of, least in pairs
    )


def _can_be_judged(of: Pair, least: int) -> bool:
    return of.rows >= least and math.isfinite(of.improvement)


def _p_worse(of: Pair, bound: float) -> float:
    mirrored = of.mirrored()
    return p_value(mirrored, named(mirrored, "auto"), -bound)


def _of_slice(
    name: str,
    of: Pair,
    least: int,
    policy: Contest,
    bound: float,
    p_worse: float | None,
    worse: bool,
) -> Trial:
    if p_worse is None:
        why = f"{of.rows} rows, of {least} that it needs"
        if of.rows >= least:
            why = f"{of.metric} is not defined on its {of.rows} rows"
        reason = f"{name}: not judged, {why}"
        return Trial(name, of.metric, of.rows, _RULES["slice"], True, reason)
    found = examine(of, "auto", bound, policy.alpha)
    found = Finding(found.test, found.low, found.high, p_worse)
    said = f"{name}: {_values(of)} of the champion on {of.rows} rows"
    verdict = "significantly worse" if worse else "not significantly worse"
    reason = f"{said}: {verdict} (p {amount(p_worse)})"
    return _trial(name, of, found, _RULES["slice"], bound, policy.alpha, not worse, reason)


def _trial(
    name: str,
    of: Pair,
    found: Finding,
    rule: str,
    bound: float,
    alpha: float,
    passed: bool,
    reason: str,
) -> Trial:
    return Trial(
        name,
        of.metric,
        of.rows,
        rule,
        passed,
        reason,
        test=found.test,
        challenger=_finite(of.challenger),
        champion=_finite(of.champion),
        improvement=_finite(of.improvement),
        low=found.low,
        high=found.high,
        confidence=1 - 2 * alpha,
        bound=bound,
        p_value=found.p_value,
        alpha=alpha,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _reason(
    of: Pair,
    found: Finding,
    policy: Contest,
    bound: float,
    alpha: float,
    number: int,
    passed: bool,
) -> str:
    if not math.isfinite(of.improvement):
        return f"{of.metric} is not defined on these {of.rows} rows"
    gain = of.improvement
    interval = ""
    if found.low is not None and found.high is not None:
        share = f"{100 * (1 - 2 * alpha):.3g} % interval"
        interval = f" ({share} {amount(found.low)} to {amount(found.high)})"
    way = f"better by {amount(gain)}" if gain > 0 else f"not better, improvement {amount(gain)}"
    if policy.promote_when == "point":
        return way + interval + _of_points(gain, bound, found)
    wanted = f"an improvement of more than {amount(bound)}"
    if not bound:
        wanted = "better"
    elif bound < 0:
        wanted = f"not worse by {amount(-bound)}"
    sure = "shown" if passed else "not shown"
    nth = f", try {number} against it on these rows" if number > 1 else ""
    tested = f"{_TESTS[found.test]}, p {amount(found.p_value)} of {amount(alpha)} allowed{nth}"
    return f"{way}{interval}; {wanted} is {sure} ({tested})"


def _of_points(gain: float, bound: float, found: Finding) -> str:
    if gain > bound:
        clear = found.low is not None and found.low > 0
        return "" if clear else "; the interval does not exclude chance"
    return f", {amount(bound)} are asked" if gain > 0 else ""


def _values(of: Pair) -> str:
    return f"{of.metric} {amount(of.challenger)} against {amount(of.champion)}"
