"""What a step says comes through a pipe, as from a container, and is added to its log.

With the log itself as its standard output, a step that opens ``/dev/stdout`` would empty it.
"""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mltk.local.overflow import shorten

_CHUNK = 1 << 16  # what a pipe holds, unless somebody makes it larger
_MOST_LEFT = 1 << 20  # what it holds at most: a daemon may go on writing after the step


@dataclass(frozen=True)
class Output:
    """The reading end of a pipe, and the log at a `path`, of which `most` bytes are kept."""

    reading: int
    log: int
    path: Path
    most: int

    @classmethod
    def open(cls, log: Path | str, most: int) -> tuple[Self, int]:
        """Open both; return them with the writing end."""
        opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            reading, writing = os.pipe()
        except OSError:
            os.close(opened)
            raise
        os.set_blocking(reading, False)
        return cls(reading, opened, Path(log), most), writing

    def copy(self) -> int:
        """Copy what is there, up to a chunk; return how much it was."""
        try:
            chunk = os.read(self.reading, _CHUNK)
        except BlockingIOError:
            return 0
        with suppress(OSError):  # a full disk loses the words of a step, not the step
            os.write(self.log, chunk)
            shorten(self.path, self.most)
        return len(chunk)

    def finish(self) -> None:
        """Copy what is left, and close both; who still has the pipe is not waited for."""
        left = _MOST_LEFT
        while left > 0 and (copied := self.copy()):
            left -= copied
        self.close()

    def close(self) -> None:
        """Close both."""
        os.close(self.reading)
        os.close(self.log)


class Copier:
    """Copies an output in a thread of its own."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._wakeup, self._alarm = os.pipe()
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Copy what is left of a process that has ended."""
        os.close(self._alarm)
        self._thread.join()
        os.close(self._wakeup)

    def _copy(self) -> None:
        poll = select.poll()
        for number in (self._output.reading, self._wakeup):
            poll.register(number, select.POLLIN)
        while self._wakeup not in (ready := dict(poll.poll())):
            if ready and not self._output.copy():
                poll.unregister(self._output.reading)  # nobody has the other end any more
        self._output.finish()
