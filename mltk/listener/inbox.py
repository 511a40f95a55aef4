"""Events in the store, from the moment when they are accepted until all is made of them.

What comes of an event is created in the transaction that notes it, so that an event whose sender
has its answer makes its objects once, whenever the process is killed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from mltk.errors import Conflict, InfrastructureError, MltkError, NotFound
from mltk.listener.deliveries import delivery
from mltk.local.store import Store
from mltk.tekton.triggers.sink import Outcome

_TRIES = 3
_BYTES_AT_ONCE = 4 << 20
_KEPT_SECONDS = 7 * 86_400  # GitHub, for one, sends a delivery again for three days
_WAITING, _DONE, _PARKED = "waiting", "done", "parked"

Header = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Received:
    """An event as it came, with the id that the listener gives it; `received` in s since 1970."""

    event_id: str
    namespace: str
    listener: str
    url: str
    header: Header
    body: bytes
    received: float

    @property
    def delivery(self) -> str | None:
        """See `delivery`."""
        return delivery(self.namespace, self.listener, self.url, self.header, self.body)


@dataclass(frozen=True)
class Queued:
    """An event that waits, and how often it was tried."""

    number: int
    event: Received
    tries: int


@dataclass(frozen=True)
class Settled:
    """What came of an event: the objects that are there now, and of each why it is not."""

    queued: Queued
    outcomes: tuple[Outcome, ...]
    created: tuple[str, ...]
    refused: tuple[str, ...]


class Inbox:
    """The events of a store; at most `bound` wait. Raises InfrastructureError when it fails."""

    def __init__(self, store: Store, bound: int) -> None:
        self._store = store
        self._bound = bound
        self._arrived = threading.Condition()
        self._taken = 0
        self._again: list[int] = []
        self._closed = False
        counted = store.database.query("SELECT count(*) FROM events WHERE state=?", (_WAITING,))
        self._waiting = int(counted[0][0])

    @property
    def waiting(self) -> int:
        """How many wait, those that are being evaluated among them."""
        return self._waiting

    @property
    def is_full(self) -> bool:
        """Whether another one is not taken."""
        return self._waiting >= self._bound

    def accept(self, events: Sequence[Received]) -> list[str]:
        """Keep events for good; return the ids to answer, which repetitions share."""
        with self._store.transaction(minor=True) as connection:
            found = [self._accept(connection, event) for event in events]
        self._store.database.settle()
        with self._arrived:
            self._waiting += sum(fresh for _, fresh in found)
            self._arrived.notify_all()
        return [event_id for event_id, _ in found]

    def _accept(self, connection: Connection, event: Received) -> tuple[str, bool]:
        known = event.delivery
        if known and (first := _first(connection, known)):
            return first, False
        row = (
            event.event_id, event.namespace, event.listener, known, event.received, _WAITING, 0, 0,
            event.url, json.dumps(event.header), event.body,
        )  # fmt: skip
        connection.execute("INSERT INTO events VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?)", row)
        return event.event_id, True

    def take(self, most: int) -> Sequence[Queued]:
        """Wait for events that nobody has taken; none when the inbox is closed."""
        with self._arrived:
            while not self._closed:
                if found := self._next(most):
                    return found
                self._arrived.wait()
        return ()

    def _next(self, most: int) -> list[Queued]:
        again, self._again = self._again[:most], self._again[most:]
        found = [queued for number in again for queued in self._read(number - 1, number)]
        if not found:
            last = self._last_of(most)
            found = list(self._read(self._taken, last))
            self._taken = found[-1].number if found else self._taken
        return found

    def _last_of(self, most: int) -> int:
        """The last one of the next `most`, or of fewer if their bodies are large."""
        rows = self._store.database.query(
            "SELECT number, length(body) FROM events WHERE state=? AND number>?"
            " ORDER BY number LIMIT ?",
            (_WAITING, self._taken, most),
        )
        last, size = self._taken, 0
        for number, length in rows:
            size += length
            if last > self._taken and size > _BYTES_AT_ONCE:
                break
            last = number
        return last

    def _read(self, after: int, last: int) -> Iterator[Queued]:
        rows = self._store.database.query(
            "SELECT number, tries, event, namespace, listener, url, header, body, received"
            " FROM events WHERE state=? AND number>? AND number<=? ORDER BY number",
            (_WAITING, after, last),
        )
        for row, tries, event, namespace, listener, url, header, body, received in rows:
            told = json.loads(header)
            yield Queued(
                row, Received(event, namespace, listener, url, told, body, received), tries
            )

    def settle(self, answers: Sequence[tuple[Queued, tuple[Outcome, ...]]]) -> Sequence[Settled]:
        """Create what comes of events, and note that they are done, all or nothing."""
        with self._store.transaction() as connection:
            settled = [self._create(queued, outcomes) for queued, outcomes in answers]
            for each in settled:
                _end(connection, each.queued, _DONE, len(each.created))
        with self._arrived:
            self._waiting -= len(settled)
        return settled

    def _create(self, queued: Queued, outcomes: tuple[Outcome, ...]) -> Settled:
        created, refused = [], []
        for outcome in outcomes:
            for obj in outcome.objects:
                try:
                    made = self._store.create(obj)
                except MltkError as error:
                    if _is_of_store(error):
                        raise  # the event waits until the store takes what comes of it
                    refused.append(f"{outcome.trigger}: {error}")
                    break  # as Tekton, which creates no more of this trigger then
                created.append(f"{made['kind']}/{made['metadata']['name']}")
        return Settled(queued, outcomes, tuple(created), tuple(refused))

    def give_back(self, events: Sequence[Queued], failed: Queued | None) -> bool:
        """Let events be taken again; `failed` has ended its process, and is not tried for ever.

        Returns whether `failed` is parked now.
        """
        parked = failed is not None and failed.tries + 1 >= _TRIES
        if failed is not None:
            with self._store.transaction(minor=True) as connection:
                connection.execute(
                    "UPDATE events SET tries=tries+1 WHERE number=?", (failed.number,)
                )
                if parked:
                    _end(connection, failed, _PARKED, 0)
        with self._arrived:
            self._again += [each.number for each in events if not (parked and each is failed)]
            self._waiting -= parked
            self._arrived.notify_all()
        return parked

    def prune(self, now: float) -> None:
        """Forget events that are done for long (`now` in s since 1970)."""
        with self._store.transaction(minor=True) as connection:
            connection.execute(
                "DELETE FROM events WHERE state<>? AND received<?", (_WAITING, now - _KEPT_SECONDS)
            )

    def close(self) -> None:
        """Give nothing more out; what waits is for the next one."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()


def _is_of_store(error: MltkError) -> bool:
    """Whether the store itself has failed, rather than refused an object."""
    return isinstance(error, InfrastructureError) and not isinstance(error, Conflict | NotFound)


def _first(connection: Connection, known: str) -> str:
    """The id of the first of deliveries, if something came or may come of it.

    One of which nothing came is looked at once more: whoever sends it again may have mended what
    was in its way.
    """
    row = connection.execute(
        "SELECT event FROM events WHERE delivery=? AND (state=? OR made>0)", (known, _WAITING)
    ).fetchone()
    return str(row[0]) if row else ""


def _end(connection: Connection, queued: Queued, state: str, made: int) -> None:
    """Keep of an event no more than what tells its repetition, or what somebody looks into."""
    kept = ", url='', header='{}', body=''" if state == _DONE else ""
    connection.execute(
        f"UPDATE events SET state=?, made=?{kept} WHERE number=?",  # noqa: S608
        (state, made, queued.number),
    )
