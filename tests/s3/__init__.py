"""A real S3 server, versitygw, built once from its Go module."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from tests.cluster.node.commands import run, say
from tests.cluster.node.layout import cache

_SOURCE = Path(__file__).parent / "go"
_PACKAGE = "github.com/versity/versitygw/cmd/versitygw"


def missing() -> str:
    """What this machine lacks, in words; "" for nothing."""
    if _program().is_file() or shutil.which("go"):
        return ""
    return "NO S3 SERVER IS ASKED: versitygw is built with go, which is not there"


def built() -> Path:
    """The program; a minute or two the first time."""
    program = _program()
    if not program.is_file():
        say("building versitygw (the first time this takes minutes)")
        program.parent.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent.parent, prefix=".s3-") as text:
            made = Path(text) / "made"
            made.mkdir()
            env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
            words = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", f"{made}/versitygw"]
            run([*words, _PACKAGE], cwd=_SOURCE, env=env)
            if not program.parent.exists():
                made.rename(program.parent)
    return program


def _program() -> Path:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(_SOURCE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return cache() / "bin" / f"s3-{digest.hexdigest()[:12]}" / "versitygw"
