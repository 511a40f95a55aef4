"""The file system of a container: that of the machine, as an image that a container writes over.

What a step writes outside its volumes lies in memory and is gone with it (an overlay, as the
layers of an image are). A fork server does the thinking (`prepare`), its child what is left to do
in a mount namespace of its own (`enter`), because each object that a child looks at costs a copy
of a page. For the same reason paths are texts here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

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
        """Return what `message` made, after its way through JSON."""
        binds = tuple(Bind(*each) for each in found["binds"])
        return cls(found["scratch"], binds, tuple(found["shared"]), tuple(found["hidden"]))

    def message(self) -> dict[str, Any]:
        """The same, for JSON."""
        binds = [(bind.source, bind.target, bind.read_only) for bind in self.binds]
        return {
            "scratch": self.scratch,
            "binds": binds,
            "shared": self.shared,
            "hidden": self.hidden,
        }


@dataclass
class Prepared:
    """What `enter` is to do: paths, in the order of their turn.

    A layer is what is mounted over a file system of the machine: its place, a folder that takes
    what is written, and one that the kernel works in. `made` are folders and files below those.
    Without a layer over the root, which only root may mount, `links` are what links it holds.
    """

    scratch: str
    binds: list[Bind]
    shown: list[str]
    layers: dict[str, str] = field(default_factory=dict)
    made: list[tuple[str, bool]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        """Where the root is built."""
        return f"{self.scratch}/root"


def prepare(plan: RootFs) -> Prepared:
    """Decide how the root of a container is made."""
    machine = _mounted(Path("/proc/self/mountinfo").read_bytes())
    binds = _resolved(plan)
    made = Prepared(plan.scratch, binds, [place for place, _ in machine], devices=devices.shown())
    if os.geteuid() == 0:
        layers = ["/", *(place for place, kind in machine if kind in _WRITTEN_OVER)]
    else:
        layers = _divide_root(made, [place for place, _ in machine])
    for place in layers:
        made.layers[place] = f"{plan.scratch}/layers/{len(made.layers)}"
    if "/" not in made.layers:
        # A user may write below folders of others only where the layer has them already.
        home = os.path.realpath(os.environ.get("HOME") or "/")
        if os.path.isdir(home):  # noqa: PTH112
            made.made.append((_in_layer(made, home), True))
    taken: list[str] = []
    for bind in binds:
        if any(_below(bind.target, other) for other in taken):
            continue  # its place is made in what is mounted there
        taken.append(bind.target)
        if not os.path.exists(bind.target):  # noqa: PTH110
            place = _in_layer(made, bind.target)
            made.made.append((place, os.path.isdir(bind.source)))  # noqa: PTH112
    return made


def _in_layer(made: Prepared, path: str) -> str:
    """Where what is written to a path of the container is kept."""
    over = max((each for each in made.layers if _below(path, each)), key=len, default="")
    upper = f"{made.layers[over]}/upper" if over else made.root
    return f"{upper}/{path[len(over) :].lstrip('/')}"


def enter(prepared: Prepared) -> None:
    """Make the root of a container and go there; OSError says what the kernel refused."""
    namespaces.unshare(namespaces.MOUNTS | namespaces.IPC)
    namespaces.make_private()
    binds = [
        (bind.target, namespaces.clone_tree(bind.source, read_only=bind.read_only))
        for bind in prepared.binds
    ]
    system = namespaces.clone_tree("/sys", read_only=True)
    opened = devices.open_all(prepared.devices)

    root = prepared.root
    namespaces.mount("tmpfs", prepared.scratch, "mode=755")
    _make_folder(root)
    if "/" not in prepared.layers:
        namespaces.mount("tmpfs", root, "mode=755")
        for path in (*_OWN, *prepared.layers, *prepared.shown):
            _make_folder(root + path)
        for path, link in prepared.links:
            os.symlink(link, root + path)  # noqa: PTH211
    for layer in prepared.layers.values():
        _make_folder(f"{layer}/upper")
        _make_folder(f"{layer}/work")
    for place, folder in prepared.made:
        _make_place(place, folder=folder)
    _mount_machine(prepared)
    namespaces.attach(system, f"{root}/sys")
    namespaces.mount("proc", f"{root}/proc")
    devices.make(f"{root}/dev", opened)

    namespaces.change_root(root)
    for target, handle in binds:
        _make_place(target, folder=stat.S_ISDIR(os.fstat(handle).st_mode))
        namespaces.attach(handle, target)


def _mount_machine(prepared: Prepared) -> None:
    """Mount the machine's file systems, those that cannot be written over as they are."""
    shown: list[str] = []
    for place in sorted({*prepared.layers, *prepared.shown}):
        if any(_below(place, other) for other in shown):
            continue
        if place in prepared.layers:
            with suppress(OSError):  # not every one can be below a layer
                _mount_layer(prepared, place)
                continue
        with suppress(OSError):  # another one lies over it, or this user may not see it
            tree = namespaces.clone_tree(place, read_only=True)
            namespaces.attach(tree, prepared.root + place)
            shown.append(place)


