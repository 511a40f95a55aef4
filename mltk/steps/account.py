"""The account of a run: what its steps left behind, put into words and into what MLflow keeps.

Any part may be missing, because a run may stop anywhere. Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from mltk.data.quality.found import DataChecks
from mltk.data.quality.judging import warnings
from mltk.records import (
    Evaluation,
    Registration,
    Source,
    TableReport,
    TrainingReport,
    Verdict,
    Verification,
)
from mltk.steps.judge import answer, summary
from mltk.steps.results import metrics_text
from mltk.wording import amount


@dataclasses.dataclass(frozen=True)
class Account:
    """A run with the records that it got to; `tasks` are Tekton's statuses by task name.

    Without `registers` the model was only to be judged, as for a pull request. `event_id` is the
    event that asked for the run, empty where a person did.
    """

    run: str
    model: str
    repository: str
    revision: str
    tasks: Mapping[str, str]
    source: Source | None = None
    table: TableReport | None = None
    training: TrainingReport | None = None
    evaluation: Evaluation | None = None
    verification: Verification | None = None
    verdict: Verdict | None = None
    checks: DataChecks | None = None
    registration: Registration | None = None
    registers: bool = True
    event_id: str = ""

    @property
    def failed(self) -> tuple[str, ...]:
        """The tasks that failed."""
        return tuple(name for name, status in self.tasks.items() if status == "Failed")

    @property
    def outcome(self) -> str:
        """One word: failed, rejected, registered, judged, or incomplete (cancelled, timed out)."""
        if self.failed:
            return "failed"
        if self.verdict is not None and self.verdict.verdict == "fail":
            return "rejected"
        if self.registration is not None:
            return "registered"
        return "incomplete" if self.registers or self.verdict is None else "judged"

    @property
    def headline(self) -> str:
        """What became of the run, in one line."""
        if self.outcome == "failed":
            return f"failed in {', '.join(self.failed)}"
        if self.outcome == "rejected" and self.verdict is not None:
            return f"rejected by the gate: {summary(self.verdict)}"
        if self.outcome == "judged" and self.verdict is not None:
            return f"passed the gate, not registered: {summary(self.verdict)}"
        if self.registration is None:
            return "stopped before it was judged" if self.verdict is None else "not registered"
        kept = self.registration
        return f"version {kept.version}, {kept.alias}" + ("" if kept.created else " (as before)")

    def results(self) -> dict[str, str]:
        """Give the task results; empty where nothing is known."""
        kept, metrics = self.registration, self.metrics()
        digest = self.verification.digest if self.verification else ""
        return {
            "model": self.model,
            "verdict": self.verdict.verdict if self.verdict else "",
            "model-version": kept.version if kept else "",
            "alias": kept.alias if kept else "",
            "bundle-digest": digest,
            "metrics": metrics_text(metrics) if metrics else "",
            "data-version": self.source.data_version if self.source else "",
        }

    def metrics(self) -> dict[str, float]:
        """Give the hold-out metrics by name; empty when the run did not get there."""
        return {m.name: m.value for m in self.evaluation.metrics} if self.evaluation else {}


def markdown(account: Account) -> str:
    """Write the account as a page for people: what happened, and why."""
    parts = [
        [f"# {account.model}: {account.headline}"],
        list(_origin(account)),
        _table(("task", "status"), [(name, status) for name, status in account.tasks.items()]),
        *judgement(account.verdict),
        *measured(account.evaluation),
        *_proof(account.verification),
        *_warnings(account.table, account.checks),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _origin(account: Account) -> Iterator[str]:
    yield f"- run {account.run}"
    if account.event_id:
        yield f"- event {account.event_id}"
    yield f"- revision {account.revision or 'unknown'} of {account.repository or 'unknown'}"
    if account.source:
        yield f"- data {account.source.data_path}, {account.source.data_version}"
        if account.source.window:
            yield f"- window {account.source.window}"
        yield f"- key {account.source.key}"
    if account.verification:
        yield f"- bundle {account.verification.digest}"


def judgement(verdict: Verdict | None) -> Iterator[list[str]]:
    """What the gate said, by paragraphs."""
    if verdict is None:
        return
    yield [f"## Gate: {verdict.verdict}"]
    yield [f"- {answer(check)}: {check.reason}" for check in verdict.checks]
    yield [f"Champion: {verdict.promote_reason}."]
    yield [f"- {'ok' if trial.passed else 'STOP'}: {trial.reason}" for trial in verdict.trials[1:]]
    if verdict.note:
        yield [f"Note: {verdict.note}."]


def measured(evaluation: Evaluation | None) -> Iterator[list[str]]:
    """The metrics beside those of the baselines, by paragraphs."""
    if evaluation is None:
        return
    yield [f"## Metrics on {evaluation.rows} hold-out rows"]
    names = sorted(evaluation.baselines, key=lambda name: (name != "trivial", name))
    yield _table(
        ("metric", "value", "95 % interval", *names),
        [
            (
                metric.name,
                amount(metric.value, metric.unit),
                f"{amount(metric.low)} to {amount(metric.high)}",
                *(_known(evaluation.baselines[name].get(metric.name)) for name in names),
            )
            for metric in evaluation.metrics
        ],
    )


def _known(value: float | None) -> str:
    return "" if value is None else amount(value)


def _proof(verification: Verification | None) -> Iterator[list[str]]:
    if verification is None:
        return
    yield ["## The export against Keras"]
    yield _table(
        ("backend", "rows", "largest error", "of the output's scale"),
        [
            (c.backend, str(c.rows), amount(c.max_absolute_error), amount(c.max_relative_error))
            for c in verification.backends
        ],
    )


def _warnings(table: TableReport | None, checks: DataChecks | None) -> Iterator[list[str]]:
    lines = [*(table.warnings if table else ()), *(warnings(checks) if checks else ())]
    if lines:
        yield ["## Warnings about the data"]
        yield [f"- {line}" for line in lines]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [tuple(head), tuple("-" * len(title) for title in head), *map(tuple, rows)]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
