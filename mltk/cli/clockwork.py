"""Looking at the time windows of a project by the clock, beside whatever serves it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mltk.cli.folder import PROJECT_FILE
from mltk.local.backend import LocalBackend
from mltk.local.ownership import Ownership

_SECONDS = 900.0  # as the CronJob of the chart
_SOON_SECONDS = 0.5
# A process of its own, which takes along what it needs to read tables.
_TICK = ("-P", "-c", "from mltk.cli import main; main()", "windows", "tick", "--no-wait")


@contextmanager
def ticking(backend: LocalBackend, seconds: float = _SECONDS) -> Iterator[None]:
    """Look at the windows of the project, if it has any, at once and then every so many seconds.

    Nothing is done while nobody drives the runs that it would make.
    """
    root = backend.layout.root.parent
    ending = threading.Event()
    thread = threading.Thread(target=_work, args=(root, backend, ending, seconds), name="clock")
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _work(root: Path, backend: LocalBackend, ending: threading.Event, seconds: float) -> None:
    ownership = Ownership(backend.store.database)
    pause = 0.0
    while not ending.wait(pause):
        if not _has_windows(root):
            pause = seconds
        elif ownership.controller is None:
            pause = _SOON_SECONDS
        else:
            _look(root, ending)
            pause = seconds


def _look(root: Path, ending: threading.Event) -> None:
    """What is due, and what is wrong with the data, it says itself."""
    with subprocess.Popen(
        [sys.executable, *_TICK], cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            if ending.wait(_SOON_SECONDS):
                process.terminate()
                return


def _has_windows(root: Path) -> bool:
    """Whether some model has windows; a file that is wrong is for others to complain about."""
    import yaml

    try:
        models = yaml.safe_load((root / PROJECT_FILE).read_text(encoding="utf-8"))["models"]
        return any("windows" in model for model in models.values())
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return False
