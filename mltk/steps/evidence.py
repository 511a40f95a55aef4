"""What MLflow keeps of a run: params, numbers, curves and tags, from the run's account. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mltk.data.quality.found import DataChecks
from mltk.records import TrainingReport
from mltk.registry import Facts
from mltk.registry.rows import parameter_tags
from mltk.steps.account import Account
from mltk.steps.judge import summary

if TYPE_CHECKING:
    from mltk.project.spec import Model


def of_run(account: Account, spec: Model | None, page: str) -> Facts:
    """Give the facts of the whole run; `page` becomes the note that MLflow's pages show."""
    return Facts(
        params=dict(_params(spec)) if spec else {},
        metrics=dict(_metrics(account)) | dict(_data(account.checks)),
        tags={**_origin(account), **_fate(account), "mlflow.note.content": page},
    )


def of_tasks(account: Account) -> dict[str, Facts]:
    """Give the facts of each task that ran, by task name."""
    known = {
        "fetch-data": Facts(tags=_origin(account)),
        "train-model": _training(account),
        "gate-model": _gate(account),
        "register-model": Facts(tags=_fate(account)),
    }
    return {
        name: known.get(name, Facts()) for name, status in account.tasks.items() if status != "None"
    }


def _params(spec: Model) -> Iterator[tuple[str, str]]:
    lists = {"features", "targets"}
    said = spec.model_dump(mode="json", exclude={"description", *lists}, exclude_none=True)
    yield from _flat("", said)
    yield "features", ", ".join(feature.name for feature in spec.features)
    if spec.targets:
        yield "targets", ", ".join(target.name for target in spec.targets)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else key, item)
    else:
        yield prefix, value if isinstance(value, str) else json.dumps(value)


def _metrics(account: Account) -> Iterator[tuple[str, float]]:
    if account.evaluation is None:
        return
    for metric in account.evaluation.metrics:
        yield metric.name, metric.value
        yield f"{metric.name}.low", metric.low
        yield f"{metric.name}.high", metric.high
    for baseline, values in account.evaluation.baselines.items():
        for name, value in values.items():
            yield f"baseline.{baseline}.{name}", value


def _data(checks: DataChecks | None) -> Iterator[tuple[str, float]]:
    """Count what was found, and give the effects by which columns moved, for charts over time."""
    if checks is None:
        return
    yield "data.violations", len(checks.violations)
    yield "data.leaks", len(checks.leaks)
    if checks.champion:
        yield "data.drifted", len(checks.drifted)
    for shift in checks.shifts:
        if shift.what == "values":
            yield _plain(f"drift.{shift.column}"), shift.effect


def _training(account: Account) -> Facts:
    training, proof = account.training, account.verification
    numbers: dict[str, float] = {}
    if training:
        numbers |= {
            "parameters": training.parameters,
            "best_epoch": training.best_epoch,
            "seconds": training.seconds,
            **_pace(training),
        }
    for check in proof.backends if proof else ():
        numbers[f"parity.{check.backend}"] = check.max_relative_error
    tags = _known(
        {
            "mltk.start": training.start if training else "",
            "mltk.fresh-because": training.fresh_because if training else "",
            "mltk.hardware": training.hardware if training else "",
        }
    )
    curves = {f"epoch/{name}": curve for name, curve in training.curves.items()} if training else {}
    return Facts(metrics=numbers | dict(_metrics(account)), curves=curves, tags=tags)


def _pace(training: TrainingReport) -> dict[str, float]:
    found = {name: getattr(training, name) for name in ("examples_per_second", "utilisation")}
    return {name: value for name, value in found.items() if value is not None}


def _gate(account: Account) -> Facts:
    if account.verdict is None:
        return Facts()
    checks = {_plain(check.name): check for check in account.verdict.checks}
    values = {name: check.value for name, check in checks.items() if check.value is not None}
    tags = {f"mltk.check.{name}": check.reason for name, check in checks.items()}
    for trial in account.verdict.trials:
        name = _plain(f"champion.{trial.name}" if trial.name else "champion")
        numbers = {"improvement": trial.improvement, "p": trial.p_value, "alpha": trial.alpha}
        values |= {f"{name}.{key}": value for key, value in numbers.items() if value is not None}
        tags[f"mltk.check.{name}"] = trial.reason
    return Facts(metrics=values, tags=tags | _fate(account))


def _plain(name: str) -> str:
    """A name of the characters that MLflow takes."""
    return re.sub(r"[^A-Za-z0-9_\-. :/]", "_", name)


def _origin(account: Account) -> dict[str, str]:
    source = account.source
    return _known(
        {
            "mltk.model": account.model,
            "mltk.event-id": account.event_id,
            "mlflow.source.git.commit": account.revision,
            "mlflow.source.git.repoURL": account.repository,
            "mltk.data-version": source.data_version if source else "",
            "mltk.window": source.window if source else "",
            "mltk.key": source.key if source else "",
            **{f"mltk.key.{k}": v for k, v in (source.key_parts if source else {}).items()},
            **parameter_tags(source.parameters if source else {}),
        }
    )


def _fate(account: Account) -> dict[str, str]:
    kept, verdict = account.registration, account.verdict
    return _known(
        {
            "mltk.outcome": account.outcome,
            "mltk.verdict": verdict.verdict if verdict else "",
            "mltk.reason": summary(verdict) if verdict else "",
            "mltk.model-version": kept.version if kept else "",
            "mltk.alias": kept.alias if kept else "",
            "mltk.digest": account.verification.digest if account.verification else "",
            **{f"mltk.task.{name}": status for name, status in account.tasks.items()},
        }
    )


def _known(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if value}
