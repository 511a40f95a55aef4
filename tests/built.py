"""Programs that tests ask, built or installed once from what a lock file names."""

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
    """What is made of the files in `source` and kept in the cache, named by their digest.

    `how` tells apart what is made of the same files in another way.
    """

    name: str
    source: Path
    make: Callable[[Path, Path], None]
    """Makes it of the files of a folder in another one, which is there."""
    how: str = ""

    @property
    def folder(self) -> Path:
        """Where it lies; there only when it is whole."""
        digest = hashlib.sha256(self.how.encode())
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


@dataclass(frozen=True)
class GoProgram:
    """A program of a Go module: `package`, with the go.mod that names it in `source`.

    `without` says in words what there is not without it.
    """

    name: str
    source: Path
    without: str
    package: str = "."

    @property
    def path(self) -> Path:
        """Where it lies when it is built."""
        return self._kept.folder / self.name

    def missing(self) -> str:
        """What this machine lacks, in words; "" for nothing."""
        if self.path.is_file() or shutil.which("go"):
            return ""
        return f"{self.without}: {self.name} is built with Go, which is not here: see https://go.dev/dl/"

    def built(self) -> Path:
        """The program, which is built if it is not there."""
        return self._kept.built() / self.name

    @property
    def _kept(self) -> Kept:
        def make(source: Path, made: Path) -> None:
            go_build(source, made / self.name, self.package)

        return Kept(self.name, self.source, make, self.package)


def go_build(source: Path, program: Path, package: str, *words: str, cgo: bool = False) -> None:
    """Build a package that the go.mod in `source` names, checked against go.sum."""
    go = ("go", "build", "-trimpath", "-ldflags=-s -w", *words, "-o", str(program), package)
    run(go, cwd=source, env=_environment(cgo=cgo))


def go_module(source: Path, path: str) -> Path:
    """The folder of a module that the go.mod in `source` names, checked against go.sum."""
    env = _environment()
    run(["go", "mod", "download", path], cwd=source, env=env)
    return Path(run(["go", "list", "-m", "-f", "{{.Dir}}", path], cwd=source, env=env).strip())


def _environment(*, cgo: bool = False) -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": str(int(cgo)), "GOFLAGS": "-mod=readonly"}
