"""Successful TaskRuns by the key of what went into them, to be restored instead of run.

An entry is a folder: ``entry.json``, and all files one after the other in ``content``, since a file
system takes longer to make a thousand files than to write what is in them. It appears by one rename
and never changes, so several processes may share the cache; what is damaged or being pruned is a
miss.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from mltk.local.snapshot import Difference

if TYPE_CHECKING:
    from _typeshed import SupportsRead, SupportsWrite

_canonical = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode
_CHUNK = 1 << 20
_CONTENT = "content"
_DRAFT = ".draft-"
_DRAFT_SECONDS = 86_400


@dataclass(frozen=True)
class StoredFile:
    """A file, link or folder of a workspace; `digest` is a SHA-256, or the target of a link.

    What is in a file are `size` bytes from `start` on.
    """

    workspace: str
    path: str
    mode: int
    digest: str
    start: int = 0
    size: int = 0


@dataclass(frozen=True)
class Entry:
    """What is known of a TaskRun that succeeded; `status` is its TaskRun status."""

    task_run: str
    status: dict[str, Any]
    files: tuple[StoredFile, ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    size: int = 0


def cache_key(parts: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of `parts`."""
    return hashlib.sha256(_canonical(parts).encode("utf-8", "surrogateescape")).hexdigest()


