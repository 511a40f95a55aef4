"""What ends a step before it ends by itself: its timeout, the attempt's timeout, a cancel."""

from __future__ import annotations

import threading
import time
from typing import Literal

from mltk.local.runtime import RunningStep

Cause = Literal["", "cancel", "timeout", "interrupt"]


class Stopper:
    """Joins the thread that waits for a step and those that end it. `grace` in seconds."""

    def __init__(self, grace: float) -> None:
        self.stopped = threading.Event()
        self._grace = grace
        self._lock = threading.Lock()
        self._cause: Cause = ""
        self._deadline: float | None = None
        self._step_deadline: float | None = None
        self._step_over = False
        self._step: RunningStep | None = None

    @property
    def cause(self) -> Cause:
        """Why the attempt is to end, empty while it may go on."""
        return self._cause

    def arm(self, timeout: float | None) -> None:
        """Begin an attempt that may take `timeout` seconds."""
        with self._lock:
            self._deadline = _in(timeout)
            if self._cause == "timeout":
                self._cause = ""
                self.stopped.clear()

    def watch(self, step: RunningStep, timeout: float | None) -> None:
        """Begin a step that may take `timeout` seconds."""
        with self._lock:
            self._step, self._step_deadline = step, _in(timeout)
            if self._cause:
                step.stop(self._grace)

    def release(self) -> Literal["itself", "timeout", "cancel"]:
        """End a step; return what ended it."""
        with self._lock:
            step_over, self._step_over = self._step_over, False
            self._step = self._step_deadline = None
            if self._cause:
                return "cancel"
            return "timeout" if step_over else "itself"

    def stop(self, cause: Literal["cancel", "timeout", "interrupt"]) -> None:
        """End the attempt; the first cause counts."""
        with self._lock:
            if self._cause:
                return
            self._cause = cause
            self.stopped.set()
            if self._step:
                self._step.stop(self._grace)

    def kill(self) -> None:
        """End the step at once; someone is not willing to wait."""
        with self._lock:
            if self._step:
                self._step.stop(0)

    def check(self) -> None:
        """End what has had its time."""
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline:
            self.stop("timeout")
        with self._lock:
            if self._step and self._step_deadline is not None and now >= self._step_deadline:
                self._step_over, self._step_deadline = True, None
                self._step.stop(self._grace)


def _in(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds
