"""Judge a model by what was found out about it. Pure: numbers in, checks and reasons out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mltk.errors import ConfigError
from mltk.records import Check, Evaluation, Metric, Verdict, Verification
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.problems.base import Comparison
    from mltk.project.spec import Export, Gate


_MODELS = {"linear": "a linear model"}
"""Baselines that have a better name than their own."""


@dataclasses.dataclass(frozen=True)
class Contest:
    """What came of holding a model against the champion.

    `comparison` is None when the two cannot be compared (`obstacle` says why) or are the same
    bundle (`identical`).
    """

    version: str
    comparison: Comparison | None = None
    identical: bool = False
    obstacle: str = ""


@dataclasses.dataclass(frozen=True)
class Storage:
    """How the weights are stored: the share of their full size, and the error that it costs.

    `others` are those that were not taken, with their errors in words.
    """

    name: str
    share: float
    error: float
    others: tuple[tuple[str, str], ...]


def judge(
    gate: Gate,
    export: Export,
    evaluation: Evaluation,
    proof: Verification,
    size: int,
    storage: Storage | None = None,
) -> tuple[Check, ...]:
    """Ask every question of the gate; `size` is that of the bundle, in bytes.

    `storage` tells how the weights are stored when that was chosen by measuring.

    Raises ConfigError when the gate bounds a metric that this kind of problem does not have.
    """
    return (
        *_thresholds(gate, evaluation),
        *_baselines(gate, evaluation),
        *_parity(gate, export, proof),
        *_size(gate, size),
        *_storage(gate, export, storage),
    )


def remark(gate: Gate, evaluation: Evaluation) -> str:
    """Say that another baseline than the gate asks to beat does better; else nothing."""
    metric = evaluation.primary
    better = [
        f"{_MODELS.get(name, f'the {name} baseline')} does better, "
        f"{metric.name} {amount(values[metric.name])} against {amount(metric.value)}"
        for name, values in sorted(evaluation.baselines.items())
        if name not in ("trivial", gate.baseline) and _gain(metric, values[metric.name]) < 0
    ]
    return "; ".join(better)


def decide(
    model: str,
    gate: Gate,
    checks: tuple[Check, ...],
    contest: Contest | None,
    *,
    note: str = "",
) -> Verdict:
    """Give the verdict on the checks, and whether the model takes the champion's place.

    `contest` is None when there is no champion yet, or when a failed check made it idle.
    """
    failed = [check for check in checks if not check.passed]
    if failed:
        promote, reason = False, "a model that fails the gate is not registered"
    elif contest is None:
        promote, reason = True, "there is no champion yet"
    else:
        promote, reason = _outcome(model, gate, contest)
    return Verdict(
        verdict="fail" if failed else "pass",
        promote=promote,
        promote_reason=reason,
        checks=checks,
        champion_version=None if contest is None else contest.version,
        note=note,
    )


def summary(verdict: Verdict) -> str:
    """Give the verdict's reason in one line: what failed, else what becomes of the champion.

    The verdict's note comes last.
    """
    failed = [check.reason for check in verdict.checks if not check.passed]
    note = [f"note: {verdict.note}"] if verdict.note else []
    return "; ".join([*(failed or [verdict.promote_reason]), *note])


def amount(value: float, unit: str = "") -> str:
    """Give a number with four significant digits and its unit."""
    return f"{value:.4g} {unit}".rstrip()


def _thresholds(gate: Gate, evaluation: Evaluation) -> Iterator[Check]:
    metrics = {metric.name: metric for metric in evaluation.metrics}
    for name, bounds in gate.metrics.items():
        if name not in metrics:
            raise ConfigError(
                f"the gate bounds an unknown metric '{name}'{did_you_mean(name, metrics)}",
                where=f"mltk.yaml: gate.metrics.{name}",
                hint=f"metrics of this model: {', '.join(metrics)}",
            )
        metric = metrics[name]
        if bounds.max is not None:
            yield _bound(metric, bounds.max, metric.value - bounds.max, "max")
        if bounds.min is not None:
            yield _bound(metric, bounds.min, bounds.min - metric.value, "min")


def _bound(metric: Metric, limit: float, excess: float, side: str) -> Check:
    breach = {"max": "exceeds", "min": "is below"}[side]
    kept = {"max": "is at most", "min": "is at least"}[side]
    passed = excess <= 0
    words = f"{breach} {amount(limit)} by {amount(excess, metric.unit)}"
    if passed:
        words = f"{kept} {amount(limit, metric.unit)}"
    reason = f"{metric.name} {amount(metric.value)} {words}"
    return Check(f"metric.{metric.name}.{side}", passed, metric.value, limit, reason)


def _baselines(gate: Gate, evaluation: Evaluation) -> Iterator[Check]:
    asked = () if gate.baseline == "none" else tuple(dict.fromkeys(("trivial", gate.baseline)))
    metric = evaluation.primary
    for baseline in asked:
        name = f"baseline.{baseline}"
        limit = evaluation.baselines.get(baseline, {}).get(metric.name)
        if limit is None:
            yield Check(name, False, None, None, f"there is no {baseline} baseline to beat")
            continue
        gain = _gain(metric, limit)
        said = f"{metric.name} {amount(metric.value)}"
        rival = f"the {baseline} baseline's {amount(limit)}"
        reason = (
            f"{said} beats {rival} by {amount(gain, metric.unit)}"
            if gain > 0
            else f"{said} does not beat {rival}: worse by {amount(-gain, metric.unit)}"
        )
        yield Check(name, gain > 0, metric.value, limit, reason)


def _gain(metric: Metric, other: float) -> float:
    """By how much the metric is better than `other`."""
    return metric.value - other if metric.greater_is_better else other - metric.value


def _parity(gate: Gate, export: Export, proof: Verification) -> Iterator[Check]:
    allowed = _allowed(gate, export)
    proven = {check.backend: check for check in proof.backends}
    for backend in export.backends:
        name = f"parity.{backend}"
        if backend not in proven:
            yield Check(name, False, None, allowed, f"the export was not run on {backend}")
            continue
        error = proven[backend].max_relative_error
        passed = error <= allowed
        said = f"the export on {backend} differs from Keras by {error:.2g} of the output's scale"
        limit = amount(allowed)
        reason = f"{said}, {'within' if passed else 'more than'} {limit}"
        yield Check(name, passed, error, allowed, reason)


def _allowed(gate: Gate, export: Export) -> float:
    """Give how far an export may be off: more than by rounding where quantization may cost it."""
    if export.quantization == "none" or export.tolerance is None:
        return gate.parity
    return max(gate.parity, export.tolerance)


def _storage(gate: Gate, export: Export, storage: Storage | None) -> Iterator[Check]:
    if storage is None:
        return
    limit = export.tolerance or gate.parity
    tried = ", ".join(f"{name} {error}" for name, error in storage.others)
    reason = (
        f"weights are stored as {storage.name}: {storage.share:.0%} of their size at an error of "
        f"{storage.error:.2g} of the output's scale, within {amount(limit)} (others: {tried})"
    )
    yield Check("quantization", True, storage.error, limit, reason)


def _size(gate: Gate, size: int) -> Iterator[Check]:
    if gate.max_size_kb is None:
        return
    found = size / 1000
    excess = found - gate.max_size_kb
    reason = (
        f"the bundle's {amount(found, 'kB')} are within {amount(gate.max_size_kb, 'kB')}"
        if excess <= 0
        else f"the bundle's {amount(found)} kB exceed {amount(gate.max_size_kb)} "
        f"by {amount(excess, 'kB')}"
    )
    yield Check("size", excess <= 0, found, gate.max_size_kb, reason)


def _outcome(model: str, gate: Gate, contest: Contest) -> tuple[bool, str]:
    champion = f"champion (version {contest.version})"
    if contest.identical:
        return False, f"the bundle is the {champion} already"
    if contest.comparison is None:
        return False, (
            f"the {champion} cannot be compared: {contest.obstacle}; "
            f"registered as challenger, promote it by hand: mltk models promote {model} challenger"
        )
    found = contest.comparison
    by = amount(found.improvement) + f" (95 % interval {amount(found.low)} to {amount(found.high)})"
    values = f"{found.metric} {amount(found.challenger)} against {amount(found.champion)}"
    scene = f"{values} of the {champion} on the same {found.rows} rows"
    if found.improvement > gate.min_improvement:
        chance = "" if found.low > 0 else "; the interval does not exclude chance"
        return True, f"{scene}: better by {by}{chance}"
    if found.improvement > 0:
        return False, f"{scene}: better by {by}, {amount(gate.min_improvement)} are asked"
    return False, f"{scene}: not better, improvement {by}"
