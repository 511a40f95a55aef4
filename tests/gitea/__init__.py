"""A real Gitea, built once from its Go module."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.built import Kept, go_build, go_module
from tests.cluster.node.commands import run

_PACKAGE = "code.gitea.io/gitea"
_PAGES = ("templates", "options", "public")
_TAGS = "timetzdata sqlite sqlite_unlock_notify"


def _make(source: Path, made: Path) -> None:
    go_build(source, made / "gitea", _PACKAGE, "-tags", _TAGS, cgo=True)
    module = go_module(source, _PACKAGE)
    for name in _PAGES:
        shutil.copytree(module / name, made / name)
    run(["chmod", "-R", "u+w", made])


_GITEA = Kept("gitea", Path(__file__).parent / "go", _make, _TAGS)


def missing() -> str:
    """What this machine lacks, in words; "" for nothing."""
    if _GITEA.folder.is_dir():
        return ""
    lacks = [name for name in ("go", "gcc") if shutil.which(name) is None]
    if lacks:
        return f"GITEA IS NOT ASKED: it is built with {' and '.join(lacks)}, not there"
    return ""


def built() -> Path:
    """The folder with the program `gitea` and what it reads; minutes the first time."""
    return _GITEA.built()
