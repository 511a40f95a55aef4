"""Which process is meant: a number alone is not enough, because numbers come back."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

_LINUX = Path("/proc/self/stat")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process by number and start time."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the process of that number, None when it has ended."""
        started = _start_time(pid)
        return cls(pid, started) if started else None

    @classmethod
    def own(cls) -> Self:
        """Return this process."""
        return cls(os.getpid(), _start_time(os.getpid()) or "unknown")

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _start_time(self.pid) == self.started

    def kill_group(self) -> None:
        """End the process and its group, if it is still the one that was meant."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the process alone, if it is still the one that was meant."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, but no longer than `seconds`."""
        with suppress(OSError, AttributeError):  # it has ended, or the system has no such handles
            handle = os.pidfd_open(self.pid)
            try:
                if self.alive:
                    select.select([handle], [], [], seconds)
            finally:
                os.close(handle)


def marked(variable: str, values: Collection[str]) -> list[ProcessIdentity]:
    """The processes that were started with an environment variable, wherever they went since.

    Only Linux tells; elsewhere there are none.
    """
    entries = {f"{variable}={value}".encode() for value in values}
    found = []
    for folder in Path("/proc").iterdir() if _LINUX.exists() else ():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile, or is another user's
                if not entries.isdisjoint((folder / "environ").read_bytes().split(b"\0")):
                    found.append(ProcessIdentity.of(int(folder.name)))
    return [identity for identity in found if identity is not None]


def _start_time(pid: int) -> str | None:
    if not _LINUX.exists():
        return _start_time_by_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # proc(5): the name in parentheses may hold anything; state and start time are fields 3 and 22.
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else f"{_boot()}:{fields[19]}"


@cache
def _boot() -> str:
    # Start times count from the boot, so they come back after the next one.
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _start_time_by_ps(pid: int) -> str | None:
    found = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = found.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
