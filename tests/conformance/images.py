"""Images for examples that no program alone stands in for, made here (`parts`)."""

from __future__ import annotations

import io
import os
import shutil
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
from tests.cluster.node.binaries import CLI, PIPELINES
from tests.cluster.node.dynamic import with_libraries
from tests.conformance.parts import Files, alone, built, found, of_packages, output, parts
from tests.conformance.registry import certificate

# A program, and the packages that it comes with, of a system that has what ssh and curl need.
_SSHD = (Path("usr/sbin/sshd"), ("openssh-server", "libwrap0"))
_SKOPEO = (
    Path("usr/bin/skopeo"),
    ("skopeo", "libgpgme11", "libassuan0", "libdevmapper1.02.1"),
)
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
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/containers/policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
}
_FOLDERS = {
    "tmp": 0o1777,
    "root": 0o700,
    "home/nonroot": 0o755,
    "run/sshd": 0o755,
    "var/tmp": 0o1777,
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
    applets = output(str(busybox), "--list").split()
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
    programs = [Path(found(name)) for name in ("git", "ssh", "ssh-keygen")]
    packs = {f"usr/bin/git-{name}-pack": programs[0] for name in ("upload", "receive")}
    return {**with_libraries(programs), **packs, **of_packages(*_SSHD)}


def _nop() -> Files:
    """The program of Tekton that does nothing."""
    return built("nop", "github.com/tektoncd/pipeline/cmd/nop", PIPELINES)


def _crane() -> Files:
    """A client of registries, and what it trusts."""
    program = built("crane", "github.com/google/go-containerregistry/cmd/crane", CLI)
    return {**program, **_trust()}


def _skopeo() -> Files:
    return {**of_packages(*_SKOPEO), **_trust()}


def _trust() -> Files:
    with alone(parts()):
        return {"etc/ssl/certs/ca-certificates.crt": certificate(parts())}


def _bash() -> Files:
    bash = Path(found("bash"))
    return {"bin/bash": bash, **with_libraries([bash])}


# By their names without registry, tag and digest; what they run is what the examples count on.
_IMAGES: Mapping[str, _Image] = {
    "git": _Image(_git, ('ENTRYPOINT ["git"]',)),
    "alpine-git-nonroot": _Image(_git, ('ENTRYPOINT ["git"]',)),
    "nop-8eac7c133edad5df719dc37b36b62482": _Image(_nop, ('ENTRYPOINT ["/ko-app/nop"]',)),
    "crane": _Image(_crane, ('ENTRYPOINT ["/ko-app/crane"]',)),
    "skopeo-copy": _Image(_skopeo),
    "bash": _Image(_bash, ('ENTRYPOINT ["/bin/bash"]',)),
    "ubuntu": _Image(_bash, ('CMD ["/bin/bash"]',)),
}
