"""The file system of a container: that of the machine, with volumes and what else is bound in it.

A fork server does the thinking (`prepare`), its child what is left to do in a mount namespace of
its own (`enter`), because each object that a child looks at costs a copy of a page; for the same
reason paths are texts. A child that was forked ahead has built the root before, and gets what is
bound in it as handles of the server's (`furnish`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from mltk.local import namespaces
from mltk.local.machine import Machine, below, build, leave, make_place


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
    what is `hidden`, at paths without links, looks empty.
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


@dataclass(frozen=True)
class Prepared:
    """What `enter` is to do: `made` are folders and files below layers, for what is bound there."""

    machine: Machine
    binds: tuple[Bind, ...]
    made: tuple[tuple[str, bool], ...] = ()

    def placed(self) -> Self:
        """The same with what is to be made."""
        return replace(self, made=tuple(_places(self.machine, self.binds)))


def prepare(plan: RootFs) -> Prepared:
    """Decide how the root of a container is made."""
    return Prepared(Machine.now(plan.scratch), tuple(_resolved(plan)))


def enter(prepared: Prepared) -> None:
    """Make the root of a container and go there; OSError says what the kernel refused."""
    leave()
    handles = open_all(prepared.binds)
    build(prepared.machine, prepared.made)
    furnish(prepared.binds, handles)


def open_all(binds: Sequence[Bind]) -> list[int]:
    """Handles of what is bound, which outlive a change of the root."""
    handles: list[int] = []
    try:
        for bind in binds:
            handles.append(namespaces.clone_tree(bind.source, read_only=bind.read_only))
    except OSError:
        for handle in handles:
            os.close(handle)
        raise
    return handles


def furnish(binds: Sequence[Bind], handles: Sequence[int]) -> None:
    """Mount what is bound in the root that was built."""
    for bind, handle in zip(binds, handles, strict=True):
        make_place(bind.target, folder=stat.S_ISDIR(os.fstat(handle).st_mode))
        namespaces.attach(handle, bind.target)


def _places(machine: Machine, binds: Sequence[Bind]) -> Iterator[tuple[str, bool]]:
    """Folders and files that are to be there before something is mounted over them."""
    if "/" not in machine.layers:
        # A user may write below folders of others only where the layer has them already.
        home = os.path.realpath(os.environ.get("HOME") or "/")
        if os.path.isdir(home):  # noqa: PTH112
            yield machine.in_layer(home), True
    taken: list[str] = []
    for bind in binds:
        if any(below(bind.target, other) for other in taken):
            continue  # its place is made in what is mounted there
        taken.append(bind.target)
        if not os.path.exists(bind.target):  # noqa: PTH110
            yield machine.in_layer(bind.target), os.path.isdir(bind.source)  # noqa: PTH112


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
        for target in plan.hidden
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
    around = max((target for target in binds if below(path, target)), key=len, default="")
    seen = binds[around].source + path[len(around) :] if around else path
    try:
        found = os.stat(seen)  # noqa: PTH116
    except OSError:
        return ""
    return scratch if stat.S_ISDIR(found.st_mode) else os.devnull
