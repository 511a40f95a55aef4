"""Layers that were made before, each under a key of what it is made from."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from builder.archive import Layer
from builder.layer import pack


class Made:
    """A layer in the cache: its folder for what is built on it, its tar file for the archive."""

    def __init__(self, folder: Path, key: str) -> None:
        self.key = key
        self.tree = folder / "tree"
        self._tar = folder / "layer.tar"
        self._digest = folder / "digest"

    def pack(self) -> None:
        """Pack the folder."""
        self._digest.write_text(pack(self.tree, self._tar), encoding="utf-8")

    def layer(self, what: str) -> Layer:
        """Give the packed layer."""
        return Layer(self._tar, self._digest.read_text(encoding="utf-8"), what)

    @property
    def size(self) -> int:
        """Bytes of the tar file."""
        return self._tar.stat().st_size


def cache_folder(environ: dict[str, str] | None = None) -> Path:
    """Give the folder of the layers, by the rules of mltk's cache folder."""
    settings = os.environ if environ is None else environ
    if settings.get("MLTK_CACHE"):
        return Path(settings["MLTK_CACHE"], "cluster", "image")
    home = settings.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "mltk", "cluster", "image")


def key_of(below: str, files: Sequence[tuple[str, Path]]) -> str:
    """Give the key of a layer: that of the layer below, and each input by name, mode and bytes."""
    digest = hashlib.sha256(below.encode())
    for name, file in sorted(files):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        executable = os.access(file, os.X_OK)
        digest.update(f"{name}\0{executable}\0{content}\n".encode())
    return digest.hexdigest()[:16]


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Let other builds with the same cache wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_or_make(folder: Path, part: str, key: str, make: Callable[[Path], None]) -> Made:
    """Give the layer `part` with this key; `make` fills a new folder when it is not there.

    Layers of the same part with other keys are removed: they are large, and quickly made again.
    """
    home = folder / f"{part}-{key}"
    if not home.is_dir():
        draft = folder / f".{part}-{key}.part"
        shutil.rmtree(draft, ignore_errors=True)
        (draft / "tree").mkdir(parents=True)
        (draft / "tree").chmod(0o755)
        make(draft / "tree")
        Made(draft, key).pack()
        draft.rename(home)
    for other in folder.glob(f"{part}-*"):
        if other != home:
            shutil.rmtree(other)
    return Made(home, key)
