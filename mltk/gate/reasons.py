"""What a trial against the champion found, in words."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from mltk.gate.paired import Pair
from mltk.gate.significance import Finding
from mltk.wording import amount

_TESTS = {"t": "paired t-test", "bootstrap": "paired bootstrap", "mcnemar": "McNemar's test"}


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked: an improvement of more than `bound`, sure by `alpha`; of a slice, of less.

    `number` counts the try against this champion, 0 without count.
    """

    rule: Literal["better", "not_worse", "point", "slice"]
    bound: float
    alpha: float
    number: int = 0


def of_all(of: Pair, found: Finding, asked: Question, *, passed: bool) -> str:
    """Tell what came of the trial on all rows."""
    if not math.isfinite(of.improvement):
        return f"{of.metric} is not defined on these {of.rows} rows"
    head = _gain(of.improvement) + _interval(found, asked.alpha)
    if asked.rule == "point":
        return head + _of_values(of.improvement, asked.bound, found)
    sure = "shown" if passed else "not shown"
    return f"{head}; {_wanted(asked.bound)} is {sure} ({_tested(found, asked)})"


def of_slice(name: str, of: Pair, p_worse: float, *, worse: bool) -> str:
    """Tell what came of the trial on a slice."""
    values = f"{of.metric} {amount(of.challenger)} against {amount(of.champion)} of the champion"
    verdict = "significantly worse" if worse else "not significantly worse"
    return f"{name}: {values} on {of.rows} rows: {verdict} (p {amount(p_worse)})"


def unjudged(name: str, of: Pair, least: int) -> str:
    """Tell why a slice, which needs `least` rows, had no trial."""
    why = f"{of.rows} rows, of {least} that it needs"
    if of.rows >= least:
        why = f"{of.metric} is not defined on its {of.rows} rows"
    return f"{name}: not judged, {why}"


def _gain(gain: float) -> str:
    return f"better by {amount(gain)}" if gain > 0 else f"not better, improvement {amount(gain)}"


def _interval(found: Finding, alpha: float) -> str:
    if found.low is None or found.high is None:
        return ""
    share = f"{100 * (1 - 2 * alpha):.3g} % interval"
    return f" ({share} {amount(found.low)} to {amount(found.high)})"


def _of_values(gain: float, bound: float, found: Finding) -> str:
    if gain > bound:
        clear = found.low is not None and found.low > 0
        return "" if clear else "; the interval does not exclude chance"
    return f", {amount(bound)} are asked" if gain > 0 else ""


def _wanted(bound: float) -> str:
    if bound < 0:
        return f"not worse by {amount(-bound)}"
    return f"an improvement of more than {amount(bound)}" if bound else "better"


def _tested(found: Finding, asked: Question) -> str:
    nth = f", try {asked.number} against it on these rows" if asked.number > 1 else ""
    allowed = f"p {amount(found.p_value)} of {amount(asked.alpha)} allowed"
    return f"{_TESTS[found.test]}, {allowed}{nth}"
