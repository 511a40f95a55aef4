"""The file system of a container: that of the machine, as an image that a container writes over.

What a step writes outside its volumes lies in memory and is gone with it (an overlay, as the
layers of an image are). Runs inside a fork server's child, which leaves the machine's mounts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from mltk.local import namespaces

_ROOT = Path("/")
# Fresh ones are mounted there, or those of the machine with all that is below them.
_OWN = ("/proc", "/sys", "/dev")
# File systems that hold what users install and write; others are shown and cannot be written to.
_WRITTEN_OVER = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs")
# What other containers are made of is many mounts, and nobody's to read.
_LEFT_OUT = (
    "/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/kubelet",
    "/run/docker", "/run/containerd", "/run/netns",
)  # fmt: skip
_ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}  # proc(5), mountinfo


@dataclass(frozen=True)
class Bind:
    """A file or folder of the machine at a path of the container."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class RootFs:
    """How the root of a container is made.

    `scratch` is an empty folder to build it in. `shared` keeps its place and may be written to;
    what is `hidden` looks empty.
    """

    scratch: str
    binds: tuple[Bind, ...] = ()
    shared: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    @classmethod
    def read(cls, found: dict[str, Any]) -> Self:
        """Return what `dataclasses.asdict` made, after its way through JSON."""
        binds = tuple(Bind(**each) for each in found["binds"])
        return cls(found["scratch"], binds, tuple(found["shared"]), tuple(found["hidden"]))


@dataclass(frozen=True)
class _Mounted:
    """A file system of the machine."""

    place: Path
    kind: str


@dataclass
class _Build:
    """The new root below `scratch`, with a layer over each of the machine's file systems."""

    scratch: Path
    layers: dict[Path, Path] = field(default_factory=dict)

    def at(self, place: Path) -> Path:
        """Where a path of the container lies while its root is built."""
        return self.scratch / "root" / place.relative_to(_ROOT)

    def add_layer(self, place: Path) -> None:
        """Make what is to be mounted over `place`."""
        layer = self.scratch / "layers" / str(len(self.layers))
        (layer / "upper").mkdir(parents=True)
        (layer / "work").mkdir()
        self.layers[place] = layer

    def make_place(self, bind: Bind) -> None:
        """Let there be something to mount on, in the layer over the machine's folder."""
        target = Path(bind.target)
        if not target.exists():
            over = next(each for each in (target, *target.parents) if each in self.layers)
            place = self.layers[over] / "upper" / target.relative_to(over)
            _make_place(place, folder=Path(bind.source).is_dir())

    def mount_layer(self, place: Path) -> None:
        """Mount the layer over `place`."""
        layer = self.layers[place]
        lower, upper, work = (_quoted(each) for each in (place, layer / "upper", layer / "work"))
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        namespaces.mount("overlay", str(self.at(place)), options)


def enter(plan: RootFs) -> None:
    """Make the root of a container and go there; OSError says what the kernel refused."""
    namespaces.unshare(namespaces.MOUNTS | namespaces.IPC)
    namespaces.make_private()
    machine = list(_mounted())
    binds = _resolved(plan)
    handles = [(b, namespaces.clone_tree(b.source, read_only=b.read_only)) for b in binds]
    system = [(path, namespaces.clone_tree(path, read_only=path == "/sys")) for path in _OWN[1:]]

    namespaces.mount("tmpfs", plan.scratch, "mode=755")
    build = _Build(Path(plan.scratch))
    build.at(_ROOT).mkdir()
    for place in (_ROOT, *(each.place for each in machine if each.kind in _WRITTEN_OVER)):
        build.add_layer(place)
    for bind in binds:
        if not any(bind is not other and _below(bind.target, other.target) for other in binds):
            build.make_place(bind)
    _mount_machine(build, machine)
    for path, handle in system:
        namespaces.attach(handle, str(build.at(Path(path))))
    namespaces.mount("proc", str(build.at(Path("/proc"))))
    namespaces.mount("tmpfs", str(build.at(Path("/dev") / "shm")), "mode=1777")

    namespaces.change_root(str(build.at(_ROOT)))
    for bind, handle in handles:
        _make_place(Path(bind.target), folder=stat.S_ISDIR(os.fstat(handle).st_mode))
        namespaces.attach(handle, bind.target)


def _mount_machine(build: _Build, machine: Sequence[_Mounted]) -> None:
    """Mount the machine's file systems, those that cannot be written over as they are."""
    build.mount_layer(_ROOT)
    shown: list[str] = []
    for each in machine:
        if any(_below(str(each.place), other) for other in shown):
            continue
        if each.place in build.layers:
            with suppress(OSError):  # not every one can be below a layer
                build.mount_layer(each.place)
                continue
        with suppress(OSError):  # another one lies over it, or this user may not see it
            tree = namespaces.clone_tree(str(each.place), read_only=True)
            namespaces.attach(tree, str(build.at(each.place)))
            shown.append(str(each.place))


def _resolved(plan: RootFs) -> list[Bind]:
    """All binds, outer before inner, at paths without links, as the machine's file system has."""
    binds = [Bind(path, path) for path in plan.shared if Path(path).exists()]
    for path in map(Path, plan.hidden):
        if path.exists():
            nothing = plan.scratch if path.is_dir() else os.devnull
            binds.append(Bind(nothing, str(path), read_only=True))
    found = {}
    for bind in (*binds, *plan.binds):
        target = os.path.realpath(bind.target)
        found[target] = Bind(bind.source, target, bind.read_only)
    return [found[target] for target in sorted(found)]


def _mounted() -> Iterator[_Mounted]:
    """The machine's file systems below its root, outer ones first."""
    found = {}
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        mounted, _, source = line.partition(" - ")
        place = mounted.split()[4]
        for escape, text in _ESCAPES.items():
            place = place.replace(escape, text)
        found[place] = source.split()[0]
    for place, kind in sorted(found.items()):
        left_out = any(_below(place, other) for other in (*_OWN, *_LEFT_OUT))
        if place != "/" and not left_out:
            yield _Mounted(Path(place), kind if Path(place).is_dir() else "file")


def _make_place(place: Path, *, folder: bool) -> None:
    if folder:
        place.mkdir(parents=True, exist_ok=True)
    elif not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _quoted(path: Path) -> str:
    """A path in the options of an overlay."""
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
