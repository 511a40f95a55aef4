"""The images of the node: made of programs that are here, imported once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.cluster.node import archive, layers
from tests.cluster.node.archive import NONROOT, Contents
from tests.cluster.node.binaries import PIPELINES, TRIGGERS, Module
from tests.cluster.node.commands import run, say, succeeds
from tests.cluster.node.containerd import CTR, PAUSE
from tests.cluster.node.dynamic import with_libraries
from tests.cluster.node.errors import NodeError
from tests.cluster.node.layout import cache
from tests.cluster.node.sandbox import Sandbox

BUSYBOX = "localhost/busybox:1"
SHELL = "localhost/tekton/shell:1"
_BUSYBOX = Path("/bin/busybox")
_TINI = Path("/usr/bin/tini-static")
_GIT = (
    Path("/usr/bin/git"),
    Path("/usr/lib/git-core/git-remote-http"),
    Path("/usr/lib/git-core/git-remote-https"),
)


@dataclass(frozen=True)
class Image:
    """A small image and the programs in it."""

    name: str
    files: Mapping[str, Path]
    entrypoint: Sequence[str]
    links: Mapping[str, str] = field(default_factory=dict)
    user: int = 0


def of_tekton(module: Module, program: str) -> str:
    """The name of the image of one program of Tekton."""
    return f"localhost/tekton/{module.name}/{program}:{module.version}"


def images() -> list[Image]:
    """Every image that the node itself needs."""
    busybox = _busybox()
    # Tekton's own containers are told to run as anybody but root, and not as whom.
    shell = replace(busybox, name=SHELL, user=NONROOT)
    return [_pause(), busybox, shell, *_tekton(PIPELINES), *_tekton(TRIGGERS)]


def provide(sandbox: Sandbox) -> None:
    """Import the images of the node that are not there."""
    there = names(sandbox)
    stamp = cache() / "images-made-of"
    made_of = _made_of()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_of:
        wanted = [image for image in images() if image.name not in there]
    else:
        wanted = images()
    if not wanted:
        return
    say(f"importing {len(wanted)} images")
    with tempfile.TemporaryDirectory() as folder:
        for image in wanted:
            load(sandbox, _write(image, Path(folder) / "image.tar"))
    stamp.write_text(made_of, encoding="utf-8")


def load(sandbox: Sandbox, path: Path) -> str:
    """Import an archive, unless its image is there already; returns what was done, in words."""
    with archive.opened(path) as (contents, source):
        if not contents.names:
            raise NodeError(f"{path}: the image in it has no name", hint="give it a tag")
        name = contents.names[0]
        before = _config_digest(sandbox, name)
        if before == contents.config_digest:
            return f"{name} is there already"
        sent = _send(sandbox, contents, source)
    if before:
        # The runtime's own name of the image that was replaced would keep it for ever.
        succeeds([*sandbox.enter(), *CTR, "images", "rm", before])
    return f"{name} loaded, {len(sent)} of {len(contents.layers)} layers"


def names(sandbox: Sandbox) -> set[str]:
    """The names of the images in the node."""
    return set(sandbox.run([*CTR, "images", "ls", "--quiet"]).split())


def _write(image: Image, path: Path) -> Path:
    archive.write(
        path,
        image.name,
        files=image.files,
        links=image.links,
        entrypoint=image.entrypoint,
        user=image.user,
    )
    return path


def _send(sandbox: Sandbox, contents: Contents, source: tarfile.TarFile) -> list[str]:
    there = set(sandbox.run([*CTR, "content", "ls", "--quiet"]).split())
    words = [*sandbox.enter(), *CTR, "images", "import", "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as importer:  # fmt: skip
        assert importer.stdin
        assert importer.stdout
        try:
            sent = layers.send(contents, source, there, importer.stdin)
            importer.stdin.close()
        except BrokenPipeError:
            sent = []
        said = importer.stdout.read().decode(errors="replace").strip()
    if importer.returncode:
        raise NodeError(f"{contents.names[0]} was not imported: {said[-300:]}")
    return sent


def _config_digest(sandbox: Sandbox, name: str) -> str | None:
    if name not in names(sandbox):
        return None
    listed = sandbox.run([*CTR, "images", "ls", f"name=={name}"]).splitlines()
    digest = listed[1].split()[2]
    manifest = json.loads(sandbox.run([*CTR, "content", "get", digest]))
    return str(manifest.get("config", {}).get("digest"))


def _pause() -> Image:
    # tini is process 1 of a pod that shares its processes: it reaps, and ends on SIGTERM.
    files = {"tini": _TINI, "bin/busybox": _BUSYBOX}
    return Image(PAUSE, files, ["/tini", "--", "/bin/busybox", "sleep", "2147483647"])


def _busybox() -> Image:
    applets = run([_BUSYBOX, "--list"]).split()
    links = {f"bin/{applet}": "busybox" for applet in applets if applet != "busybox"}
    return Image(BUSYBOX, {"bin/busybox": _BUSYBOX}, [], links)


def _tekton(module: Module) -> list[Image]:
    programs = sorted(path for path in module.folder.iterdir() if path.is_file())
    return [_of_program(module, program) for program in programs]


def _of_program(module: Module, program: Path) -> Image:
    files = {f"ko-app/{program.name}": program}
    if program.name == "resolvers":
        # Its Deployment starts it through tini, and it runs git.
        files |= {"sbin/tini": _TINI, **with_libraries(_GIT)}
    name, entrypoint = of_tekton(module, program.name), [f"/ko-app/{program.name}"]
    return Image(name, files, entrypoint, user=NONROOT)


def _made_of() -> str:
    """The same text, the same images: what they hold, and how they are written."""
    sources = [_BUSYBOX, _TINI, Path(__file__), Path(archive.__file__)]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sources]
    return " ".join([PIPELINES.key, TRIGGERS.key, *digests])
