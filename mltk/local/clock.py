"""Time that goes on evenly, whatever is done to the clock of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def elapsed() -> float:
    """Seconds that nobody sets back or forth; on Linux the sleep of the machine counts."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class SteadyClock:
    """The machine's time at one moment, and what has passed since.

    So the times of a run are true to each other, and its timeouts come neither early nor late when
    the clock jumps.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        passing: Callable[[], float] = elapsed,
    ) -> None:
        self._wall = wall
        self._passing = passing
        self.settle()

    def __call__(self) -> datetime:
        """Return what time it is."""
        return self._start + timedelta(seconds=self._passing() - self._began)

    def settle(self) -> None:
        """Take on the time of the machine; nothing is under way that would notice."""
        self._start, self._began = self._wall(), self._passing()
