"""Runs to their end, with progress on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import click

from mltk.cli.engine import Effort
from mltk.cli.follow import children
from mltk.cli.outcome import Outcome, outcome
from mltk.cli.place import Place
from mltk.cli.progress import Progress
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

    `claimed` is called when the engine has taken the first of the runs. On Ctrl-C it is said what
    became of the runs, and KeyboardInterrupt is raised.
    """
    with Progress() as progress:

        def observe(obj: Obj) -> None:
            claimed()
            progress(obj)

        try:
            place.engine.drive(runs, follow, observe, effort or Effort())
        except KeyboardInterrupt:
            interrupted = True
        else:
            interrupted = False
    if interrupted:
        _say_how_to_go_on(place, runs, follow)
        raise KeyboardInterrupt
    return [_outcome(place, run) for run in (*runs, *follow)]


def outcomes(place: Place, runs: Iterable[Obj]) -> list[Outcome]:
    """How runs that have ended ended."""
    return [_outcome(place, run) for run in runs]


def _outcome(place: Place, run: Obj) -> Outcome:
    run = _now(place, run)
    return outcome(run, children(place.backend, run))


def _now(place: Place, run: Obj) -> Obj:
    return place.backend.get(run["kind"], name_of(run), namespace_of(run))


def _say_how_to_go_on(place: Place, runs: Sequence[Obj], follow: Sequence[Obj]) -> None:
    words = [place.engine.parting(_now(place, run), own=True) for run in runs]
    words += [place.engine.parting(_now(place, run), own=False) for run in follow]
    for each in filter(None, words):
        click.echo(each, err=True)
