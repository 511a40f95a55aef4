"""The run that does what is asked: the one that is there, or a new one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

from mltk.cli.claiming import learnt_from, named
from mltk.cli.labels import KEY, MODEL, POLICY
from mltk.cli.place import Place
from mltk.cli.pushed import answers
from mltk.errors import Conflict
from mltk.moments import utc_now
from mltk.queueing.annotations import QUEUE, QUEUED_AT
from mltk.tekton.objects import (
    Obj,
    annotations_of,
    format_micro_time,
    is_done,
    is_success,
    labels_of,
    name_of,
    namespace_of,
    params_of,
    uid_of,
)

# How often a name may be that of another run, or of one that has ended badly meanwhile.
_ATTEMPTS = 5


@dataclasses.dataclass(frozen=True)
class Plan:
    """`done` are up to date, `running` in the hands of others, `new` just made.

    `in_order` are all of them, as they were asked for.
    """

    done: tuple[Obj, ...]
    running: tuple[Obj, ...]
    new: tuple[Obj, ...]
    in_order: tuple[Obj, ...]


def state_of(run: Obj) -> Literal["up to date", "running"]:
    """How a run that does what is asked stands."""
    return "up to date" if is_done(run) else "running"


def together(one: Plan, two: Plan) -> Plan:
    """Both plans; a run that both name counts once, and as new where one of them made it."""
    new = _distinct((*one.new, *two.new))
    made = {uid_of(run) for run in new}
    done, running = (
        tuple(run for run in _distinct(runs) if uid_of(run) not in made)
        for runs in ((*one.done, *two.done), (*one.running, *two.running))
    )
    return Plan(done, running, new, _distinct((*one.in_order, *two.in_order)))


def _distinct(runs: Iterable[Obj]) -> tuple[Obj, ...]:
    return tuple({uid_of(run): run for run in runs}.values())


def plan(place: Place, asked: Sequence[Obj], *, force: bool) -> Plan:
    """Find the run that does what each of `asked` asks, or make it. The turn must be held.

    A cluster has no turn: there a run that somebody else makes meanwhile is found as well.
    InfrastructureError, before any is made, when new runs would not find what they need.
    """
    looks = [None if force else _look(place, manifest) for manifest in asked]
    pairs = list(zip(asked, looks, strict=True))
    missing = [manifest for manifest, look in pairs if look is None or look.run is None]
    if missing:
        place.engine.equip(namespace_of(missing[0]), missing)
    made = [_find_or_make(place, manifest, look) for manifest, look in pairs]
    there = [run for run, new in made if not new]
    return Plan(
        done=tuple(run for run in there if is_done(run)),
        running=tuple(run for run in there if not is_done(run)),
        new=tuple(run for run, new in made if new),
        in_order=tuple(run for run, _ in made),
    )


def _find_or_make(place: Place, manifest: Obj, look: _Look | None) -> tuple[Obj, bool]:
    """The run that does it, and whether it is new; one that another made since the look is not."""
    for attempt in range(_ATTEMPTS):
        if look is None:
            break
        if look.run is not None:
            return look.run, False
        run = named(stamped(manifest, utc_now()), look.before, attempt)
        if not _left_behind(place, run):
            with suppress(Conflict):
                return place.backend.create(run), True
        look = _look(place, manifest)
    return place.backend.create(stamped(manifest, utc_now())), True


def _left_behind(place: Place, run: Obj) -> bool:
    """Whether there are TaskRuns of a run of that name, perhaps of one that is deleted.

    A cluster deletes what a run owns after it, and Tekton asks for TaskRuns by name alone: it would
    take the old ones for those of the new run.
    """
    of_run = {"tekton.dev/pipelineRun": name_of(run)}
    return bool(place.backend.list("TaskRun", namespace_of(run), of_run))


def stamped(manifest: Obj, now: datetime) -> Obj:
    """A run that is to wait, with the moment of it: Kubernetes tells whole seconds."""
    if QUEUE not in annotations_of(manifest):
        return manifest
    marks = {**annotations_of(manifest), QUEUED_AT: format_micro_time(now)}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": marks}}


@dataclasses.dataclass(frozen=True)
class _Look:
    """All that were made `before` for what is asked, and the one that does it, if there is one."""

    before: tuple[Obj, ...]
    run: Obj | None


def existing(place: Place, manifest: Obj) -> Obj | None:
    """The newest run that did, or is doing, what `manifest` asks; the turn must be held."""
    return _look(place, manifest).run


def _look(place: Place, manifest: Obj) -> _Look:
    before = tuple(_candidates(place, manifest))
    params = params_of(manifest)
    fitting = (run for run in before if answers(run, params))
    return _Look(before, next((run for run in fitting if _stands(place, run)), None))


def _stands(place: Place, run: Obj) -> bool:
    if is_success(run):
        return _recorded(run)
    return not is_done(run) and place.engine.tends(run)


def _candidates(place: Place, manifest: Obj) -> Iterator[Obj]:
    labels = {key: labels_of(manifest)[key] for key in (MODEL, KEY, POLICY)}
    runs = place.backend.list("PipelineRun", manifest["metadata"]["namespace"], labels)
    asked = learnt_from(manifest)
    return (run for run in reversed(runs) if learnt_from(run) == asked)


def _recorded(run: Obj) -> bool:
    """Whether the database that the run was recorded in is still there (servers are trusted)."""
    uri = str(params_of(run).get("tracking-uri", ""))
    return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).exists()
