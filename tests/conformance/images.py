"""Images for examples that no program alone stands in for, made of files of this machine.

What it lacks of them comes from packages that are unpacked into the cache and installed nowhere.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk.errors import InfrastructureError
from mltk.local.containers import Engine, find_engine
from mltk.tekton.objects import Obj
from tests.busybox import Missing, static_busybox
from tests.cluster.node.dynamic import with_libraries
from tests.cluster.node.layout import cache
from tests.conformance.examples import MODULES

Files = Mapping[str, Path]

_SSHD = Path("usr/sbin/sshd")
_PACKAGES = ("openssh-server", "libwrap0")  # of a system with libraries for ssh
_NONROOT = 1000
_USERS = {
    "root": (0, "/root"),
    "nonroot": (_NONROOT, "/home/nonroot"),
    "sshd": (101, "/run/sshd"),
}
_TEXTS = {
    "etc/passwd": "".join(f"{n}:x:{i}:{i}::{home}:/bin/sh\n" for n, (i, home) in _USERS.items()),
    "etc/group": "".join(f"{name}:x:{number}:\n" for name, (number, _) in _USERS.items()),
    "etc/shadow": "".join(f"{name}:!::0:::::\n" for name in _USERS),
    "etc/ssh/sshd_config": "",
}
_FOLDERS = {
    "tmp": 0o1777,
    "root": 0o700,
    "home/nonroot": 0o755,
    "run/sshd": 0o755,
    "var/log": 0o755,
}


@dataclass(frozen=True)
class _Image:
    files: Callable[[], Files]
    changes: Sequence[str] = ()


def lacks() -> str:
    """Why no container of such an image runs here; empty when one may."""
    try:
        find_engine()
        static_busybox()
    except (InfrastructureError, Missing) as error:
        return str(error).partition("\n")[0]
    if shutil.which("ip") is None:
        return "ip is not installed"
    return "" if os.geteuid() == 0 else "only root may give a container port 22"


@contextmanager
def local_images(objs: Sequence[Obj], engine: Engine) -> Iterator[list[Obj]]:
    """The objects with images that are here, as long as this lasts, for those that they name.

    Raises Missing.
    """
    made: dict[str, str] = {}

    def mapped(tree: Any) -> Any:
        if isinstance(tree, list):
            return [mapped(each) for each in tree]
        if not isinstance(tree, dict):
            return tree
        return {
            key: local(each) if key == "image" and isinstance(each, str) else mapped(each)
            for key, each in tree.items()
        }

    def local(image: str) -> str:
        plain = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
        if plain not in _IMAGES:
            raise Missing(f"nothing here stands in for the image {image}")
        if plain not in made:
            name = f"localhost/mltk-examples/{plain}:{os.getpid()}"
            _import(engine, name, _IMAGES[plain])
            made[plain] = name
        return made[plain]

    try:
        yield mapped(list(objs))
    finally:
        if made:
            engine.call("rmi", "--force", *made.values())


def _import(engine: Engine, name: str, image: _Image) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.tar"
        with tarfile.open(file, "w") as layer:
            _write(layer, image.files())
        options = [word for change in image.changes for word in ("--change", change)]
        done = engine.call("import", *options, str(file), name)
        if done.returncode:
            raise Missing(f"{engine.program} takes no image: {done.stderr.strip()}")


def _write(layer: tarfile.TarFile, files: Files) -> None:
    for path, mode in _FOLDERS.items():
        folder = tarfile.TarInfo(path)
        folder.type, folder.mode = tarfile.DIRTYPE, mode
        folder.uid = folder.gid = _NONROOT if path == "home/nonroot" else 0
        layer.addfile(folder)
    for path, text in _TEXTS.items():
        info = tarfile.TarInfo(path)
        info.size = len(text)
        layer.addfile(info, io.BytesIO(text.encode()))
    busybox = Path(static_busybox())
    applets = _output(str(busybox), "--list").split()
    links = {f"bin/{name}": "busybox" for name in applets if name != "busybox"}
    for path, target in {**links, "usr/bin/env": "/bin/busybox"}.items():
        if path not in files:
            link = tarfile.TarInfo(path)
            link.type, link.linkname = tarfile.SYMTYPE, target
            layer.addfile(link)
    for path, source in {"bin/busybox": busybox, **files}.items():
        layer.add(source.resolve(), path, filter=_of_root)


def _of_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    return info


def _git() -> Files:
    """Git over ssh, and a server for it."""
    programs = [Path(_found(name)) for name in ("git", "ssh", "ssh-keygen")]
    packs = {f"usr/bin/git-{name}-pack": programs[0] for name in ("upload", "receive")}
    return {**with_libraries(programs), **packs, **_server()}


def _server() -> Files:
    unpacked = _parts() / _PACKAGES[0]
    if not (unpacked / _SSHD).exists():
        _unpack(unpacked)
    places = [str(each) for each in unpacked.glob("usr/lib/*-linux-*")]
    found = with_libraries([unpacked / _SSHD], {"LD_LIBRARY_PATH": os.pathsep.join(places)})
    own = f"{unpacked}/".lstrip("/")
    return {path.removeprefix(own): source for path, source in found.items()}


def _unpack(target: Path) -> None:
    """Fetch packages and unpack them into a folder."""
    if shutil.which("apt-get") is None:
        raise Missing("a server for ssh is fetched with apt-get, which is not installed")
    # Two at a time are in each other's way.
    with _alone(target.parent), tempfile.TemporaryDirectory(dir=target.parent) as folder:
        if (target / _SSHD).exists():
            return
        _output("apt-get", "download", "-q", *_PACKAGES, cwd=folder)
        for package in Path(folder).glob("*.deb"):
            _output("dpkg-deb", "--extract", str(package), f"{folder}/made")
        (Path(folder) / "made").rename(target)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _parts() -> Path:
    """Where what is fetched and built stays."""
    folder = cache() / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _nop() -> Files:
    """The program of Tekton that does nothing."""
    program, package = _parts() / "nop", "github.com/tektoncd/pipeline/cmd/nop"
    _output(_found("go"), "build", "-o", str(program), package, cwd=str(MODULES))
    return {"ko-app/nop": program}


def _bash() -> Files:
    return {"bin/bash": Path(_found("bash")), **with_libraries([Path(_found("bash"))])}


def _found(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Missing(f"{program} is not installed")
    return found


def _output(*command: str, cwd: str | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**os.environ, "CGO_ENABLED": "0"}
    )
    if done.returncode:
        raise Missing(f"{' '.join(command[:2])}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


# By their names without registry, tag and digest; what they run is what the examples count on.
_IMAGES: Mapping[str, _Image] = {
    "git": _Image(_git, ('ENTRYPOINT ["git"]',)),
    "alpine-git-nonroot": _Image(_git, ('ENTRYPOINT ["git"]',)),
    "nop-8eac7c133edad5df719dc37b36b62482": _Image(_nop, ('ENTRYPOINT ["/ko-app/nop"]',)),
    "ubuntu": _Image(_bash, ('CMD ["/bin/bash"]',)),
}
