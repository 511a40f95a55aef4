"""How fast a training goes, and how much of the processor it uses."""

from __future__ import annotations

import dataclasses
import time


@dataclasses.dataclass(frozen=True)
class Pace:
    """Rows a second, and how busy the processor was: its seconds by second and by thread."""

    examples_per_second: float
    utilisation: float


class Meter:
    """Measures epochs of so many rows, but for the first, which is compiled."""

    def __init__(self, rows: int, threads: int) -> None:
        self._rows, self._threads = rows, threads
        self._epochs = -1
        self._began = self._last = _now()

    def tick(self) -> None:
        """An epoch is through."""
        self._epochs += 1
        self._last = _now()
        if not self._epochs:
            self._began = self._last

    def pace(self) -> Pace | None:
        """What was measured; None for fewer than two epochs."""
        if self._epochs < 1:
            return None
        seconds, busy = (last - began for last, began in zip(self._last, self._began, strict=True))
        per = max(seconds, 1e-9)
        speed = self._epochs * self._rows / per
        return Pace(round(speed, 1), round(busy / per / self._threads, 3))


def _now() -> tuple[float, float]:
    """Seconds of the clock, and of the processor."""
    return time.perf_counter(), time.process_time()
