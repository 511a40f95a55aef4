"""What containers wrote: the files of their steps, as they grow.

Files hold no times. Where a client asks for them, the n-th line has the start of the step and n
nanoseconds, which tells the order and where to go on, and not when it was written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from mltk.apiserver.pods import Attempt, Pods
from mltk.apiserver.request import Request, Target
from mltk.apiserver.statuses import bad_request, not_found
from mltk.apiserver.wakeups import Wakeups
from mltk.local.annotations import CACHED_FROM
from mltk.local.layout import Layout
from mltk.local.store import Store
from mltk.tekton.objects import Obj, annotations_of, namespace_of, parse_time

_LOOK_SECONDS = 0.05  # a file that grows tells nobody
_CHUNK = 1 << 20
_NANOS = 1_000_000_000


@dataclass(frozen=True)
class Wanted:
    """What of a log is asked for; `since` is a time as lines bear it."""

    container: str
    follow: bool = False
    tail: int | None = None
    limit: int | None = None
    stamped: bool = False
    since: str = ""
    not_before: float | None = None


def wanted(request: Request, attempt: Attempt) -> Wanted:
    """Read the query; raises the refusal of one that the kubelet would not answer."""
    known = attempt.containers()
    container = request.query.get("container", "")
    if not container:
        if len(known) != 1:
            raise bad_request(
                f"a container name must be specified for pod {attempt.pod}, choose one of:"
                f" [{' '.join(known)}]"
            )
        container = known[0]
    if container not in known:
        raise bad_request(f"container {container[:80]} is not valid for pod {attempt.pod}")
    if request.flag("previous"):
        raise bad_request(
            f'previous terminated container "{container}" in pod "{attempt.pod}" not found'
        )
    seconds = request.number("sinceSeconds")
    return Wanted(
        container,
        request.flag("follow"),
        request.number("tailLines"),
        request.number("limitBytes"),
        request.flag("timestamps"),
        _moment(request.query.get("sinceTime", "")),
        None if seconds is None else time.time() - seconds,
    )


@dataclass
class Log:
    """The log of a container, read bit by bit."""

    pods: Pods
    layout: Layout
    store: Store
    namespace: str
    pod: str
    wanted: Wanted
    _file: IO[bytes] | None = None
    _lines: int = 0
    _rest: bytes = b""
    _sent: int = 0
    _started: datetime = field(default_factory=lambda: datetime.fromtimestamp(0, UTC))

    def begun(self) -> bool:
        """Whether the container has started, so that there can be a log."""
        attempt = self.pods.attempt(self.namespace, self.pod)
        return attempt is not None and "waiting" not in attempt.state(self.wanted.container)

    def read(self) -> tuple[bytes, bool]:
        """What has come since the last time, and whether nothing more will."""
        attempt = self.pods.attempt(self.namespace, self.pod)
        over = attempt is None or "terminated" in attempt.state(self.wanted.container)
        if self._file is None and attempt is not None:
            self._open(attempt)
        if self._file is None:
            return b"", over
        told = b"".join(self._new(self._file, whole=over))
        if self.wanted.limit is not None:
            told = told[: max(0, self.wanted.limit - self._sent)]
            over = over or self._sent + len(told) >= self.wanted.limit
        self._sent += len(told)
        return told, over

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _open(self, attempt: Attempt) -> None:
        path = _path(attempt, self.wanted.container, self.layout, self.store)
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            return
        state: Obj = next(iter(attempt.state(self.wanted.container).values()), {})
        started = state.get("startedAt") or attempt.status.get("startTime")
        if started:
            self._started = parse_time(started)
        if self.wanted.not_before is not None and path.stat().st_mtime < self.wanted.not_before:
            self._file.seek(0, 2)
        elif self.wanted.tail is not None:
            self._lines = _skip_to_tail(self._file, self.wanted.tail)

    def _new(self, file: IO[bytes], *, whole: bool) -> Iterator[bytes]:
        while data := file.read(_CHUNK):
            *lines, self._rest = (self._rest + data).split(b"\n")
            yield from (self._line(line + b"\n") for line in lines)
            if self._rest and not self.wanted.stamped and not self.wanted.since:
                # What a program shows before the end of its line, as a progress bar, is shown.
                yield self._rest
                self._rest = b""
        if whole and self._rest:
            yield self._line(self._rest)
            self._rest = b""

    def _line(self, line: bytes) -> bytes:
        self._lines += 1
        if not self.wanted.stamped and not self.wanted.since:
            return line
        stamp = _stamp(self._started, self._lines)
        if stamp < self.wanted.since:
            return b""
        return stamp.encode() + b" " + line if self.wanted.stamped else line


def open_log(request: Request, target: Target, pods: Pods, layout: Layout, store: Store) -> Log:
    """The log that a request asks for; raises the refusal of one that is not there."""
    attempt = pods.attempt(target.namespace, target.name)
    if attempt is None:
        raise not_found(target.resource, target.name)
    log = Log(pods, layout, store, target.namespace, target.name, wanted(request, attempt))
    if not log.wanted.follow and not log.begun():
        raise bad_request(
            f'container "{log.wanted.container}" in pod "{attempt.pod}" is waiting to start:'
            " PodInitializing"
        )
    return log


async def follow(
    log: Log, wakeups: Wakeups, seconds: Callable[[], float] = lambda: _LOOK_SECONDS
) -> AsyncIterator[bytes]:
    """The bytes of a log, with ``follow`` until its container has ended."""
    wakeups.enter()
    try:
        while True:
            ticket = wakeups.next
            told, over = await asyncio.to_thread(log.read)
            if told:
                yield told
            if over or not log.wanted.follow or wakeups.closed:
                return
            try:
                await asyncio.wait_for(ticket.wait(), seconds())
            except TimeoutError:
                continue
    finally:
        wakeups.leave()
        log.close()


def _path(attempt: Attempt, container: str, layout: Layout, store: Store) -> Path:
    """The file of a container; of a TaskRun that was restored, that of the one that ran."""
    step = container.removeprefix("step-")
    run = attempt.task_run
    if attempt.number is not None:
        return layout.logs(run) / f"{step}.{attempt.number}.log"
    origin = annotations_of(run).get(CACHED_FROM)
    found = store.find("TaskRun", origin, namespace_of(run)) if origin else None
    return layout.logs(found or run) / f"{step}.log"


def _skip_to_tail(file: IO[bytes], lines: int) -> int:
    """Go to the last lines of a file; return how many come before them."""
    starts: list[int] = []
    position = 0
    for line in file:
        starts.append(position)
        position += len(line)
    first = max(0, len(starts) - lines)
    file.seek(starts[first] if first < len(starts) else position)
    return first


def _stamp(started: datetime, line: int) -> str:
    moment = started.astimezone(UTC) + timedelta(seconds=line // _NANOS)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{line % _NANOS:09d}Z"


def _moment(text: str) -> str:
    """A time as `_stamp` writes it, whatever fraction it has."""
    if not text:
        return ""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    try:
        moment = parse_time(f"{whole}Z" if text.endswith("Z") else text)
    except ValueError:
        raise bad_request(f"invalid value for sinceTime: {text[:40]!r}") from None
    digits = fraction if fraction.isdigit() else ""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{digits[:9]:0<9}Z"
