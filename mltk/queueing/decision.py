"""Who goes next: pure, from the runs as they are to what is to be done with them.

The rules. A run goes when, with it, no more runs of its queue and of its project go on than their
limits say. Of one queue the oldest goes first. Among the queues of a project the place goes to the
one that has waited longest for a turn, and first to those that never had one, so that a thousand
runs of one queue keep no other waiting for longer than one turn of each. The limits of a queue, and
of a project, are those that the newest of the runs says that wait there.

A run goes in two steps, so that two who apply the same rules at once never let go too many. It is
`called` by a mark on it, which counts against the limits like a run. It is let go by whoever sees
the mark among all that was written before it and finds it within the limits; a mark that is not is
taken back. Of two marks that together are too many, the later writer always sees both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from operator import attrgetter

from mltk.queueing.rules import Rules
from mltk.queueing.runs import QueuedRun

_NEVER = datetime.min.replace(tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_order = attrgetter("order")


@dataclass(frozen=True)
class Call:
    """A run whose turn it is, at a moment that no other turn of the decision has."""

    run: QueuedRun
    at: datetime


@dataclass(frozen=True)
class Replacement:
    """Runs that no longer wait because `by` does, `since` the oldest of them came."""

    by: QueuedRun
    runs: tuple[QueuedRun, ...]
    since: datetime


@dataclass(frozen=True)
class Decision:
    """What is to be done; when time alone may change that, `look_again_at` says when."""

    replace: tuple[Replacement, ...] = ()
    call: tuple[Call, ...] = ()
    release: tuple[QueuedRun, ...] = ()
    withdraw: tuple[QueuedRun, ...] = ()
    look_again_at: datetime | None = None


@dataclass
class Standing:
    """How a queue stands. `waiting` are in the order in which they will go."""

    waiting: list[QueuedRun] = field(default_factory=list)
    called: list[QueuedRun] = field(default_factory=list)
    running: list[QueuedRun] = field(default_factory=list)
    rules: Rules = field(default_factory=Rules)
    served: datetime = _NEVER
    replacing: bool = False

    @property
    def taken(self) -> int:
        """How many go on, or are about to."""
        return len(self.running) + len(self.called)

    @property
    def ready_at(self) -> datetime:
        """From when on the oldest may go: a newer one may still come; `waiting` is not empty."""
        if not self.rules.quiet:
            return _NEVER
        quiet = self.waiting[-1].created + self.rules.quiet
        return min(quiet, min(run.since for run in self.waiting) + self.rules.longest)


Queues = dict[str | None, Standing]
"""The queues of one project by name; under None what came without the rules."""


def decide(now: datetime, runs: Iterable[QueuedRun]) -> Decision:
    """What is to be done now with all runs of some namespaces, in whatever order they come."""
    done = [_project(now, queues) for _, queues in sorted(standings(runs).items())]
    looks = [each.look_again_at for each in done if each.look_again_at is not None]
    return Decision(
        tuple(replacement for each in done for replacement in each.replace),
        tuple(call for each in done for call in each.call),
        tuple(run for each in done for run in each.release),
        tuple(run for each in done for run in each.withdraw),
        min(looks, default=None),
    )


def standings(runs: Iterable[QueuedRun]) -> dict[tuple[str, str], Queues]:
    """How the queues stand, by namespace and project."""
    found: dict[tuple[str, str], Queues] = defaultdict(lambda: defaultdict(Standing))
    for run in runs:
        standing = found[run.namespace, run.project][run.queue]
        if run.called is not None:
            standing.served = max(standing.served, run.called)
        if run.stage != "over":
            getattr(standing, run.stage).append(run)
    for queues in found.values():
        for standing in queues.values():
            standing.waiting.sort(key=_order)
            said = standing.waiting or sorted(standing.called, key=_order)
            standing.rules = said[-1].rules if said else standing.rules
    return found


def limit_of(queues: Queues) -> int | None:
    """How many runs of a project may go on at once, None for any number."""
    saying = (
        run
        for standing in queues.values()
        for run in (*standing.waiting, *standing.called)
        if run.rules.project_limit is not None
    )
    newest = max(saying, key=_order, default=None)
    return newest.rules.project_limit if newest else None


def _project(now: datetime, queues: Queues) -> Decision:
    replaced = tuple(_replacements(queues))
    limit = limit_of(queues)
    release, withdraw = _settle(queues, limit)
    calls = () if withdraw else tuple(_calls(now, queues, limit))
    looks = [each.ready_at for each in queues.values() if each.waiting and each.ready_at > now]
    return Decision(replaced, calls, release, withdraw, min(looks, default=None))


def _replacements(queues: Queues) -> Iterator[Replacement]:
    """Take the runs that a newer one replaces out of their queues."""
    for _, standing in sorted(queues.items(), key=_by_name):
        if standing.rules.newest_wins and len(standing.waiting) > 1:
            *older, newest = standing.waiting
            since = min(run.since for run in standing.waiting)
            yield Replacement(newest, tuple(older), since)
            standing.waiting = [replace(newest, since=since)]
            # If it went before they are gone, they would be the newest.
            standing.replacing = True


def _settle(
    queues: Queues, limit: int | None
) -> tuple[tuple[QueuedRun, ...], tuple[QueuedRun, ...]]:
    """Of the runs that are called those that are within the limits, and the others."""
    called = [(run, each) for each in queues.values() for run in each.called]
    within = [run for run, each in called if _fits(each.taken, each.rules.queue_limit)]
    going = sum(len(each.running) for each in queues.values()) + len(within)
    if not _fits(going, limit):
        within = []
    kept = {run.uid for run in within}
    rest = [run for run, _ in called if run.uid not in kept]
    return tuple(sorted(within, key=_order)), tuple(sorted(rest, key=_order))


def _calls(now: datetime, queues: Queues, limit: int | None) -> Iterator[Call]:
    """Give the free places away, each to the queue whose last turn is longest ago."""
    taken = sum(each.taken for each in queues.values())
    turns = [
        (each.served, each.waiting[0].order, 0, each)
        for each in queues.values()
        if each.waiting and not each.replacing and each.ready_at <= now
    ]
    heapify(turns)
    last = max((each.served for each in queues.values()), default=_NEVER)
    while turns and _fits(taken + 1, limit):
        _, _, given, standing = heappop(turns)
        if not _fits(standing.taken + given + 1, standing.rules.queue_limit):
            continue
        # Clocks differ and go back; turns do not.
        last = max(now, last + _TICK) if last > _NEVER else now
        yield Call(standing.waiting[given], last)
        taken, given = taken + 1, given + 1
        if given < len(standing.waiting):
            heappush(turns, (last, standing.waiting[given].order, given, standing))


def _fits(number: int, limit: int | None) -> bool:
    return limit is None or number <= limit


def _by_name(item: tuple[str | None, Standing]) -> str:
    return item[0] or ""
