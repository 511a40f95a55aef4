"""A watch that can be waited for together with a clock and with somebody who says stop."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from mltk.closing import Closing
from mltk.tekton.api import Backend, Event

_MOST_AT_ONCE = 20_000


class Stream(Closing):
    """The PipelineRuns of a namespace (of all, without one) as they change."""

    def __init__(self, backend: Backend, namespace: str | None) -> None:
        self._backend = backend
        self._namespace = namespace
        self._closed = threading.Event()
        # `wake` may be called by a signal handler, which SimpleQueue alone bears.
        self._found: SimpleQueue[Event | Exception | None] = SimpleQueue()
        threading.Thread(target=self._pass_on, name="queue-watch", daemon=True).start()

    def take(self, timeout: float | None) -> Sequence[Event]:
        """Wait for changes and return all that have come; none when time is up, or on `wake`.

        Raises what the watch raised.
        """
        found: list[Event] = []
        try:
            each = self._found.get(timeout=timeout)
            while each is not None and len(found) < _MOST_AT_ONCE:
                if isinstance(each, Exception):
                    raise each
                found.append(each)
                each = self._found.get_nowait()
        except Empty:
            pass
        return found

    def wake(self) -> None:
        """End a `take` that waits."""
        self._found.put(None)

    def close(self) -> None:
        """Take no more changes."""
        # A watch cannot be woken from outside: its thread ends with its next change or with us.
        self._closed.set()

    def _pass_on(self) -> None:
        try:
            for event in self._backend.watch("PipelineRun", self._namespace, marks=True):
                if self._closed.is_set():
                    return
                self._found.put(event)
        except Exception as error:  # it is raised where the stream is read
            self._found.put(error)
