"""How long something may take, and an end to it before that."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress


class TimedOut(Exception):
    """The deadline has passed, or nobody waits any more."""


class Deadline:
    """A moment after which nothing is done any more; `cancel` brings it forward to now."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._cancelled = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._outer: Deadline | None = None

    def within(self, seconds: float) -> Deadline:
        """Return a deadline that ends sooner, at the latest with this one."""
        inner = Deadline(min(seconds, max(0.0, self._end - self._clock())), self._clock)
        inner._cancelled, inner._outer = self._cancelled, self  # one cancel for both
        return inner

    @property
    def passed(self) -> bool:
        """Whether nothing more is to be done."""
        return self._cancelled.is_set() or self._clock() >= self._end

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits any more."""
        return self._cancelled.is_set()

    def left(self) -> float:
        """Return the seconds that are left; raises TimedOut when there are none."""
        if self.passed:
            raise TimedOut
        return self._end - self._clock()

    def wait(self, seconds: float) -> None:
        """Let time pass; raises TimedOut when there is not as much."""
        self._cancelled.wait(min(seconds, self.left()))
        self.left()

    def cancel(self) -> None:
        """End what is under way."""
        self._cancelled.set()
        if self._process is not None:
            _kill(self._process)

    def run(
        self, command: Sequence[str], env: Mapping[str, str], given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command, which reads what is `given`, to its end; raises TimedOut, OSError."""
        limit = self.left()
        with subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            self._hold(process)
            if self._cancelled.is_set():  # before it was held, so nobody has ended it
                _kill(process)
            try:
                out, err = process.communicate(given, timeout=limit)
            except subprocess.TimeoutExpired:
                _kill(process)
                raise TimedOut from None
            finally:
                self._hold(None)
        if self._cancelled.is_set():
            raise TimedOut
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def _hold(self, process: subprocess.Popen[bytes] | None) -> None:
        self._process = process
        if self._outer is not None:
            self._outer._hold(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
