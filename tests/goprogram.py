"""Programs of ours in Go, built of published packages, and the folders of such packages.

A program lies in the cache and is built again when a file of its source changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node.commands import run
from tests.cluster.node.layout import cache


@dataclass(frozen=True)
class GoProgram:
    """The program called `name`, with its Go files and go.mod in `source`; `what` it is for."""

    source: Path
    name: str
    what: str

    @property
    def path(self) -> Path:
        """Where it lies when it is built."""
        digest = hashlib.sha256()
        for path in sorted(self.source.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return cache() / "bin" / f"{self.name}-{digest.hexdigest()[:12]}"

    def missing(self) -> str:
        """What this machine lacks, in words; "" for nothing."""
        if self.path.is_file() or shutil.which("go"):
            return ""
        return f"{self.what} built with Go, which is not here: see https://go.dev/dl/"

    def built(self) -> Path:
        """The program, which is built if it is not there."""
        program = self.path
        if not program.is_file():
            program.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=program.parent) as folder:
                env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
                made = Path(folder) / program.name
                go = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(made), "."]
                run(go, cwd=self.source, env=env)
                made.rename(program)
        return program

    def module(self, path: str) -> Path:
        """The folder of a module that its go.mod names, checked against go.sum."""
        env = {**os.environ, "GOFLAGS": "-mod=readonly"}
        run(["go", "mod", "download", path], cwd=self.source, env=env)
        return Path(
            run(["go", "list", "-m", "-f", "{{.Dir}}", path], cwd=self.source, env=env).strip()
        )
