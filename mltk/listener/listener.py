"""A listener: its application, the events that wait, and the processes that evaluate them."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk.closing import Closing
from mltk.errors import Conflict, InfrastructureError
from mltk.forges.people import PUBLIC
from mltk.listener.app import App
from mltk.listener.crew import Crew
from mltk.listener.doors import Doors
from mltk.listener.inbox import Inbox, Queued, Settled
from mltk.listener.metrics import Metrics
from mltk.local.store import Store

_PRUNING_SECONDS = 3600

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bounds:
    """How many events may wait, how many bytes one has, and how many processes evaluate them.

    `hosts` are those of GitHub that the interceptor `github` may ask, with its token.
    """

    queue: int = 10_000
    body: int = 10 << 20
    workers: int = 1
    hosts: Sequence[str] = (PUBLIC,)


class Listener(Closing):
    """Takes events for the EventListeners of a store; `only` names one by namespace and name.

    One process listens for a store: raises Conflict for a second. A context manager.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        bounds: Bounds,
        only: tuple[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._lock = _lock(folder / "listen.lock")
        self._clock = clock
        self._pruned = 0.0
        self.doors = Doors(store, only)
        self.metrics = Metrics()
        self.inbox = Inbox(store, bounds.queue)
        self.crew = Crew(
            self.inbox,
            store.database.path,
            self._observe,
            self._park,
            workers=bounds.workers,
            hosts=bounds.hosts,
        )
        self.metrics.waiting.set_function(lambda: self.inbox.waiting)
        self.metrics.processes.set_function(lambda: self.crew.started)
        self.app = App(self.doors, self.inbox, self.metrics, bounds.body, clock)

    def begin(self) -> None:
        """Evaluate what waits, and what comes."""
        self._prune()
        self.crew.start()

    def close(self) -> None:
        """Finish what is in hand; what waits is for the next one."""
        self.crew.close()
        os.close(self._lock)

    def _observe(self, settled: Settled) -> None:
        self.metrics.settled(settled)
        event = settled.queued.event
        told: dict[str, Any] = {"eventID": event.event_id, "eventListener": event.listener}
        for name in settled.created:
            _log.info("created %s", name, extra=told)
        for why in settled.refused:
            _log.error("not created: %s", why, extra=told)
        for outcome in settled.outcomes:
            if outcome.reason:
                level = logging.INFO if outcome.stopped else logging.ERROR
                _log.log(level, outcome.reason, extra={**told, "trigger": outcome.trigger})
        if self._clock() - self._pruned > _PRUNING_SECONDS:
            self._prune()

    def _park(self, queued: Queued) -> None:
        self.metrics.parked()
        told = {"eventID": queued.event.event_id, "eventListener": queued.event.listener}
        _log.error("the event is tried no more; it is kept", extra=told)

    def _prune(self) -> None:
        self._pruned = self._clock()
        try:
            self.inbox.prune(self._pruned)
        except InfrastructureError as error:
            _log.error("old events cannot be removed: %s", error)


def _lock(path: Path) -> int:
    """Take the one place of a listener; the kernel gives it back whenever the process ends."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.read(opened, 20).decode("ascii", "replace").strip()
        os.close(opened)
        raise Conflict(
            f"process {pid or '?'} listens for this folder already",
            where=str(path.parent),
            hint=f"Use that one, or end it first: kill {pid}" if pid else None,
        ) from None
    os.truncate(opened, 0)
    os.pwrite(opened, f"{os.getpid()}\n".encode(), 0)
    return opened
