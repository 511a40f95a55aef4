"""Whether this machine can hold the node, in words."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.cluster.node import binaries, packages
from tests.cluster.node.commands import run
from tests.cluster.node.errors import NodeError
from tests.cluster.node.layout import HERE, cache


def obstacles() -> list[str]:
    """Why the node cannot be brought up here; nothing when it can."""
    if not sys.platform.startswith("linux"):
        return [f"the node needs Linux: this is {sys.platform}"]
    if os.geteuid() != 0:
        return ["the node needs root: it makes namespaces, mounts and control groups"]
    found = [_namespaces() or _overlay(), _control_groups(), _packages(), _go()]
    return [reason for reason in found if reason]


def _namespaces() -> str | None:
    try:
        run(["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "true"])
    except NodeError as error:
        return f"this process may not make namespaces ({_last_words(error)})"
    return None


def _control_groups() -> str | None:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists() or (root / "memory").is_dir():
        return None
    return f"no control groups are mounted at {root}"


def _packages() -> str | None:
    lacking = packages.missing()
    if not lacking or packages.installable():
        return None
    return f"these Debian packages are not here, nor apt-get to install them: {' '.join(lacking)}"


def _go() -> str | None:
    if not binaries.missing():
        return None
    if shutil.which("go"):
        newest = HERE / "go" / "cli"
        try:
            # An older Go fails here, or fetches the one that is asked for.
            run(["go", "list", "-m"], cwd=newest)
        except NodeError as error:
            return f"go is too old for {newest / 'go.mod'}: {_last_words(error)}"
        return None
    names = ", ".join(module.name for module in binaries.missing())
    return f"go is not here, and these are still to be built: {names} (https://go.dev/dl)"


def _overlay() -> str | None:
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        for name in ("lower", "upper", "work", "merged"):
            (Path(folder) / name).mkdir()
        layers = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        mount = f"mount -t overlay overlay -o '{layers}' '{folder}/merged'"
        try:
            run(["unshare", "--mount", "sh", "-c", mount])
        except NodeError as error:
            return (
                f"the file system of {cache()} holds no overlay mounts: set MLTK_CACHE to a folder "
                f"of another ({_last_words(error)})"
            )
    return None


def _last_words(error: NodeError) -> str:
    return error.what.rpartition(": ")[2]
