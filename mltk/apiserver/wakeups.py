"""Wakes the watches of an event loop when the store has changed."""

from __future__ import annotations

import asyncio
import threading

from mltk.local.store import Store

_JOIN_SECONDS = 2.0


class Wakeups:
    """One thread waits for the store, however many watches there are; without any it rests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._watches = 0
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wakeups", daemon=True)
        self.closed = False
        self._thread.start()

    @property
    def next(self) -> asyncio.Event:
        """Set at the next change; take it before reading what there is."""
        return self._event

    def enter(self) -> None:
        """Count a watch that has begun."""
        self._watches += 1
        self._wanted.set()

    def leave(self) -> None:
        """Count a watch that has ended."""
        self._watches -= 1
        if not self._watches and not self.closed:
            self._wanted.clear()

    def close(self) -> None:
        """End all watches, and the thread."""
        self.closed = True
        self._fire()
        self._wanted.set()
        self._store.nudge()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        mark = self._store.mark()
        while not self.closed:
            self._wanted.wait()
            newest = self._store.wait(mark)
            if newest.revision != mark.revision and not self.closed:
                self._loop.call_soon_threadsafe(self._fire)
            mark = newest

    def _fire(self) -> None:
        fired, self._event = self._event, asyncio.Event()
        fired.set()
