"""What a TaskRun changed in a folder: the difference of two looks at it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
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


def young(folder: Path, seen: Look, began: int) -> dict[str, str]:
    """Return what is in the files that may change without their stamps showing it.

    A TaskRun begins milliseconds after the one before it has written. What it left alone must not
    pass for its own: in another run, where that has other content, it would be put over it.
    """
    return {
        path: _content(folder / path, stamp)
        for path, stamp in seen.items()
        if _has_content(stamp) and not _is_settled(stamp, began)
    }


def unchanged(folder: Path, known: Mapping[str, str], before: Look, after: Look) -> set[str]:
    """Return those of the `young` files in which is what was in them."""
    return {
        path
        for path, content in known.items()
        if (now := after.get(path)) == before[path]
        and now is not None
        and _content(folder / path, now) == content
    }


def _has_content(stamp: Stamp) -> bool:
    return stat.S_ISREG(stamp.mode) or stat.S_ISLNK(stamp.mode)


def _content(path: Path, stamp: Stamp) -> str:
    if stat.S_ISLNK(stamp.mode):
        return str(path.readlink())
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_settled(stamp: Stamp, began: int) -> bool:
    return stamp.changed < began - _RACY_NANOSECONDS


def difference(
    before: Look, after: Look, began: int, held: Collection[str] = frozenset()
) -> Difference:
    """Return what is new, changed or gone; `began` is the time of the first look in ns.

    `held` are the files that are known to be `unchanged`.
    """

    def same(path: str, now: Stamp) -> bool:
        then = before.get(path)
        if then is None or (now.is_folder and then.is_folder):
            return then is not None and now.mode == then.mode
        return then == now and (path in held or _is_settled(now, began))

    return Difference(
        tuple(sorted(path for path, now in after.items() if not same(path, now))),
        tuple(sorted(before.keys() - after.keys())),
    )
