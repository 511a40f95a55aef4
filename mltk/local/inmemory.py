"""A place in memory for the small files of TaskRuns.

To make a folder on a disk takes its journal up to a third of a millisecond, and a step needs a
dozen of them for results and exit codes. None of them is of use after its TaskRun.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

FOLDER = Path(f"/dev/shm/mltk-{os.geteuid()}")  # noqa: S108  (shm_overview(7): all Linux has it)
_LEAST_FREE = 32 << 20  # bytes; a container engine gives its containers 64 MiB in all
_STORE = "store"


def is_usable() -> bool:
    """Whether the folder is there, this user's alone, and has space; it is made if need be."""
    try:
        if not FOLDER.is_dir():
            FOLDER.mkdir(mode=0o700)
        found, space = FOLDER.lstat(), os.statvfs(FOLDER)
    except OSError:
        return False
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    closed = not stat.S_IMODE(found.st_mode) & 0o077
    return own and closed and space.f_bavail * space.f_frsize >= _LEAST_FREE


def make(folder: Path, store: Path) -> None:
    """Make the folder of a TaskRun, which belongs to the `store` of that file."""
    folder.mkdir(exist_ok=True)
    with suppress(FileExistsError):
        (folder / _STORE).symlink_to(store.resolve())


def sweep() -> None:
    """Remove what belongs to stores that are not there any more."""
    with suppress(OSError):
        for folder in FOLDER.iterdir():
            owner = folder / _STORE
            if owner.is_symlink() and not owner.exists():
                shutil.rmtree(folder, ignore_errors=True)
