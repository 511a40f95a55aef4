"""What the trials of a search have found, and which of them go on. Pure but for reading records."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from mltk.errors import StepError
from mltk.project.trials import SearchPlan
from mltk.records import Record

VALIDATION_LOSS = "validation_loss"
_LONGEST = 300
"""Characters of a failure in a result: all results of a TaskRun share 4,096 bytes."""


@dataclasses.dataclass(frozen=True)
class TrialRecord(Record):
    """trial: what one trial came to with up to `budget` epochs.

    `key` names what all trials of the search have in common. `curves` have one number an epoch;
    `stopped` says that more epochs would change nothing, and `failure` why it has no model.
    """

    filename: ClassVar[str] = "trial.json"

    name: str
    key: str
    parameters: dict[str, Any]
    budget: int
    curves: dict[str, tuple[float, ...]]
    stopped: bool
    weights: int = 0
    seconds: float = 0.0
    failure: str = ""

    @property
    def losses(self) -> tuple[float, ...]:
        """The validation loss of each epoch."""
        return self.curves.get(VALIDATION_LOSS, ())

    def knows(self, epochs: int) -> bool:
        """Whether it tells what comes of so many epochs."""
        return self.budget >= epochs or self.stopped or bool(self.failure)

    def loss(self, epochs: int) -> float | None:
        """The least validation loss within so many epochs; None where it failed in them."""
        if not self.losses or (self.failure and epochs > len(self.losses)):
            return None
        return min(self.losses[:epochs])

    def told(self, epochs: int) -> dict[str, Any]:
        """The outcome after so many epochs, as small as a result has to be."""
        loss, losses = self.loss(epochs), self.losses[:epochs]
        return {
            "trial": self.name,
            "parameters": self.parameters,
            "epochs": len(losses),
            "bestEpoch": losses.index(loss) + 1 if loss is not None else None,
            "validationLoss": loss,
            "stopped": self.stopped and len(self.losses) <= epochs,
            "failure": self.failure[:_LONGEST] if loss is None else "",
        }


def read(folder: Path, key: str) -> TrialRecord | None:
    """The record in the folder of a trial; None without one, or with one of something else."""
    try:
        found = TrialRecord.read(folder)
    except StepError:
        return None
    return found if found.key == key else None


def going_on(plan: SearchPlan, records: Mapping[str, TrialRecord], rung: int) -> tuple[str, ...]:
    """The trials that take part in a rung, from 0, the best one first but for the first rung.

    StepError where none is left.
    """
    names = tuple(trial.name for trial in plan.trials)
    for before, here in zip(plan.rungs[:rung], plan.rungs[1 : rung + 1], strict=True):
        names = best(plan, records, names, before.epochs)[: here.trials]
    return names


def winner(plan: SearchPlan, records: Mapping[str, TrialRecord]) -> str:
    """The trial with the least validation loss of those that came as far as the last rung."""
    last = len(plan.rungs) - 1
    return best(plan, records, going_on(plan, records, last), plan.rungs[last].epochs)[0]


def best(
    plan: SearchPlan, records: Mapping[str, TrialRecord], names: Iterable[str], epochs: int
) -> tuple[str, ...]:
    """Trials by their validation loss within so many epochs; those that failed are left out.

    StepError where one has no record, which would be passed over unseen, or all failed.
    """
    numbers = {trial.name: trial.number for trial in plan.trials}
    losses = {name: _recorded(plan, records, name).loss(epochs) for name in names}
    found = sorted((loss, numbers[name], name) for name, loss in losses.items() if loss is not None)
    if not found:
        raise _none_left(plan, records)
    return tuple(name for _, _, name in found)


def _recorded(plan: SearchPlan, records: Mapping[str, TrialRecord], name: str) -> TrialRecord:
    if name in records:
        return records[name]
    raise StepError(
        f"trial {plan.trial(name).number} left no record of what it came to",
        where=f"trials/{name}/{TrialRecord.filename}",
        hint="make all trials anew: mltk search MODEL --force",
    )


def _none_left(plan: SearchPlan, records: Mapping[str, TrialRecord]) -> StepError:
    failed = [each for each in records.values() if each.failure]
    why = f"; {failed[0].failure}" if failed else ""
    return StepError(
        f"all {len(plan.trials)} trials failed{why}",
        where="mltk.yaml: search.parameters",
        hint="search smaller learning rates, or other parameters",
    )
