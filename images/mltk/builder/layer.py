"""A folder as the tar file of an image layer: the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MOMENT = 1_704_067_200
"""Time of every file, 2024-01-01: late enough for zip files, which start with 1980."""

_WHITEOUT = ".wh."


class _Hashing:
    """A file to write to that knows the digest of what went through."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._stream.write(data)


def pack(tree: Path, target: Path) -> str:
    """Write `tree`, the upper folder of an overlay or a whole root, as a layer; return its digest.

    The digest is that of the uncompressed layer, as an image's config has it: ``sha256:HEX``.
    """
    with target.open("wb") as stream:
        hashing = _Hashing(stream)
        with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
            linked: dict[tuple[int, int], str] = {}
            for path in _walk(tree):
                _add(tar, tree, path, linked)
    return f"sha256:{hashing.digest.hexdigest()}"


def _walk(folder: Path) -> Iterator[Path]:
    """All below `folder`, a folder before what is in it, by name."""
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        path = Path(entry.path)
        yield path
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path)


def _add(tar: tarfile.TarFile, tree: Path, path: Path, linked: dict[tuple[int, int], str]) -> None:
    status = path.lstat()
    name = path.relative_to(tree).as_posix()
    if stat.S_ISSOCK(status.st_mode):
        return
    if _is_whiteout(status):
        tar.addfile(_entry(_beside(name), tarfile.REGTYPE, 0o644))
        return
    info = _entry(name, tarfile.REGTYPE, stat.S_IMODE(status.st_mode))
    info.uid, info.gid = status.st_uid, status.st_gid
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
        if _is_opaque(path):
            tar.addfile(_entry(f"{name}/{_WHITEOUT}{_WHITEOUT}.opq", tarfile.REGTYPE, 0o644))
    elif stat.S_ISLNK(status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(info)
    elif stat.S_ISREG(status.st_mode):
        _add_file(tar, info, path, status, linked)


def _add_file(
    tar: tarfile.TarFile,
    info: tarfile.TarInfo,
    path: Path,
    status: os.stat_result,
    linked: dict[tuple[int, int], str],
) -> None:
    if status.st_nlink > 1:
        first = linked.setdefault((status.st_dev, status.st_ino), info.name)
        if first != info.name:
            info.type, info.linkname = tarfile.LNKTYPE, first
            tar.addfile(info)
            return
    info.size = status.st_size
    with path.open("rb") as content:
        tar.addfile(info, content)


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, mode, MOMENT
    return info


def _is_whiteout(status: os.stat_result) -> bool:
    """What overlayfs puts in the place of something that was removed."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _is_opaque(folder: Path) -> bool:
    """Whether overlayfs hides what the layers below have in this folder."""
    try:
        return os.getxattr(folder, "trusted.overlay.opaque") == b"y"
    except OSError:
        return False


def _beside(name: str) -> str:
    folder, _, last = name.rpartition("/")
    return f"{folder}/{_WHITEOUT}{last}" if folder else f"{_WHITEOUT}{last}"
