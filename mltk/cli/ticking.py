"""A tick: look at the windows of models once, and make the runs that are due.

`mltk windows tick` and `mltk listen` call `tick`; both then drive the runs, or leave them to who
does. It is idempotent: what a run was made for is in the ledger, and a run that is there already is
found by its key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from mltk.cli import window_ledgers
from mltk.cli.delivery import Sources, request, sources
from mltk.cli.folder import PROJECT_FILE
from mltk.cli.labels import MODEL
from mltk.cli.place import Place
from mltk.cli.planning import Plan, existing, plan
from mltk.cli.window_ledgers import Kept
from mltk.data.windows.ledger import Ledger
from mltk.data.windows.planning import Look, next_look
from mltk.errors import ConfigError, Conflict, MltkError
from mltk.moments import microseconds
from mltk.project.load import load
from mltk.project.request import RunRequest, select
from mltk.project.windowed import (
    backstep,
    request_of,
    version_looked_at,
    windows_of,
)
from mltk.tekton.attempts import INTERRUPTED
from mltk.tekton.objects import Obj, is_done, is_success, name_of, reason
from mltk.tekton.rerun import rerun

_TRIES = 3


@dataclasses.dataclass(frozen=True)
class Ticked:
    """What a tick found for one model.

    `look` is None where nothing changed since the last one; `runs` holds the windows that are due,
    by index. `notes` are for people.
    """

    model: str
    look: Look | None
    runs: dict[int, Obj]
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Tick:
    """All models that were looked at, and their runs: new, in other hands, or done before.

    `failures` are of models that could not be looked at, by name; they keep no other one waiting.
    """

    models: tuple[Ticked, ...]
    plan: Plan
    failures: dict[str, MltkError]


@dataclasses.dataclass(frozen=True)
class _Due:
    """One model before its runs are made: `manifests` by index of their window."""

    model: str
    kept: Kept
    look: Look | None
    manifests: dict[int, Obj]
    notes: tuple[str, ...]


def tick(
    place: Place,
    names: Sequence[str],
    now: datetime,
    params: Mapping[str, str] | None = None,
    *,
    retry: bool = False,
) -> Tick:
    """Make the runs of all windows that are due at `now`; the engine's turn must be held.

    `params` are for the new runs; a copy of one that was cut off keeps its own. `retry` makes those
    anew, too, that failed or were cancelled; those whose engine was killed are always made anew.
    Raises what the first look raised when no model could be looked at.
    """
    for _ in range(_TRIES - 1):
        with suppress(Conflict):  # on a cluster nobody holds a turn; what was made is found again
            return _tick(place, names, now, params or {}, retry=retry)
    return _tick(place, names, now, params or {}, retry=retry)


def _tick(
    place: Place, names: Sequence[str], now: datetime, params: Mapping[str, str], *, retry: bool
) -> Tick:
    found = sources(place)
    chosen = _chosen(found, names)
    due: list[_Due] = []
    failures: dict[str, MltkError] = {}
    for name in chosen:
        try:
            due.append(_due(place, found, name, now, params, retry=retry))
        except MltkError as error:
            failures[name] = error
    if not due:
        raise next(iter(failures.values()))
    manifests = [manifest for each in due for manifest in each.manifests.values()]
    planned = plan(place, manifests, force=False)
    made = iter(planned.in_order)
    ticked = []
    for each in due:
        runs = {index: next(made) for index in each.manifests}
        _keep(place, found, each, runs)
        ticked.append(Ticked(each.model, each.look, runs, each.notes))
    return Tick(tuple(ticked), planned, failures)


def _chosen(found: Sources, names: Sequence[str]) -> list[str]:
    """The models of `names`, or all that have windows; ConfigError where there are none."""
    chosen = select(found.project, names)
    if names:
        for name in chosen:
            windows_of(found.project, name)
        return list(chosen)
    with_windows = [name for name in chosen if found.project.models[name].windows]
    if not with_windows:
        raise ConfigError(
            "no model has windows",
            where=PROJECT_FILE,
            hint="give one some, as in windows: {every: 1d, length: 7d, time_column: when}",
        )
    return with_windows


def _notes(name: str, kept: Kept, now: int) -> tuple[str, ...]:
    back = backstep(kept.ledger, now)
    return (f"{name}: {back}",) if back else ()


def next_moment(place: Place, now: datetime) -> datetime | None:
    """When the clock next gives a reason to tick; None where no model has windows."""
    project = load(place.project_root() / PROJECT_FILE)
    moment = microseconds(now)
    found = [
        next_look(model.windows.rules(), moment)
        for model in project.models.values()
        if model.windows
    ]
    if not found:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=min(found))


def _due(
    place: Place,
    found: Sources,
    name: str,
    now: datetime,
    params: Mapping[str, str],
    *,
    retry: bool,
) -> _Due:
    asked, kept = request(found, name), window_ledgers.read(place, found.project.project, name)
    moment = microseconds(now)
    look = (
        None if _is_unchanged(found, asked, kept.ledger) else found.look(asked, kept.ledger, moment)
    )
    same = kept.ledger.geometry == windows_of(found.project, name).rules().geometry
    manifests = _again(place, kept.ledger, name, retry=retry) if same else {}
    for each in look.due if look else ():
        manifests[each.window.index] = found.manifest(place, request_of(asked, each), params)
    return _Due(name, kept, look, dict(sorted(manifests.items())), _notes(name, kept, moment))


def _is_unchanged(found: Sources, asked: RunRequest, ledger: Ledger) -> bool:
    """Whether a look would find what the last one found, so that the table need not be read."""
    model = found.project.models[asked.model]
    by_clock = model.windows is not None and model.windows.idle_after is not None
    return not by_clock and ledger.data == version_looked_at(model, asked.data_version)


def _again(place: Place, ledger: Ledger, name: str, *, retry: bool) -> dict[int, Obj]:
    """The runs to make once more, as copies: of a final window only its run knows the rows."""
    made = {
        name_of(run): run
        for run in place.backend.list("PipelineRun", place.namespace, {MODEL: name})
    }
    found = {}
    for index, entry in ledger.entries.items():
        run = made.get(entry.run)
        if run is not None and _is_lost(place, run, retry=retry):
            found[index] = rerun(run)
    return found


def _is_lost(place: Place, run: Obj, *, retry: bool) -> bool:
    if is_success(run) or existing(place, run) is not None:
        return False
    return not is_done(run) or retry or reason(run) == INTERRUPTED


def _keep(place: Place, found: Sources, due: _Due, runs: dict[int, Obj]) -> None:
    ledger = due.look.after if due.look else due.kept.ledger
    named = {index: name_of(run) for index, run in runs.items()}
    window_ledgers.write(place, found.project.project, due.model, due.kept, ledger.with_runs(named))


@dataclasses.dataclass(frozen=True)
class Seen:
    """A model as a look finds it that changes nothing; `runs` are all of the model by name."""

    model: str
    look: Look
    runs: dict[str, Obj]
    notes: tuple[str, ...]


def observe(place: Place, names: Sequence[str], now: datetime) -> list[Seen]:
    """Look at the windows of models and make nothing; ConfigError where there are none."""
    found = sources(place)
    chosen = _chosen(found, names)
    seen = []
    for name in chosen:
        asked, kept = request(found, name), window_ledgers.read(place, found.project.project, name)
        moment = microseconds(now)
        look = found.look(asked, kept.ledger, moment)
        listed = place.backend.list("PipelineRun", place.namespace, {MODEL: name})
        runs = {name_of(run): run for run in listed}
        seen.append(Seen(name, look, runs, _notes(name, kept, moment)))
    return seen
