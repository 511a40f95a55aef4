"""How the queues stand, for people: one line a queue, and why a run waits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mltk.queueing.decision import Queues, Standing, limit_of, standings
from mltk.queueing.runs import QueuedRun, queued_run
from mltk.tekton.objects import Obj, format_time

_MOST_NAMED = 3
_TEENS = (11, 12, 13)


@dataclass(frozen=True)
class QueueLine:
    """One queue; limits of None are none, `oldest` is when the oldest of those that wait came."""

    namespace: str
    project: str
    queue: str
    running: int
    waiting: int
    limit: int | None
    project_running: int
    project_limit: int | None
    oldest: datetime | None
    next: str


@dataclass(frozen=True)
class Place:
    """Where a run stands in its queue, from 1 on, and what it waits for."""

    queue: str
    number: int
    of: int
    why: str

    def __str__(self) -> str:
        where = f" in {self.queue}" if self.queue else ""
        return f"{ordinal(self.number)} of {self.of}{where}"


def queued_runs(objs: Iterable[Obj]) -> list[QueuedRun]:
    """Of PipelineRuns those that wait, or that others wait for."""
    return [run for run in map(queued_run, objs) if run is not None]


def queue_lines(runs: Iterable[QueuedRun]) -> list[QueueLine]:
    """Every queue in which a run waits or goes on."""
    found = []
    for (namespace, project), queues in sorted(standings(runs).items()):
        limit, going = limit_of(queues), _going(queues)
        for name in sorted(each for each in queues if each is not None):
            standing = queues[name]
            if not standing.waiting and not standing.taken:
                continue
            waiting = standing.waiting
            found.append(
                QueueLine(
                    namespace,
                    project,
                    name,
                    standing.taken,
                    len(waiting),
                    _limit(standing),
                    len(going),
                    limit if limit is not None else _said_limit(queues),
                    min((run.since for run in waiting), default=None),
                    waiting[0].name if waiting else "",
                )
            )
    return found


def places(now: datetime, runs: Iterable[QueuedRun]) -> Mapping[str, Place]:
    """The places of all runs that wait, by uid."""
    found: dict[str, Place] = {}
    for (_, project), queues in standings(runs).items():
        limit, going = limit_of(queues), _going(queues)
        for standing in queues.values():
            whys = _whys(now, standing, project, limit, going)
            for run in standing.called:
                found[run.uid] = Place(run.queue or "", 1, len(standing.waiting) + 1, "it goes now")
            for number, run in enumerate(standing.waiting, len(standing.called) + 1):
                first = number == len(standing.called) + 1
                own = whys if first else [f"{number - 1} before it, {whys[0]}"]
                of = len(standing.called) + len(standing.waiting)
                found[run.uid] = Place(run.queue or "", number, of, "; ".join(own))
    return found


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in _TEENS else ending}"


def _whys(
    now: datetime, standing: Standing, project: str, limit: int | None, going: Sequence[QueuedRun]
) -> list[str]:
    """What the first run of a queue waits for."""
    return list(_reasons(now, standing, project, limit, going)) or ["it is its turn"]


def _reasons(
    now: datetime, standing: Standing, project: str, limit: int | None, going: Sequence[QueuedRun]
) -> Iterator[str]:
    own = standing.rules.queue_limit
    if standing.waiting and standing.ready_at > now:
        until = format_time(standing.ready_at)
        yield f"a newer one may come until {until}"
    if own is not None and standing.taken >= own:
        yield f"{_share(standing.taken, own)} of its queue: {_named(standing)}"
    if limit is not None and len(going) >= limit:
        owner = f"project {project}" if project else "the namespace"
        yield f"{_share(len(going), limit)} of {owner}: {_names(going)}"


def _share(taken: int, limit: int) -> str:
    runs = "run goes" if taken == 1 else "runs go"
    return f"{taken} {runs} on, at most {limit}"


def _named(standing: Standing) -> str:
    return _names([*standing.running, *standing.called])


def _names(runs: Sequence[QueuedRun]) -> str:
    names = [run.name for run in runs[:_MOST_NAMED]]
    return ", ".join(names) + (", ..." if len(runs) > _MOST_NAMED else "")


def _going(queues: Queues) -> Sequence[QueuedRun]:
    found = (run for each in queues.values() for run in (*each.running, *each.called))
    return sorted(found, key=lambda run: run.order)


def _limit(standing: Standing) -> int | None:
    """The limit of a queue; where none waits, what its newest run was made with."""
    if standing.waiting or standing.called:
        return standing.rules.queue_limit
    return max(standing.running, key=lambda run: run.order).rules.queue_limit


def _said_limit(queues: Queues) -> int | None:
    """The limit of a project in which none waits, as the newest that goes on was made with."""
    saying = [run for run in _going(queues) if run.rules.project_limit is not None]
    return saying[-1].rules.project_limit if saying else None
