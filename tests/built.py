"""Servers that tests ask, built or installed once from what a lock file names."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node.commands import run, say
from tests.cluster.node.layout import cache


@dataclass(frozen=True)
class Kept:
    """What is made of the files in `source` and kept in the cache, named by their digest."""

    name: str
    source: Path
    make: Callable[[Path, Path], None]
    """Makes it of the files of a folder in another one, which is there."""

    @property
    def folder(self) -> Path:
        """Where it lies; there only when it is whole."""
        digest = hashlib.sha256()
        for path in sorted(self.source.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return cache() / "bin" / f"{self.name}-{digest.hexdigest()[:12]}"

    def built(self) -> Path:
        """The folder; a minute or two the first time. Several processes may ask at once."""
        folder = self.folder
        if not folder.is_dir():
            say(f"building {self.name} (the first time this takes minutes)")
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{self.name}-") as text:
                made = Path(text) / "made"
                made.mkdir()
                self.make(self.source, made)
                if not folder.is_dir():
                    made.rename(folder)
        return folder


def go_program(name: str, source: Path, package: str) -> Kept:
    """A program of a Go module."""

    def make(modules: Path, made: Path) -> None:
        env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
        words = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(made / name), package]
        run(words, cwd=modules, env=env)

    return Kept(name, source, make)


def no_go(kept: Kept, what: str) -> str:
    """What this machine lacks to build it, in words; "" for nothing."""
    if kept.folder.is_dir() or shutil.which("go"):
        return ""
    return f"{what}: {kept.name} is built with go, which is not there"
