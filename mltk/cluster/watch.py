"""Changes as the API server tells them, across dropped connections and forgotten versions.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from mltk.cluster.call import Call
from mltk.cluster.errors import Expired, Refusal, Unreachable, error_of
from mltk.cluster.listing import list_all, shown
from mltk.cluster.patience import Patience
from mltk.cluster.server import Server
from mltk.tekton.api import Event
from mltk.tekton.objects import Obj

_STREAM_SECONDS = 300.0  # the server ends a stream then, and the next goes on from there
_LATE = 15.0  # how much later than asked for the end of a stream may come


class Deadline:
    """When a watch ends; never, when there is no timeout."""

    def __init__(self, timeout: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = math.inf if timeout is None else clock() + timeout

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self._end - self._clock()

    @property
    def over(self) -> bool:
        """Whether it is the end."""
        return self.left <= 0


class Told:
    """What a watch has told already, so that it tells what changed and nothing twice.

    Of each object it keeps what names it, and not the whole of it.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Obj] = {}

    def replace(self, objs: Sequence[Obj]) -> Iterator[Event]:
        """The changes that lead from what was told to `objs`, which is all there is now."""
        here = {_key(obj): obj for obj in objs}
        for key, old in list(self._known.items()):
            if key not in here or _uid(here[key]) != _uid(old):
                yield from self.observe("DELETED", old)
        for obj in objs:
            yield from self.observe("MODIFIED", obj)

    def observe(self, type_: str, obj: Obj) -> Iterator[Event]:
        """The event for one change, none when it is not news."""
        key = _key(obj)
        old = self._known.get(key)
        if type_ == "DELETED":
            if self._known.pop(key, None) is not None:
                yield Event("DELETED", obj)
        elif old is None or _version(old) != _version(obj):
            self._known[key] = _slim(obj)
            yield Event("ADDED" if old is None else "MODIFIED", obj)


def watch(
    server: Server,
    call: Call,
    query: Mapping[str, str],
    *,
    timeout: float | None = None,
    marks: bool = False,
    patience: Patience | None = None,
) -> Iterator[Event]:
    """Yield what is there as ADDED, then each change, until the caller stops or time is up.

    With `marks`, SYNCING and SYNCED stand around what was there, also when it is told anew.
    """
    deadline, told = Deadline(timeout), Told()
    patience = patience or Patience()
    objs, version = list_all(server, dataclasses.replace(call, verb="list"), query)
    yield from _marked(told.replace(objs), marks)
    while not deadline.over:
        try:
            if not version:
                objs, version = list_all(server, dataclasses.replace(call, verb="list"), query)
                yield from _marked(told.replace(objs), marks)
            since = {**query, "resourceVersion": version}
            told_any = False
            patience.begin()
            for type_, obj in _stream(server, call, since, deadline):
                told_any = True
                patience.reward()
                version = _version(obj)
                if type_ != "BOOKMARK":
                    yield from told.observe(type_, obj)
                if deadline.over:
                    return
            if not told_any:
                patience.idle(deadline.left)
        except Expired:
            version = ""
        except Unreachable as error:
            if not deadline.over:
                patience.spend(error)


def _marked(told: Iterator[Event], marks: bool) -> Iterator[Event]:
    if marks:
        yield Event("SYNCING", {})
    yield from told
    if marks:
        yield Event("SYNCED", {})


def _stream(
    server: Server, call: Call, query: Mapping[str, str], deadline: Deadline
) -> Iterator[tuple[str, Obj]]:
    seconds = min(deadline.left, _STREAM_SECONDS)
    options = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(max(1, math.ceil(seconds))),
    }
    quiet = seconds + _LATE if deadline.left > seconds else max(seconds, 0.01)
    with server.stream(call, {**query, **options}, seconds=quiet) as lines:
        for line in lines:
            event = json.loads(line)
            if event["type"] == "ERROR":
                status = event["object"]
                raise error_of(Refusal(call, status["code"], status, status.get("message", "")))
            yield event["type"], shown(call, event["object"])


def _key(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _uid(obj: Obj) -> str:
    return str(obj["metadata"]["uid"])


def _version(obj: Obj) -> str:
    return str(obj["metadata"]["resourceVersion"])


def _slim(obj: Obj) -> Obj:
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "labels")
    metadata = {key: obj["metadata"][key] for key in kept if key in obj["metadata"]}
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
