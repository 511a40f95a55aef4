"""Windows of the past: which of a stretch of time to run, and running them, a few at a time.

What is done follows from the runs: one that did the same is found by its key. So a backfill that
was interrupted, even killed, is typed again and goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import click

from mltk.cli import window_ledgers
from mltk.cli.delivery import request, sources
from mltk.cli.drive import drive, outcomes
from mltk.cli.engine import Effort
from mltk.cli.outcome import Outcome
from mltk.cli.output import short_digest, table, write_document
from mltk.cli.place import Place
from mltk.cli.planning import Plan, existing, plan, state_of
from mltk.cli.summary import finish
from mltk.data.windows.ledger import Entry, Ledger
from mltk.data.windows.planning import Standing
from mltk.data.windows.times import parse_moment
from mltk.errors import UsageError
from mltk.moments import microseconds
from mltk.project.request import select_one
from mltk.project.windowed import name_of, request_of, windows_of
from mltk.tekton.objects import Obj
from mltk.tekton.objects import name_of as run_name

Action = Literal["train", "up to date", "running", "open", "few rows", "begins before the data"]

_TITLES = ("WINDOW", "ROWS", "DATA", "ACTION", "RUN")


@dataclasses.dataclass(frozen=True)
class Stretch:
    """From when to when, as it was typed: ISO 8601, without an offset in the model's time zone."""

    begin: str
    end: str


@dataclasses.dataclass(frozen=True)
class Step:
    """One window of the plan: what is to be done, the run that did it, or the one to make."""

    standing: Standing
    action: Action
    manifest: Obj
    run: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `-o json`."""
        return {
            "window": name_of(self.standing),
            "rows": self.standing.rows,
            "dataVersion": self.standing.digest,
            "action": self.action,
            "run": self.run,
        }


@dataclasses.dataclass(frozen=True)
class Backfill:
    """The plan for one model, oldest window first."""

    project: str
    model: str
    geometry: str
    steps: tuple[Step, ...]

    @property
    def chosen(self) -> tuple[Step, ...]:
        """Those that are run, or waited for."""
        return tuple(step for step in self.steps if step.action in ("train", "running"))


def plan_backfill(
    place: Place, model: str, stretch: Stretch, now: datetime, *, force: bool = False
) -> Backfill:
    """Decide for each window that lies wholly in the stretch and holds rows.

    All rows count that are there: what is known of final windows is left out of account. Raises
    UsageError for a stretch that is none, or holds no such window.
    """
    found = sources(place)
    name = select_one(found.project, model)
    windows = windows_of(found.project, name)
    begin, end = _bounds(windows.zone(), stretch)
    asked = request(found, name)
    look = found.look(asked, Ledger(), microseconds(now))
    inside = [each for each in look.standings if _lies_in(each, begin, end)]
    if not inside:
        raise UsageError(
            f"no window with rows lies between {stretch.begin} and {stretch.end}",
            hint=f"`mltk windows list {model}` shows the windows",
        )
    with place.engine.turn():
        steps = [
            _step(place, each, found.manifest(place, request_of(asked, each)), force=force)
            for each in inside
        ]
    geometry = windows.rules().geometry
    return Backfill(found.project.project, name, geometry, tuple(steps))


def _lies_in(each: Standing, begin: int, end: int) -> bool:
    return each.rows > 0 and each.window.start >= begin and each.window.end <= end


def show(planned: Backfill, output: str, *, final: bool) -> None:
    """Print the plan: to stdout where it is all that is asked for, else to stderr."""
    if final and output not in ("table", "name"):
        write_document([step.as_dict() for step in planned.steps], output)
    elif final and output == "name":
        for step in planned.chosen:
            click.echo(f"{planned.model}/{name_of(step.standing)}")
    else:
        rows = [
            (
                name_of(step.standing),
                str(step.standing.rows),
                short_digest(step.standing.digest),
                step.action,
                step.run or "-",
            )
            for step in planned.steps
        ]
        click.echo(table(_TITLES, rows), err=not final)


def carry_out(
    place: Place,
    planned: Backfill,
    parallel: int,
    output: str,
    *,
    force: bool = False,
    runtime: str | None = None,
) -> int:
    """Run the windows of the plan, `parallel` runs at a time; the exit code of `mltk run`.

    Each batch is decided anew when its turn comes, so that two backfills do not double a run.
    """
    ended: list[Outcome] = []
    effort = Effort(parallel, runtime=runtime)
    with place.engine.held([step.manifest for step in planned.chosen], effort):
        for batch in _batches(planned.chosen, parallel):
            ended += _run_batch(place, planned, batch, effort, force=force)
            click.echo(f"{len(ended)} of {len(planned.chosen)} windows", err=True)
    return finish(place, ended, output)


def _run_batch(
    place: Place, planned: Backfill, batch: Sequence[Step], effort: Effort, *, force: bool
) -> list[Outcome]:
    with place.engine.turn() as turn:
        made = plan(place, [step.manifest for step in batch], force=force)
        _record(place, planned, batch, made)
        if not made.new:
            turn.close()
        done = outcomes(place, made.done)
        ran = drive(place, made.new, follow=made.running, effort=effort, claimed=turn.close)
    return [*done, *ran]


def _batches(steps: Sequence[Step], size: int) -> Iterator[Sequence[Step]]:
    for first in range(0, len(steps), size):
        yield steps[first : first + size]


def _step(place: Place, each: Standing, manifest: Obj, *, force: bool) -> Step:
    if each.state == "open":
        return Step(each, "open", manifest)
    if each.fate == "few":
        return Step(each, "few rows", manifest)
    if each.fate == "partial":
        return Step(each, "begins before the data", manifest)
    run = None if force else existing(place, manifest)
    if run is None:
        return Step(each, "train", manifest)
    return Step(each, state_of(run), manifest, run_name(run))


def _record(place: Place, planned: Backfill, batch: Sequence[Step], made: Plan) -> None:
    """Let the ledger know the rows that are learnt from now, so that no tick counts them as late.

    A model that nobody has ticked for has no ledger yet, and its first tick finds the runs.
    """
    kept = window_ledgers.read(place, planned.project, planned.model)
    if kept.ledger.watermark is None or kept.ledger.geometry != planned.geometry:
        return
    entries = dict(kept.ledger.entries)
    for step, run in zip(batch, made.in_order, strict=True):
        entries[step.standing.window.index] = _entry(entries, step.standing, run)
    ledger = dataclasses.replace(kept.ledger, entries=entries)
    window_ledgers.write(place, planned.project, planned.model, kept, ledger)


def _entry(entries: dict[int, Entry], each: Standing, run: Obj) -> Entry:
    known = entries.get(each.window.index)
    same = known is not None and known.digest == each.digest
    version = (known.version if known else 0) + (0 if same else 1)
    return Entry(version, each.rows, each.digest, "run", run_name(run))


def _bounds(zone: ZoneInfo, stretch: Stretch) -> tuple[int, int]:
    try:
        begin, end = parse_moment(stretch.begin, zone), parse_moment(stretch.end, zone)
    except ValueError as error:
        raise UsageError(str(error), hint="write --from 2026-01-01 --to 2026-07-01") from None
    if begin >= end:
        raise UsageError(
            f"--to {stretch.end} is not after --from {stretch.begin}", hint="exchange the two"
        )
    return begin, end
