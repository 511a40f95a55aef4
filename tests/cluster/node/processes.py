"""Processes by identity: a number alone may have been given to another process since."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process as seen from the host: its number and when it started (ticks since boot)."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        now = _stat(self.pid)
        return now is not None and now.started == self.started and now.state not in "ZX"

    def send(self, number: int) -> None:
        """Send a signal, when it is still the same process."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, patience: float = 5.0) -> None:
        """Ask it to end, then insist; returns when it is gone."""
        self.send(signal.SIGTERM)
        if not self._gone_within(patience):
            self.send(signal.SIGKILL)
            self._gone_within(10.0)

    def _gone_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def write(self, path: Path) -> None:
        """Remember it in a file."""
        path.write_text(f"{self.pid} {self.started}\n", encoding="ascii")


def read(path: Path) -> Process | None:
    """The process that a file remembers, when it still runs."""
    try:
        pid, started = path.read_text(encoding="ascii").split()
    except (FileNotFoundError, ValueError):
        return None
    process = Process(int(pid), int(started))
    return process if process.alive() else None


def identify(pid: int) -> Process | None:
    """The process that has this number now."""
    stat = _stat(pid)
    return Process(pid, stat.started) if stat else None


def children(pid: int) -> list[Process]:
    """The processes whose parent has this number."""
    return [Process(s.pid, s.started) for s in _all() if s.parent == pid]


def inside(keeper: Process, inner: int) -> Process | None:
    """The process that has number ``inner`` in the pid namespace of ``keeper``."""
    namespace = _namespace(keeper.pid)
    for stat in _all():
        if _namespace(stat.pid) == namespace and _innermost(stat.pid) == inner:
            return Process(stat.pid, stat.started)
    return None


@dataclass(frozen=True)
class _Stat:
    pid: int
    state: str
    parent: int
    started: int


def _stat(pid: int) -> _Stat | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name, in brackets, may hold brackets and spaces itself: proc(5).
    fields = text.rpartition(")")[2].split()
    return _Stat(pid, fields[0], int(fields[1]), int(fields[19]))


def _all() -> Iterator[_Stat]:
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            stat = _stat(int(entry.name))
            if stat:
                yield stat


def _namespace(pid: int) -> str | None:
    try:
        return str((PROC / str(pid) / "ns" / "pid").readlink())
    except OSError:
        return None


def _innermost(pid: int) -> int | None:
    try:
        status = (PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    return None
