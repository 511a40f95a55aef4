"""Programs that images are made of: of this machine, of Debian's packages, of Go modules.

Packages are unpacked into the cache and installed nowhere.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.busybox import Missing
from tests.cluster.node.binaries import Module
from tests.cluster.node.dynamic import with_libraries
from tests.cluster.node.layout import cache

Files = Mapping[str, Path]
"""Files by their path in an image."""


def built(name: str, package: str, module: Module) -> Files:
    """A program of a Go module that the node of the tests pins."""
    program = parts() / name
    with alone(program.parent):
        output(found("go"), "build", "-o", str(program), package, cwd=str(module.source))
    return {f"ko-app/{name}": program}


def of_packages(program: Path, packages: Sequence[str]) -> Files:
    """A program with its libraries, of packages that are installed nowhere."""
    unpacked = parts() / packages[0]
    if not unpacked.exists():
        _unpack(unpacked, packages)
    places = [str(each) for each in unpacked.glob("**/lib/*-linux-*")]
    files = with_libraries([unpacked / program], {"LD_LIBRARY_PATH": os.pathsep.join(places)})
    own = f"{unpacked}/".lstrip("/")
    return {path.removeprefix(own): source for path, source in files.items()}


def _unpack(target: Path, packages: Sequence[str]) -> None:
    """Fetch packages and unpack them into a folder."""
    if shutil.which("apt-get") is None:
        raise Missing(f"{packages[0]} is fetched with apt-get, which is not installed")
    # Two at a time are in each other's way.
    with alone(target.parent), tempfile.TemporaryDirectory(dir=target.parent) as folder:
        if target.exists():
            return
        output("apt-get", "download", "-q", *packages, cwd=folder)
        for package in Path(folder).glob("*.deb"):
            output("dpkg-deb", "--extract", str(package), f"{folder}/made")
        (Path(folder) / "made").rename(target)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let nobody else write to a folder meanwhile who asks for it in this way."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def parts() -> Path:
    """Where what is fetched and built stays."""
    folder = cache() / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def found(program: str) -> str:
    """Where a program of this machine lies; raises Missing."""
    path = shutil.which(program)
    if path is None:
        raise Missing(f"{program} is not installed")
    return path


def output(*command: str, cwd: str | None = None) -> str:
    """What a command prints; raises Missing with its last word when it fails."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**os.environ, "CGO_ENABLED": "0"}
    )
    if done.returncode:
        *_, last = ["it fails", *done.stderr.strip().splitlines()]
        raise Missing(f"{' '.join(command[:2])}: {last}")
    return done.stdout
