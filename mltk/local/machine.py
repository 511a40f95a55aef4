"""What the machine gives to the root of each container, and how that root is built.

It is an image that a container writes over: what a step writes outside its volumes lies in memory
and is gone with it (an overlay, as the layers of an image are). Paths are texts here, because each
object that a forked child looks at costs a copy of a page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

from mltk.local import devices, namespaces

# Fresh ones are mounted there, or the machine's, which nobody may write to.
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
class Machine:
    """What the machine gives to the root of each container: paths, in the order of their turn.

    A layer is what is mounted over a file system of the machine: its place, and a folder that takes
    what is written and one that the kernel works in. Without a layer over the root, which only root
    may mount, `links` are what links it holds. `mounts` tells which file systems those are.
    """

    scratch: str
    mounts: bytes
    layers: Mapping[str, str]
    shown: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    devices: tuple[str, ...]

    @classmethod
    def now(cls, scratch: str) -> Self:
        """What it gives at this moment; the root is built in `scratch`."""
        mounts = Path("/proc/self/mountinfo").read_bytes()
        found = _mounted(mounts)
        shown: list[str] = [place for place, _ in found]
        links: list[tuple[str, str]] = []
        if os.geteuid() == 0:
            over = ["/", *(place for place, kind in found if kind in _WRITTEN_OVER)]
        else:
            over, shown, links = _divided_root(shown)
        layers = {place: f"{scratch}/layers/{number}" for number, place in enumerate(over)}
        return cls(scratch, mounts, layers, tuple(shown), tuple(links), tuple(devices.shown()))

    @property
    def root(self) -> str:
        """Where the root is built."""
        return f"{self.scratch}/root"

    def in_layer(self, path: str) -> str:
        """Where what is written to a path of the container is kept."""
        over = max((each for each in self.layers if below(path, each)), key=len, default="")
        upper = f"{self.layers[over]}/upper" if over else self.root
        return f"{upper}/{path[len(over) :].lstrip('/')}"


def leave() -> None:
    """Let what is mounted from now on be seen by this process and its children alone."""
    namespaces.unshare(namespaces.MOUNTS | namespaces.IPC)
    namespaces.make_private()


def build(machine: Machine, made: Sequence[tuple[str, bool]] = ()) -> None:
    """Make the root of a container without what is bound, and go there."""
    system = namespaces.clone_tree("/sys", read_only=True)
    opened = devices.open_all(machine.devices)

    root = machine.root
    namespaces.mount("tmpfs", machine.scratch, "mode=755")
    _make_folder(root)
    if "/" not in machine.layers:
        namespaces.mount("tmpfs", root, "mode=755")
        for path in (*_OWN, *machine.layers, *machine.shown):
            _make_folder(root + path)
        for path, link in machine.links:
            os.symlink(link, root + path)  # noqa: PTH211
    for layer in machine.layers.values():
        _make_folder(f"{layer}/upper")
        _make_folder(f"{layer}/work")
    for place, folder in made:
        make_place(place, folder=folder)
    _mount_machine(machine)
    namespaces.attach(system, f"{root}/sys")
    namespaces.mount("proc", f"{root}/proc")
    devices.make(f"{root}/dev", opened)
    namespaces.change_root(root)


def _mount_machine(machine: Machine) -> None:
    """Mount the machine's file systems, those that cannot be written over as they are."""
    shown: list[str] = []
    for place in sorted({*machine.layers, *machine.shown}):
        if any(below(place, other) for other in shown):
            continue
        if place in machine.layers:
            with suppress(OSError):  # not every one can be below a layer
                _mount_layer(machine, place)
                continue
        with suppress(OSError):  # another one lies over it, or this user may not see it
            tree = namespaces.clone_tree(place, read_only=True)
            namespaces.attach(tree, machine.root + place)
            shown.append(place)


def _divided_root(
    mounted: Sequence[str],
) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """The folders of the machine's root that layers can be mounted over by any user, others, links.

    The kernel hides no mount from one who did not mount it: folders with some in them are shown.
    """
    layers: list[str] = []
    shown: list[str] = []
    links: list[tuple[str, str]] = []
    for entry in sorted(os.scandir("/"), key=lambda each: each.path):
        if entry.is_symlink():
            links.append((entry.path, os.readlink(entry.path)))  # noqa: PTH115
        elif not entry.is_dir() or entry.path in _OWN:
            continue
        elif any(below(place, entry.path) for place in mounted):
            shown.append(entry.path)
        else:
            layers.append(entry.path)
    return layers, shown, links


def _mount_layer(machine: Machine, place: str) -> None:
    lower, layer = _quoted(place), _quoted(machine.layers[place])
    options = f"lowerdir={lower},upperdir={layer}/upper,workdir={layer}/work"
    if os.geteuid() != 0:
        options += ",userxattr"
    namespaces.mount("overlay", machine.root + place, options)


@lru_cache(maxsize=1)
def _mounted(mountinfo: bytes) -> Sequence[tuple[str, str]]:
    """Places and kinds of the file systems below the machine's root, outer ones first."""
    return tuple(_read_mounts(mountinfo.decode("utf-8", "surrogateescape")))


def _read_mounts(mountinfo: str) -> Iterator[tuple[str, str]]:
    found = {}
    for line in mountinfo.splitlines():
        mounted, _, source = line.partition(" - ")
        place = mounted.split()[4]
        for escape, text in _ESCAPES.items():
            place = place.replace(escape, text)
        found[place] = source.split()[0]
    for place, kind in sorted(found.items()):
        left_out = any(below(place, other) for other in (*_OWN, *_LEFT_OUT))
        if place != "/" and not left_out:
            yield place, kind if os.path.isdir(place) else "file"  # noqa: PTH112


def make_place(place: str, *, folder: bool) -> None:
    """Make a folder, or else a file, for something to be mounted over it."""
    if folder:
        _make_folder(place)
    elif not os.path.exists(place):  # noqa: PTH110
        _make_folder(os.path.dirname(place))  # noqa: PTH120
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT, 0o644))


def _make_folder(place: str) -> None:
    os.makedirs(place, exist_ok=True)  # noqa: PTH103


def below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    # Most are not, which is seen before a text is made.
    return path.startswith(folder) and (path == folder or path.startswith(f"{folder.rstrip('/')}/"))


def _quoted(path: str) -> str:
    """A path in the options of an overlay."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
