"""What a search is going to do, and what came of its trials: tables, and documents of the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from mltk.cli.outcome import Outcome, exit_code
from mltk.cli.output import table, write_document
from mltk.cli.parts import Part, parts
from mltk.cli.place import Place
from mltk.cli.summary import write_summary
from mltk.project.search import TRIALS
from mltk.project.trials import PlannedTrial, SearchPlan
from mltk.tekton.labels import PIPELINE_TASK
from mltk.tekton.objects import labels_of, results
from mltk.wording import amount, worded

_TASK = TRIALS.format("")
CHOSEN, STOPPED, DONE, FAILED, MISSING = "chosen", "stopped early", "done", "failed", "not done"


@dataclasses.dataclass(frozen=True)
class Trial:
    """What came of one trial; numbers are None where it did not get so far.

    `rung` is the last one that it took part in, from 1, and 0 for none.
    """

    planned: PlannedTrial
    state: str
    rung: int = 0
    epochs: int = 0
    best_epoch: int | None = None
    loss: float | None = None
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `-o json`."""
        return {
            "trial": self.planned.number,
            "name": self.planned.name,
            "parameters": dict(self.planned.parameters),
            "state": self.state,
            "rung": self.rung,
            "epochs": self.epochs,
            "bestEpoch": self.best_epoch,
            "validationLoss": self.loss,
            "failure": self.why,
        }

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        state = f"{self.state}: {self.why}" if self.why else self.state
        return (
            str(self.planned.number),
            *map(worded, self.planned.parameters.values()),
            str(self.epochs) if self.epochs else "-",
            "-" if self.loss is None else amount(self.loss),
            state,
        )


def trials(plan: SearchPlan, made: Iterable[Part], chosen: str) -> list[Trial]:
    """What came of the trials of a run that consists of `made`, the best of the last rung first.

    `chosen` is the name of the one that was taken, empty where the run did not come to that.
    """
    told: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for part in made:
        rung = labels_of(part.obj).get(PIPELINE_TASK, "").removeprefix(_TASK)
        outcome = results(part.obj).get("outcome") if rung.isdecimal() else None
        if outcome is not None:
            found = json.loads(str(outcome))
            told[found["trial"]] = max((int(rung), found), told.get(found["trial"], (0, {})),
                                       key=lambda each: each[0])  # fmt: skip
    over = bool(chosen)
    listed = [_trial(plan, each, told.get(each.name), chosen, over=over) for each in plan.trials]
    return sorted(listed, key=_place)


def _trial(
    plan: SearchPlan,
    planned: PlannedTrial,
    told: tuple[int, Mapping[str, Any]] | None,
    chosen: str,
    *,
    over: bool,
) -> Trial:
    if told is None:
        return Trial(planned, MISSING)
    rung, found = told
    loss, why = found["validationLoss"], found["failure"]
    if planned.name == chosen:
        state = CHOSEN
    elif loss is None:
        state = FAILED
    else:
        state = STOPPED if over and rung < len(plan.rungs) else DONE
    return Trial(planned, state, rung, found["epochs"], found["bestEpoch"], loss, why)


def _place(trial: Trial) -> tuple[bool, bool, int, float, int]:
    lost = trial.loss is None
    return trial.state != CHOSEN, lost, -trial.rung, trial.loss or 0.0, trial.planned.number


def show_plan(model: str, plan: SearchPlan, output: str, *, final: bool) -> None:
    """Print the plan: to stdout where it is all that is asked for, else to stderr."""
    if final and output == "name":
        for each in plan.trials:
            click.echo(each.name)
    elif final and output != "table":
        write_document(plan_document(model, plan), output)
    else:
        if final:
            rows = [(str(t.number), *map(worded, t.parameters.values())) for t in plan.trials]
            click.echo(table(("TRIAL", *_titles(plan)), rows))
        for line in plan_lines(model, plan):
            click.echo(line, err=not final)


def plan_lines(model: str, plan: SearchPlan) -> Iterator[str]:
    """How many trials there are, and what they may cost."""
    first, *later = plan.rungs
    yield f"{model}: {first.trials} trials, each up to {first.epochs} epochs"
    for rung in later:
        yield f"  the best {rung.trials} go on to {rung.epochs} epochs"
    yield f"  at most {plan.epochs} epochs in all, and then those of the model that is chosen"


def plan_document(model: str, plan: SearchPlan) -> dict[str, Any]:
    """The plan for `-o json`."""
    return {
        "model": model,
        "trials": [
            {"trial": each.number, "name": each.name, "parameters": dict(each.parameters)}
            for each in plan.trials
        ],
        "rungs": [dataclasses.asdict(rung) for rung in plan.rungs],
        "epochs": plan.epochs,
    }


def tell(place: Place, model: str, plan: SearchPlan, ended: Outcome, output: str) -> int:
    """Say what came of the trials and of the model that was chosen; the exit code."""
    run = place.backend.get(ended.kind, ended.run, ended.namespace)
    chosen = str(results(run).get("trial", ""))
    found = trials(plan, parts(place.backend, run), chosen)
    if ended.failure is None:
        ended = dataclasses.replace(ended, model=model)
    if output == "name":
        click.echo(f"{ended.kind.lower()}.tekton.dev/{ended.run}")
    elif output != "table":
        write_document(
            {
                "model": model,
                "chosen": next((each.as_dict() for each in found if each.state == CHOSEN), None),
                "trials": [each.as_dict() for each in found],
                "delivery": ended.as_dict(),
            },
            output,
        )
    else:
        titles = ("TRIAL", *_titles(plan), "EPOCHS", "VALIDATION LOSS", "STATE")
        click.echo(table(titles, [each.cells() for each in found]))
        click.echo("")
        write_summary(place, [ended])
        for line in _to_keep(model, found):
            click.echo(line)
    return exit_code([ended])


def _to_keep(model: str, found: Iterable[Trial]) -> Iterator[str]:
    """What to write into mltk.yaml: until then the next run takes what it says now."""
    chosen = next((each for each in found if each.state == CHOSEN), None)
    if chosen is None:
        return
    yield f"\nto keep these parameters, write into models.{model} of mltk.yaml:"
    sections: dict[str, list[str]] = {}
    for name, value in chosen.planned.parameters.items():
        section, _, key = name.partition(".")
        sections.setdefault(section, []).append(f"{key}: {json.dumps(value)}")
    for section, said in sections.items():
        yield f"  {section}: {{{', '.join(said)}}}"


def _titles(plan: SearchPlan) -> tuple[str, ...]:
    """The names of the parameters as titles, without their section where that is clear."""
    names = list(plan.trials[0].parameters)
    short = [name.partition(".")[2] for name in names]
    return tuple(
        (one if short.count(one) == 1 else name).upper()
        for name, one in zip(names, short, strict=True)
    )