def _divide_root(made: Prepared, mounted: Sequence[str]) -> list[str]:
    """The folders of the machine's root that layers can be mounted over by any user.

    The kernel hides no mount from one who did not mount it: folders with some in them are shown.
    """
    layers = []
    made.shown = []
    for entry in sorted(os.scandir("/"), key=lambda each: each.path):
        if entry.is_symlink():
            made.links.append((entry.path, os.readlink(entry.path)))  # noqa: PTH115
        elif not entry.is_dir() or entry.path in _OWN:
            continue
        elif any(_below(place, entry.path) for place in mounted):
            made.shown.append(entry.path)
        else:
            layers.append(entry.path)
    return layers


def _mount_layer(prepared: Prepared, place: str) -> None:
    lower, layer = _quoted(place), _quoted(prepared.layers[place])
    options = f"lowerdir={lower},upperdir={layer}/upper,workdir={layer}/work"
    if os.geteuid() != 0:
        options += ",userxattr"
    namespaces.mount("overlay", prepared.root + place, options)


def _resolved(plan: RootFs) -> list[Bind]:
    """All binds, outer before inner, at paths without links, as the machine's file system has."""
    shared = [Bind(path, path) for path in plan.shared if os.path.exists(path)]  # noqa: PTH110
    found: dict[str, Bind] = {}
    real = _Links()
    for bind in (*shared, *plan.binds):
        target = real.path(bind.target)
        found[target] = Bind(bind.source, target, bind.read_only)
    hidden = {
        target: Bind(nothing, target, read_only=True)
        for target in map(real.path, plan.hidden)
        if target not in found and (nothing := _instead(target, found, plan.scratch))
    }
    found |= hidden
    return [found[target] for target in sorted(found)]


class _Links:
    """Paths without links; many lie in the same few folders, which are walked once."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def path(self, path: str) -> str:
        """Return it as `os.path.realpath` does."""
        folder, name = os.path.split(path)
        if name in ("", ".", ".."):
            return os.path.realpath(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        found = os.path.join(self._folders[folder], name)  # noqa: PTH118
        return os.path.realpath(found) if os.path.islink(found) else found  # noqa: PTH114


def _instead(path: str, binds: Mapping[str, Bind], scratch: str) -> str:
    """What hides a path, nothing for one that the container does not see anyway."""
    around = max((target for target in binds if _below(path, target)), key=len, default="")
    seen = binds[around].source + path[len(around) :] if around else path
    if not os.path.exists(seen):  # noqa: PTH110
        return ""
    return scratch if os.path.isdir(seen) else os.devnull  # noqa: PTH112


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
        left_out = any(_below(place, other) for other in (*_OWN, *_LEFT_OUT))
        if place != "/" and not left_out:
            yield place, kind if os.path.isdir(place) else "file"  # noqa: PTH112


def _make_place(place: str, *, folder: bool) -> None:
    if folder:
        _make_folder(place)
    elif not os.path.exists(place):  # noqa: PTH110
        _make_folder(os.path.dirname(place))  # noqa: PTH120
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT, 0o644))


def _make_folder(place: str) -> None:
    os.makedirs(place, exist_ok=True)  # noqa: PTH103


def _below(path: str, folder: str) -> bool:
    # Most are not, which is seen before a text is made.
    return path.startswith(folder) and (path == folder or path.startswith(f"{folder.rstrip('/')}/"))


def _quoted(path: str) -> str:
    """A path in the options of an overlay."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
