"""Judge a model by what was found out about it. Pure: numbers in, checks and reasons out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mltk.gate import bounds, budgets
from mltk.gate.budgets import Storage
from mltk.records import Check, Evaluation, Metric, Trial, Verdict, Verification
from mltk.wording import amount

if TYPE_CHECKING:
    from mltk.project.gating import Gate
    from mltk.project.spec import Export
    from mltk.tfjs.latency import Latency


_MODELS = {"linear": "a linear model"}
"""Baselines that have a better name than their own."""


@dataclasses.dataclass(frozen=True)
class Encounter:
    """What came of holding a model against the champion.

    There are no `trials` when the two cannot be compared (`obstacle` says why) or are the same
    bundle (`identical`); the first is on all rows. `tries` is the number of this try.
    """

    version: str
    trials: tuple[Trial, ...] = ()
    tries: int = 0
    identical: bool = False
    obstacle: str = ""


def judge(
    gate: Gate,
    export: Export,
    evaluation: Evaluation,
    proof: Verification,
    size: int,
    limits: bounds.Limits,
    storage: Storage | None = None,
    latency: Latency | None = None,
) -> tuple[Check, ...]:
    """Ask every question of the gate but those of slices; `size` is that of the bundle, in bytes.

    `storage` tells how the weights are stored when that was chosen by measuring.

    Raises ConfigError when the gate bounds a metric that this kind of problem does not have.
    """
    metrics = {metric.name: metric for metric in evaluation.metrics}
    return (
        *bounds.checks(gate.metrics, metrics, limits),
        *_baselines(gate, evaluation),
        *budgets.of_parity(gate, export, proof),
        *budgets.of_size(gate, size),
        *budgets.of_latency(gate, latency),
        *budgets.of_storage(gate, export, storage),
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
    checks: tuple[Check, ...],
    encounter: Encounter | None,
    *,
    note: str = "",
) -> Verdict:
    """Give the verdict on the checks, and whether the model takes the champion's place.

    `encounter` is None when there is no champion yet, or when a failed check made it idle.
    """
    failed = [check for check in checks if not check.passed]
    if failed:
        promote, reason = False, "a model that fails the gate is not registered"
    elif encounter is None:
        promote, reason = True, "there is no champion yet"
    else:
        promote, reason = _outcome(model, encounter)
    return Verdict(
        verdict="fail" if failed else "pass",
        promote=promote,
        promote_reason=reason,
        checks=checks,
        champion_version=None if encounter is None else encounter.version,
        note=note,
        trials=encounter.trials if encounter else (),
        tries=encounter.tries if encounter else 0,
    )


def comparison(encounter: Encounter | None) -> dict[str, Any]:
    """Give the challenger against the champion in the numbers that a table has room for.

    `improvement` is positive when the challenger is better, whichever way the metric points.
    Empty where no champion was met, and without numbers where the two could not be compared.
    """
    if encounter is None:
        return {}
    found: dict[str, Any] = {"version": encounter.version, "outcome": _standing(encounter)}
    if encounter.trials:
        whole = encounter.trials[0]
        found |= {"metric": whole.metric, "rows": whole.rows}
        numbers = ("challenger", "champion", "improvement")
        found |= {name: getattr(whole, name) for name in numbers}
    return found


def _standing(encounter: Encounter) -> str:
    if encounter.identical:
        return "identical"
    gain = encounter.trials[0].improvement if encounter.trials else None
    if gain is None:
        return "not comparable"
    return "better" if gain > 0 else "worse" if gain < 0 else "equal"


def summary(verdict: Verdict) -> str:
    """Give the verdict's reason in one line: what failed, else what becomes of the champion.

    The verdict's note comes last.
    """
    failed = [check.reason for check in verdict.checks if not check.passed]
    note = [f"note: {verdict.note}"] if verdict.note else []
    return "; ".join([*(failed or [verdict.promote_reason]), *note])


def answer(check: Check) -> str:
    """The answer to a question in one word."""
    if not check.judged:
        return "skip"
    return "ok" if check.passed else "FAIL"


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


def _outcome(model: str, encounter: Encounter) -> tuple[bool, str]:
    champion = f"champion (version {encounter.version})"
    if encounter.identical:
        return False, f"the bundle is the {champion} already"
    if not encounter.trials:
        return False, (
            f"the {champion} cannot be compared: {encounter.obstacle}; "
            f"registered as challenger, promote it by hand: mltk models promote {model} challenger"
        )
    whole, *slices = encounter.trials
    said = f"{whole.metric} is not comparable with that of the {champion}"
    if whole.challenger is not None and whole.champion is not None:
        said = (
            f"{whole.metric} {amount(whole.challenger)} against {amount(whole.champion)} of the "
            f"{champion} on the same {whole.rows} rows"
        )
    worse = [trial.reason for trial in slices if not trial.passed]
    reason = "; ".join([f"{said}: {whole.reason}", *worse])
    return whole.passed and not worse, reason
