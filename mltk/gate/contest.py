"""Whether a model takes the champion's place, by the policy `gate.champion` of mltk.yaml."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from mltk.gate import reasons
from mltk.gate.bounds import finite_or_none
from mltk.gate.paired import Pair
from mltk.gate.reasons import Question
from mltk.gate.significance import Finding, examine, named, p_value
from mltk.gate.spending import alpha_of_try, holm
from mltk.project.gating import Contest, Gate
from mltk.records import Trial

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
    bound = _bound(policy) if policy.promote_when == "not_worse" else gate.min_improvement
    asked = Question(policy.promote_when, bound, alpha, number)
    found = examine(of, policy.test, bound, alpha, seed=seed)
    passed = _passes(of, found, asked)
    return _trial("", of, found, asked, passed, reasons.of_all(of, found, asked, passed=passed))


def of_slices(pairs: Sequence[tuple[str, Pair, int]], policy: Contest) -> tuple[Trial, ...]:
    """Look for slices in which the challenger is significantly worse than the champion.

    `pairs` give the name of the slice, the two models on its rows, and how many rows it needs. All
    slices together stop an equally good challenger with a chance of at most alpha (Holm).
    """
    judged = [index for index, (_, of, least) in enumerate(pairs) if _can_be_judged(of, least)]
    p_values = [_p_worse(pairs[index][1], _bound(policy)) for index in judged]
    rejected = holm(p_values, policy.alpha)
    found = dict(zip(judged, zip(p_values, rejected, strict=True), strict=True))
    return tuple(
        _of_slice(name, of, policy, *found[index]) if index in found else _unjudged(name, of, least)
        for index, (name, of, least) in enumerate(pairs)
    )


def _bound(policy: Contest) -> float:
    return -(policy.margin or 0.0)


def _passes(of: Pair, found: Finding, asked: Question) -> bool:
    if asked.rule == "point":
        return of.improvement > asked.bound
    return found.p_value <= asked.alpha and math.isfinite(of.improvement)


def _can_be_judged(of: Pair, least: int) -> bool:
    return of.rows >= least and math.isfinite(of.improvement)


def _p_worse(of: Pair, bound: float) -> float:
    mirrored = of.mirrored()
    return p_value(mirrored, named(mirrored, "auto"), -bound)


def _of_slice(name: str, of: Pair, policy: Contest, p_worse: float, worse: bool) -> Trial:
    asked = Question("slice", _bound(policy), policy.alpha)
    found = examine(of, "auto", asked.bound, asked.alpha)
    found = dataclasses.replace(found, p_value=p_worse)
    return _trial(
        name, of, found, asked, not worse, reasons.of_slice(name, of, p_worse, worse=worse)
    )


def _unjudged(name: str, of: Pair, least: int) -> Trial:
    reason = reasons.unjudged(name, of, least)
    return Trial(name, of.metric, of.rows, _RULES["slice"], True, reason)


def _trial(
    name: str, of: Pair, found: Finding, asked: Question, passed: bool, reason: str
) -> Trial:
    return Trial(
        name,
        of.metric,
        of.rows,
        _RULES[asked.rule],
        passed,
        reason,
        test=found.test,
        challenger=finite_or_none(of.challenger),
        champion=finite_or_none(of.champion),
        improvement=finite_or_none(of.improvement),
        low=found.low,
        high=found.high,
        confidence=1 - 2 * asked.alpha,
        bound=asked.bound,
        p_value=found.p_value,
        alpha=asked.alpha,
    )
