"""Kubernetes' Events of runs: written a moment after the status that they tell of, forgotten later.

As ``EventCorrelator`` of k8s.io/client-go does it (``tools/record/events_cache.go``), what is told
again is counted, and of many that differ by their message alone the last ones are put together. It
drops what goes beyond 25 of one run, of long ones also how they end; here all of a run is told. As
there, what an engine has not written yet when it is killed nobody learns.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from sqlite3 import Connection, IntegrityError
from typing import Generic, NamedTuple, TypeVar

from mltk.local import rows
from mltk.tekton.happenings import Happening, happenings
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import Obj, format_time, parse_time, status_of, uid_of

_RUNS = ("PipelineRun", "TaskRun")
_KEPT = timedelta(hours=1)  # --event-ttl of kube-apiserver
_MOST_KEPT = 10_000
_MOST_REMOVED = 20  # at a time, so that no run waits for what others have left
_MOST_KNOWN = 4096
_MOST_ALIKE = 10
_ALIKE_FOR = timedelta(minutes=10)
_COMBINED = "(combined from similar events): "

Value = TypeVar("Value")


class _Place(NamedTuple):
    namespace: str
    name: str


@dataclass
class _Alike:
    """Messages of one reason of one run, and when the last one came."""

    messages: set[str] = field(default_factory=set)
    last: datetime | None = None


class _Recent(Generic[Value]):
    """What was used last, by key."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], Value] = {}

    def get(self, key: tuple[str, ...]) -> Value | None:
        """The value, which is the newest one now."""
        found = self._values.pop(key, None)
        if found is not None:
            self._values[key] = found
        return found

    def put(self, key: tuple[str, ...], value: Value) -> None:
        """Keep a value, and forget the oldest one where there are many."""
        self._values[key] = value
        if len(self._values) > _MOST_KNOWN:
            del self._values[next(iter(self._values))]


class _Note(NamedTuple):
    """What is to be told of a run, and when it happened."""

    run: Obj
    told: Happening
    moment: datetime


class Recorder:
    """Notes what happens to the runs of one store, and writes Events of it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.noted: list[_Note] = []
        self._clock = clock
        self._told: _Recent[_Place] = _Recent()
        self._alike: _Recent[_Alike] = _Recent()
        self._kept: dict[_Place, datetime] | None = None
        self._last = 0

    def notes(self, before: Obj, run: Obj) -> Sequence[_Note]:
        """What the new status of a run says; of other objects nothing is told."""
        if run["kind"] not in _RUNS:
            return ()
        told = tuple(happenings(run["kind"], status_of(before), status_of(run)))
        known = {"kind": before["kind"], "metadata": before["metadata"]}
        return [_Note(known, each, now) for now in (self._clock(),) for each in told]

    def write(self, connection: Connection) -> int:
        """Write what is noted; return how much of it to `drop` when that is through."""
        self._forget(connection, self._clock())
        written = tuple(self.noted)
        for note in written:
            self._tell(connection, *note)
        return len(written)

    def drop(self, number: int) -> None:
        """Let go of the oldest notes."""
        del self.noted[:number]

    def _tell(self, connection: Connection, run: Obj, told: Happening, now: datetime) -> None:
        key, message = self._correlated((uid_of(run), told.type, told.reason), told.message, now)
        place = self._told.get(key)
        if place is not None and _count(connection, place, message, now):
            self._keep(place, now)
            return
        event = _event(run, told._replace(message=message), now, self._suffix(now))
        with suppress(IntegrityError):  # another process has told so at the same moment
            rows.add(connection, event)
        place = _Place(event["metadata"]["namespace"], event["metadata"]["name"])
        self._told.put(key, place)
        self._keep(place, now)

    def _correlated(
        self, key: tuple[str, ...], message: str, now: datetime
    ) -> tuple[tuple[str, ...], str]:
        """What the Event is known by, and its message."""
        alike = self._alike.get(key)
        if alike is None or alike.last is None or now - alike.last > _ALIKE_FOR:
            alike = _Alike()
            self._alike.put(key, alike)
        alike.last = now
        if message not in alike.messages and len(alike.messages) >= _MOST_ALIKE - 1:
            return key, _COMBINED + message
        alike.messages.add(message)
        return (*key, message), message

    def _suffix(self, now: datetime) -> str:
        """What no other name ends with: the time in nanoseconds."""
        self._last = max(self._last + 1, int(now.timestamp() * 1e6) * 1000)
        return f"{self._last:x}"

    def _keep(self, place: _Place, now: datetime) -> None:
        if self._kept is not None:
            self._kept.pop(place, None)
            self._kept[place] = now

    def _forget(self, connection: Connection, now: datetime) -> None:
        if self._kept is None:
            self._kept = dict(_found(connection))
        for place, last in list(islice(self._kept.items(), _MOST_REMOVED)):
            if now - last < _KEPT and len(self._kept) <= _MOST_KEPT:
                return
            del self._kept[place]
            found = connection.execute(
                "SELECT body FROM objects WHERE kind='Event' AND namespace=? AND name=?", place
            ).fetchone()
            if found is not None:
                rows.remove(connection, json.loads(found[0]))


def _found(connection: Connection) -> Iterator[tuple[_Place, datetime]]:
    """Events of earlier processes, oldest first."""
    found = connection.execute(
        "SELECT namespace, name, coalesce(json_extract(body, '$.lastTimestamp'),"
        " json_extract(brief, '$.metadata.creationTimestamp')) FROM objects"
        " WHERE kind='Event' ORDER BY 3"
    )
    for namespace, name, last in found:
        yield _Place(namespace, name), parse_time(last)


def _count(connection: Connection, place: _Place, message: str, now: datetime) -> bool:
    """Count an Event once more; False when it is not there any more."""
    version = rows.next_version(connection)
    written = connection.execute(
        "UPDATE objects SET version=?, body=json_set(body,"
        " '$.count', json_extract(body, '$.count') + 1, '$.lastTimestamp', ?, '$.message', ?,"
        " '$.metadata.resourceVersion', ?) WHERE kind='Event' AND namespace=? AND name=?",
        (version, format_time(now), message, str(version), *place),
    )
    return written.rowcount == 1


def _event(run: Obj, told: Happening, now: datetime, suffix: str) -> Obj:
    metadata, moment = run["metadata"], format_time(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{suffix}",
            "namespace": metadata["namespace"],
            "uid": str(uuid.uuid4()),
            "creationTimestamp": moment,
        },
        "involvedObject": {
            "kind": run["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "apiVersion": find_kind(run["kind"]).api_version,
            "resourceVersion": metadata["resourceVersion"],
        },
        "reason": told.reason,
        "message": told.message,
        "source": {"component": run["kind"]},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
        "type": told.type,
        "eventTime": None,
        "reportingComponent": run["kind"],
        "reportingInstance": "",
    }
