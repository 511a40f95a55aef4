"""Folders that nobody needs any more go behind the back of whoever waits for the run.

To remove a folder takes a disk longer than to make it, and a step has two dozen of them.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path


class Removal:
    """Removes folders in a thread of its own; until then they lie in `place`, on the same disk."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="removal")
        self._adding = threading.Lock()
        self._last: Future[None] | None = None

    def add(self, folder: Path) -> None:
        """Take a folder out of its place; return before it is removed."""
        if not folder.exists():
            return
        gone = self._place / uuid.uuid4().hex
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            folder.rename(gone)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            return
        with self._adding:
            self._last = self._pool.submit(shutil.rmtree, gone, ignore_errors=True)

    def finish(self) -> None:
        """Wait until all has gone, and what a killed engine has left there, too."""
        with self._adding:
            last, self._last = self._last, None
        if last is not None:
            last.result()
        shutil.rmtree(self._place, ignore_errors=True)