class Cache:
    """Entries below `root`; the least recently used ones go when a bound is passed."""

    def __init__(
        self, root: Path, *, max_bytes: int = 20 * 1024**3, max_entries: int = 2000
    ) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._max_entries = max_entries

    def find(self, key: str) -> Entry | None:
        """Return the entry of a key; a damaged one is none."""
        path = f"{self._root}/{key}/entry.json"
        try:
            with open(path, "rb") as file:  # noqa: PTH123  (a Path costs as much as to read it)
                found = json.loads(file.read())
            os.utime(path)
            return Entry(
                found["task_run"],
                found["status"],
                tuple(StoredFile(**file) for file in found["files"]),
                tuple((workspace, path) for workspace, path in found["removed"]),
                found["size"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def restore(self, key: str, entry: Entry, workspaces: Mapping[str, Path], draft: Path) -> bool:
        """Bring the files of an entry back, all or none of them; False when one is damaged.

        `draft` is a folder on the disk of the workspaces, for files that are not yet checked.
        """
        try:
            if not _fits(entry, workspaces):
                return False
            if not _unpack(self._root / key / _CONTENT, entry, draft):
                shutil.rmtree(self._root / key, ignore_errors=True)
                return False
            for workspace, path in reversed(entry.removed):
                _remove(workspaces[workspace] / path)
            for number, file in enumerate(entry.files):
                _place(file, draft / str(number), workspaces[file.workspace] / file.path)
            for file in reversed(entry.files):  # last, since a folder may be read-only
                if stat.S_ISDIR(file.mode):
                    (workspaces[file.workspace] / file.path).chmod(stat.S_IMODE(file.mode))
        except (OSError, KeyError):
            return False
        return True

    def save(
        self,
        key: str,
        task_run: str,
        status: dict[str, Any],
        workspaces: Mapping[str, Path],
        differences: Mapping[str, Difference],
    ) -> bool:
        """Keep a TaskRun and what it changed; False when it cannot be done, which harms no one."""
        draft = self._root / f"{_DRAFT}{uuid.uuid4().hex}"
        try:
            draft.mkdir(parents=True)
            files, size = _store(draft, workspaces, differences)
            removed = tuple(
                (name, path) for name, found in differences.items() for path in found.removed
            )
            entry = Entry(task_run, status, files, removed, size)
            (draft / "entry.json").write_text(json.dumps(asdict(entry)), encoding="utf-8")
            draft.rename(self._root / key)
        except (OSError, ValueError):  # also: the key is there already, by another process
            shutil.rmtree(draft, ignore_errors=True)
            return False
        return True

    def prune(self, now: float) -> None:
        """Let go what passes the bounds, and drafts that a killed process left (`now` in s)."""
        with suppress(OSError):
            entries = sorted(self._entries(now), reverse=True)
            total = 0
            for number, (_, size, folder) in enumerate(entries):
                total += size
                if number >= self._max_entries or total > self._max_bytes:
                    shutil.rmtree(folder, ignore_errors=True)

    def _entries(self, now: float) -> list[tuple[float, int, Path]]:
        found = []
        for folder in self._root.iterdir():
            entry = None if folder.name.startswith(_DRAFT) else self._peek(folder)
            if entry is not None:
                found.append((*entry, folder))
            elif folder.stat().st_mtime < now - _DRAFT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        return found

    def _peek(self, folder: Path) -> tuple[float, int] | None:
        path = folder / "entry.json"
        with suppress(OSError, ValueError, KeyError):
            return path.stat().st_mtime, int(json.loads(path.read_bytes())["size"])
        return None


def _fits(entry: Entry, workspaces: Mapping[str, Path]) -> bool:
    """Whether each path of an entry lies in folders of the workspace itself.

    Tasks before it may have put a link or a file where there was a folder when it was kept.
    """
    placed = {(f.workspace, f.path) for f in entry.files if stat.S_ISDIR(f.mode)}
    needed = _above((f.workspace, f.path) for f in entry.files) - placed
    needed |= _above(entry.removed)
    return all(_is_folder(workspaces[name] / folder) for name, folder in needed)


def _above(paths: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(name, str(above)) for name, path in paths for above in PurePath(path).parents[:-1]}


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return True  # it is made
    except OSError:
        return False


def _store(
    draft: Path, workspaces: Mapping[str, Path], differences: Mapping[str, Difference]
) -> tuple[tuple[StoredFile, ...], int]:
    files: list[StoredFile] = []
    with (draft / _CONTENT).open("wb") as content:
        for workspace, found in differences.items():
            for path in found.changed:
                files.append(_pack(workspace, path, workspaces[workspace] / path, content))
        return tuple(files), content.tell()


def _pack(workspace: str, path: str, source: Path, content: BinaryIO) -> StoredFile:
    """Add a file to the content; its bytes, since a step may change a file in place."""
    mode = source.lstat().st_mode
    if stat.S_ISREG(mode):
        start = content.tell()
        with source.open("rb", buffering=0) as reader:
            digest = _copy(reader, content)
        return StoredFile(workspace, path, mode, digest, start, content.tell() - start)
    if stat.S_ISLNK(mode):
        return StoredFile(workspace, path, mode, str(source.readlink()))
    if stat.S_ISDIR(mode):
        return StoredFile(workspace, path, mode, "")
    raise ValueError(f"{path} is no file, link or folder")


def _unpack(packed: Path, entry: Entry, draft: Path) -> bool:
    """Write the files of an entry into `draft`, numbered; False when one is damaged."""
    files = [(n, file) for n, file in enumerate(entry.files) if stat.S_ISREG(file.mode)]
    if not files:
        return True
    draft.mkdir(parents=True, exist_ok=True)
    try:
        content = packed.open("rb")
    except FileNotFoundError:  # an entry of an earlier version
        return False
    with content:
        for number, file in files:
            content.seek(file.start)
            with (draft / str(number)).open("wb") as writer:
                if _copy(content, writer, file.size) != file.digest:
                    return False
    return True


def _copy(reader: SupportsRead[bytes], writer: SupportsWrite[bytes], most: float = math.inf) -> str:
    digest = hashlib.sha256()
    while most > 0 and (chunk := reader.read(int(min(most, _CHUNK)))):
        digest.update(chunk)
        writer.write(chunk)
        most -= len(chunk)
    return digest.hexdigest()


def _place(file: StoredFile, draft: Path, target: Path) -> None:
    if stat.S_ISDIR(file.mode):
        if target.is_symlink() or target.is_file():
            target.unlink()
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    if stat.S_ISLNK(file.mode):
        target.unlink(missing_ok=True)
        target.symlink_to(file.digest)
        return
    draft.chmod(stat.S_IMODE(file.mode))
    draft.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
