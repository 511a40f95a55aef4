"""Tells the watches of an event loop what has changed in the store."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from mltk.local.store import Store

_JOIN_SECONDS = 2.0
_MOST_WAITING = 1000  # chunks that a client has not taken; one that is slower must begin anew

_log = logging.getLogger(__name__)


class Feed:
    """What one watch is told: chunks, and None when there will be no more.

    `advance` gives what is new, and is called by one thread alone; `remind` gives what is to be
    said when nothing was for `quiet` seconds.
    """

    def __init__(
        self,
        advance: Callable[[], bytes],
        remind: Callable[[], bytes],
        quiet: float,
    ) -> None:
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._advance = advance
        self._remind = remind
        self._quiet = quiet
        self._fresh = True
        self._due = time.monotonic() + quiet

    def read(self, *, changed: bool) -> bytes:
        """What is to be told now."""
        told = self._advance() if changed or self._fresh else b""
        self._fresh = False
        now = time.monotonic()
        if not told and now >= self._due:
            told = self._remind()
            self._due = now + self._quiet
        elif told:
            self._due = now + self._quiet
        return told


class Wakeups:
    """One thread waits for the store, however many watches there are; without any it rests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._feeds: list[Feed] = []
        self._others = 0
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wakeups", daemon=True)
        self.closed = False
        self._thread.start()

    @property
    def next(self) -> asyncio.Event:
        """Set at the next change; take it before reading what there is."""
        return self._event

    def add(self, feed: Feed) -> None:
        """Begin to tell a watch."""
        self._feeds = [*self._feeds, feed]
        self._wanted.set()
        self._store.nudge()

    def remove(self, feed: Feed) -> None:
        """End to tell a watch."""
        self._feeds = [each for each in self._feeds if each is not feed]
        self._rest()

    def enter(self) -> None:
        """Count somebody who waits for `next`."""
        self._others += 1
        self._wanted.set()

    def leave(self) -> None:
        """Count somebody who no longer does."""
        self._others -= 1
        self._rest()

    def close(self) -> None:
        """End all watches, and the thread."""
        self.closed = True
        self._fire()
        for feed in self._feeds:
            feed.chunks.put_nowait(None)
        self._wanted.set()
        self._store.nudge()
        self._thread.join(_JOIN_SECONDS)

    def _rest(self) -> None:
        if not self._feeds and not self._others and not self.closed:
            self._wanted.clear()

    def _run(self) -> None:
        mark = self._store.mark()
        while not self.closed:
            self._wanted.wait()
            newest = self._store.wait(mark)
            changed, mark = newest.revision != mark.revision, newest
            for feed in self._feeds:
                self._tell(feed, changed)
            if changed and not self.closed:
                self._loop.call_soon_threadsafe(self._fire)

    def _tell(self, feed: Feed, changed: bool) -> None:
        told: bytes | None
        try:
            told = feed.read(changed=changed)
        except Exception:
            _log.exception("a watch has ended")
            told = None
        if feed.chunks.qsize() > _MOST_WAITING:
            told = None
        if told != b"" and not self.closed:
            self._loop.call_soon_threadsafe(feed.chunks.put_nowait, told)

    def _fire(self) -> None:
        fired, self._event = self._event, asyncio.Event()
        fired.set()
