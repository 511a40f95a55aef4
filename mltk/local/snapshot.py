"""What a TaskRun changed in a folder: the difference of two looks at it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# A file system's clock ticks in steps of some milliseconds: a file that was written this shortly
# before the first look may change again without its stamp showing it (git calls this racy).
_RACY_NANOSECONDS = 50_000_000


@dataclass(frozen=True)
class Stamp:
    """What changes when a file does; ctime cannot be set back, unlike mtime."""

    mode: int
    inode: int
    size: int
    changed: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, of which only the existence counts."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_storable(self) -> bool:
        """Whether it can be kept: no socket, pipe or device."""
        return self.is_folder or stat.S_ISREG(self.mode) or stat.S_ISLNK(self.mode)


Look = Mapping[str, Stamp]


@dataclass(frozen=True)
class Difference:
    """Paths relative to the folder, parents first."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]


def look(folder: Path) -> dict[str, Stamp]:
    """Return everything below `folder` by relative path; links are not followed."""
    return dict(_walk(str(folder), ""))


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            found = entry.stat(follow_symlinks=False)
            path = prefix + entry.name
            yield path, Stamp(found.st_mode, found.st_ino, found.st_size, found.st_ctime_ns)
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, path + "/")


def difference(before: Look, after: Look, began: int) -> Difference:
    """Return what is new, changed or gone; `began` is the time of the first look in ns."""

    def same(path: str, now: Stamp) -> bool:
        then = before.get(path)
        if then is None or (now.is_folder and then.is_folder):
            return then is not None and now.mode == then.mode
        return then == now and now.changed < began - _RACY_NANOSECONDS

    return Difference(
        tuple(sorted(path for path, now in after.items() if not same(path, now))),
        tuple(sorted(before.keys() - after.keys())),
    )
