"""Folders that nobody needs any more go behind the back of whoever waits for the run.

To remove a folder takes a disk longer than to make it, and a step has two dozen of them. A process
of its own does it, for many at a time: a thread would take turns with those that run steps.
"""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
import uuid
from contextlib import suppress
from pathlib import Path

_GATHERING_SECONDS = 0.2
_AT_ONCE = 200  # names of folders fit on a command line


class Removal:
    """Removes folders in the background.

    Until then they lie in that one of `places` which is on the same file system.
    """

    def __init__(self, *places: Path) -> None:
        self._places = places
        self._gone: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, folder: Path) -> None:
        """Take a folder out of its place; return before it is removed."""
        if not folder.exists():
            return
        name = uuid.uuid4().hex
        for place in self._places:
            if _moved(folder, place / name):
                self._gone.put(str(place / name))
                self._start()
                return
        shutil.rmtree(folder, ignore_errors=True)

    def finish(self) -> None:
        """Wait until all has gone, and what a killed engine has left there, too."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._ending.set()
            thread.join()
            self._ending.clear()
        for place in self._places:
            shutil.rmtree(place, ignore_errors=True)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="removal", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        """Remove what comes, until the end; what comes later `finish` removes itself."""
        while not self._ending.wait(_GATHERING_SECONDS):
            while found := self._next():
                # Whatever stays, because a step took the right to it away, `finish` tries again.
                _remove(found)

    def _next(self) -> list[str]:
        found: list[str] = []
        with suppress(queue.Empty):
            while len(found) < _AT_ONCE:
                found.append(self._gone.get_nowait())
        return found


def _remove(folders: list[str]) -> None:
    command = ["rm", "-rf", "--", *folders]
    try:
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    except OSError:  # there is no such program, or no process to be had
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def _moved(folder: Path, place: Path) -> bool:
    """Whether a folder lies at its `place` now, which must be on the same file system."""
    try:
        with suppress(FileNotFoundError):
            folder.rename(place)
            return True
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
    except OSError:
        return False
    return True
