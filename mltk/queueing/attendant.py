"""The queue beside an engine of this machine, which begins with the first run that waits."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from mltk.closing import Closing
from mltk.errors import MltkError
from mltk.queueing.dispatcher import Dispatcher, Say
from mltk.queueing.runs import waits
from mltk.tekton.api import Backend
from mltk.tekton.objects import Obj

_PAUSE_SECONDS = 1.0


class Attendant(Closing):
    """Tends the queues of a backend in a thread, from the first waiting run that it is shown.

    Give `observe` to the engine as its observer, or call it from there; without a run that waits it
    costs nothing. `say` hears what is in the way. A context manager.
    """

    def __init__(self, backend: Backend, say: Say) -> None:
        self._backend = backend
        self._say = say
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._dispatcher: Dispatcher | None = None
        self._thread: threading.Thread | None = None

    def observe(self, obj: Obj) -> None:
        """See a run that has changed."""
        if self._thread is None and waits(obj):
            with self._lock:
                self._begin()

    def observe_all(self, objs: Iterable[Obj]) -> None:
        """See the runs that are there before the engine starts."""
        for obj in objs:
            self.observe(obj)

    def close(self) -> None:
        """Tend no more; what waits goes on waiting for the next one."""
        with self._lock:
            self._closed.set()
            if self._dispatcher is not None:
                self._dispatcher.stop()
        if self._thread is not None:
            self._thread.join()

    def _begin(self) -> None:
        if self._thread is None and not self._closed.is_set():
            self._thread = threading.Thread(target=self._tend, name="queue", daemon=True)
            self._thread.start()

    def _tend(self) -> None:
        while (dispatcher := self._renewed()) is not None:
            try:
                dispatcher.run()
            except MltkError as error:
                # The engine says so, too, and ends if it cannot go on.
                self._say(f"the queue: {error}")
                self._closed.wait(_PAUSE_SECONDS)

    def _renewed(self) -> Dispatcher | None:
        with self._lock:
            if self._closed.is_set():
                return None
            self._dispatcher = Dispatcher(self._backend)
            return self._dispatcher
