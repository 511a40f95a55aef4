"""How long to go on when a server does not answer for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from mltk.cluster.errors import Unreachable

# A control plane that is upgraded is away for less.
_SECONDS = 120.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
# An attempt that lasted longer had reached the server, which only had nothing to tell.
_QUIET = _LONGEST_PAUSE + 10.0
# A stream that ended sooner without a word is not followed by the next at once.
_IDLE_PAUSE = 1.0


class Patience:
    """Pauses between attempts, longer each time, until what follows a stream gives up."""

    def __init__(
        self,
        *,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._since: float | None = None
        self._resumed: float | None = None  # when the last pause ended
        self._begun = clock()
        self._pause = _FIRST_PAUSE

    def reward(self) -> None:
        """Begin anew: the server has answered."""
        self._since, self._pause = None, _FIRST_PAUSE

    def spend(self, error: Unreachable) -> None:
        """Pause before the next attempt; raise `error` when there have been enough."""
        now = self._clock()
        if self._resumed is not None and now - self._resumed > _QUIET:
            self.reward()
        self._since = now if self._since is None else self._since
        if now - self._since > self._seconds:
            raise error
        self._sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._resumed = self._clock()

    def begin(self) -> None:
        """Note that a stream begins now."""
        self._begun = self._clock()

    def idle(self, at_most: float) -> None:
        """Pause, not longer than `at_most`, if a stream that has told nothing ended at once."""
        if self._clock() - self._begun < _IDLE_PAUSE:
            self._sleep(max(0.0, min(_IDLE_PAUSE, at_most)))
