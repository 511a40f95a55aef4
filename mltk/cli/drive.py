"""Runs to their end, with progress on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import click

from mltk.cli.engine import Effort
from mltk.cli.outcome import Outcome, outcome
from mltk.cli.parts import parts
from mltk.cli.place import Place
from mltk.cli.progress import Progress
from mltk.errors import InfrastructureError, NotFound
from mltk.tekton.objects import Obj, name_of, namespace_of


def drive(
    place: Place,
    runs: Sequence[Obj],
    *,
    follow: Sequence[Obj] = (),
    effort: Effort | None = None,
    claimed: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Take `runs` to their end and wait for those in `follow`; say how all ended.

    `claimed` is called when the engine has taken the first of the runs. On Ctrl-C, and when runs
    go on that can no longer be seen, it is said what becomes of them, and the error is raised.
    """
    effort = effort or Effort()
    ended_by: KeyboardInterrupt | InfrastructureError | None = None
    with Progress() as progress:

        def observe(obj: Obj) -> None:
            claimed()
            progress(obj)

        try:
            place.engine.drive(runs, follow, observe, effort)
        except (KeyboardInterrupt, InfrastructureError) as error:
            ended_by = error
    if ended_by is None:
        ended = [_outcome(place, run, keeps=effort.cache) for run in runs]
        return [*ended, *outcomes(place, follow)]
    if isinstance(ended_by, KeyboardInterrupt) or place.engine.runs_go_on:
        _say_how_to_go_on(place, runs, follow)
    raise ended_by


def outcomes(place: Place, runs: Iterable[Obj]) -> list[Outcome]:
    """How runs that have ended ended."""
    return [_outcome(place, run) for run in runs]


def _outcome(place: Place, run: Obj, *, keeps: bool = True) -> Outcome:
    run = _now(place, run)
    return outcome(run, list(parts(place.backend, run)), keeps=keeps)


def _now(place: Place, run: Obj) -> Obj:
    return place.backend.get(run["kind"], name_of(run), namespace_of(run))


def _say_how_to_go_on(place: Place, runs: Sequence[Obj], follow: Sequence[Obj]) -> None:
    for run, own in (*((run, True) for run in runs), *((run, False) for run in follow)):
        with suppress(NotFound):
            if words := place.engine.parting(_now_if_possible(place, run), own=own):
                click.echo(words, err=True)


def _now_if_possible(place: Place, run: Obj) -> Obj:
    try:
        return _now(place, run)
    except NotFound:
        raise
    except InfrastructureError:  # out of reach, which must not hide that the run goes on
        return run
