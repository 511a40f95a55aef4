"""Runs to their end in this process, with progress on stderr; those of others are followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import click

from mltk.cli.labels import MODEL
from mltk.cli.logs import children
from mltk.cli.outcome import CANCELLED, Outcome, outcome
from mltk.cli.place import Place
from mltk.cli.progress import Progress
from mltk.tekton.objects import Obj, is_done, name_of, namespace_of, reason

_MOST_JOBS = 8


def default_jobs() -> int:
    """As many TaskRuns at a time as there are processors, at least 2 and at most 8."""
    return max(2, min(_MOST_JOBS, os.cpu_count() or 1))


def drive(
    place: Place,
    runs: Sequence[Obj],
    *,
    follow: Sequence[Obj] = (),
    jobs: int | None = None,
    cache: bool = True,
    warm: bool = True,
    claimed: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Run `runs` with the embedded engine, then wait for those in `follow`; say how all ended.

    `warm` starts importing what steps need at once, which is a waste when most will be restored.
    `claimed` is called when the engine has taken the first of the runs. On Ctrl-C the runs are
    cancelled, those followed go on, and KeyboardInterrupt is raised.
    """
    with Progress() as progress:

        def observe(obj: Obj) -> None:
            claimed()
            progress(obj)

        try:
            _run(place, runs, observe, jobs=jobs or default_jobs(), cache=cache, warm=warm)
            for run in follow:
                _follow(place, run, progress)
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


def _run(
    place: Place,
    runs: Sequence[Obj],
    observe: Callable[[Obj], None],
    *,
    jobs: int,
    cache: bool,
    warm: bool,
) -> None:
    if not runs:
        return
    from mltk.cli.warm import WARM
    from mltk.local.engine import Engine
    from mltk.local.process import ProcessRuntime
    from mltk.project.key import environment

    with ProcessRuntime(WARM if _uses_steps(runs) else ()) as runtime:
        if warm:
            runtime.prewarm()
        engine = Engine(
            place.backend.store,
            runtime,
            layout=place.backend.layout,
            jobs=jobs,
            observer=observe,
            environment=environment(),
            cache=cache,
        )
        for (kind, namespace), group in groupby(runs, lambda run: (run["kind"], namespace_of(run))):
            engine.run([name_of(run) for run in group], namespace, kind=kind)


def _uses_steps(runs: Sequence[Obj]) -> bool:
    """Whether the runs are deliveries of models, for which starting warm pays."""
    return any(MODEL in (run["metadata"].get("labels") or {}) for run in runs)


def _follow(place: Place, run: Obj, observe: Callable[[Obj], None]) -> None:
    from mltk.local.recovery import recover

    store = place.backend.store
    mark = store.mark()
    while True:
        run = store.get(run["kind"], name_of(run), namespace_of(run))
        for obj in (run, *children(place.backend, run)):
            observe(obj)
        if is_done(run):
            return
        mark = store.wait(mark)
        recover(store)


def _outcome(place: Place, run: Obj) -> Outcome:
    run = place.backend.get(run["kind"], name_of(run), namespace_of(run))
    return outcome(run, children(place.backend, run))


def _say_how_to_go_on(place: Place, runs: Sequence[Obj], follow: Sequence[Obj]) -> None:
    for run in runs:
        name = name_of(run)
        now = place.backend.get(run["kind"], name, namespace_of(run))
        if reason(now) in CANCELLED:
            click.echo(f"{name} was cancelled; go on with: mltk rerun {name}", err=True)
        elif is_done(now):
            click.echo(f"{name} had ended: {reason(now)}", err=True)
    for run in follow:
        name = name_of(run)
        click.echo(f"{name} goes on in its own process; stop it with: mltk cancel {name}", err=True)
