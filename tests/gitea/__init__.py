"""A real Gitea, built once from its Go module."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from tests.cluster.node.commands import run, say
from tests.cluster.node.layout import cache

_SOURCE = Path(__file__).parent / "go"
_PACKAGE = "code.gitea.io/gitea"
_PAGES = ("templates", "options", "public")


def missing() -> str:
    """What this machine lacks, in words; "" for nothing."""
    if _folder().is_dir():
        return ""
    lacks = [name for name in ("go", "gcc") if shutil.which(name) is None]
    if lacks:
        return f"GITEA IS NOT ASKED: it is built with {' and '.join(lacks)}, not there"
    return ""


def built() -> Path:
    """The folder with the program `gitea` and what it reads; minutes the first time."""
    folder = _folder()
    if not folder.is_dir():
        say("building gitea (the first time this takes minutes)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".gitea-") as text:
            made = Path(text) / "made"
            made.mkdir()
            env = {**os.environ, "CGO_ENABLED": "1", "GOFLAGS": "-mod=readonly"}
            tags = "timetzdata sqlite sqlite_unlock_notify"
            go = [
                "go",
                "build",
                "-trimpath",
                "-ldflags=-s -w",
                "-tags",
                tags,
                "-o",
                f"{made}/gitea",
            ]
            run([*go, _PACKAGE], cwd=_SOURCE, env=env)
            asked = ["go", "list", "-m", "-f", "{{.Dir}}", _PACKAGE]
            source = Path(run(asked, cwd=_SOURCE, env=env).strip())
            for name in _PAGES:
                shutil.copytree(source / name, made / name)
            run(["chmod", "-R", "u+w", made])
            made.rename(folder)
    return folder


def _folder() -> Path:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(_SOURCE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return cache() / "bin" / f"gitea-{digest.hexdigest()[:12]}"
