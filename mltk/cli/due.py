"""The windows that are due, beside whatever else a command makes, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from mltk.cli.engine import note
from mltk.cli.place import Place
from mltk.cli.planning import Plan
from mltk.cli.ticking import Tick, tick
from mltk.errors import MltkError
from mltk.project.windowed import name_of
from mltk.tekton.objects import name_of as run_name

NOTHING = Plan((), (), (), ())


def due(
    place: Place, models: Sequence[str], now: datetime, params: Mapping[str, str]
) -> tuple[Plan, int]:
    """Make the runs of all windows of `models` that are due, and say so. The turn must be held.

    Also gives the exit code of what is wrong with the data of one of them, 0 for nothing: that is
    said, and keeps no other model waiting.
    """
    try:
        found = tick(place, models, now, params)
    except MltkError as error:  # each of them is wrong, and this is the first
        click.echo(error.describe(), err=True)
        return NOTHING, error.exit_code
    tell(found)
    return found.plan, exit_code(found)


def exit_code(found: Tick) -> int:
    """That of the first model that could not be looked at."""
    return next((each.exit_code for each in found.failures.values()), 0)


def tell(found: Tick) -> None:
    """Say on stderr what is due, and what came too late."""
    for model, error in found.failures.items():
        click.echo(f"{model}:\n{error.describe()}", err=True)
    for each in found.models:
        for text in each.notes:
            note(text)
        standings = {s.window.index: s for s in each.look.due} if each.look else {}
        for index, run in each.runs.items():
            found_due = standings.get(index)
            said = "again"
            if found_due:
                said = f"{name_of(found_due)}, version {found_due.version}, {found_due.rows} rows"
            click.echo(f"due: {each.model} {said}, run {run_name(run)}", err=True)
        if each.look and each.look.late:
            note(
                f"{each.model}: {each.look.late} rows came too late for windows that are"
                f" final: mltk windows list {each.model}"
            )
        if not each.runs:
            click.echo(f"nothing is due: {each.model}", err=True)
