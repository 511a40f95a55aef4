"""Control groups of Linux, which keep a container to its limits (cgroups(7)).

Both versions: of the first every controller has its own tree, of the second all share one, where
a group that holds processes gives no controllers to those below it. What a container asks for is
written as the kubelet and runc write it.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Self

from mltk.local.identity import ProcessIdentity
from mltk.tekton.downward import Resources
from mltk.tekton.quantities import parse_quantity

CONTROLLERS = ("memory", "cpu")
_PERIOD = 100_000  # microseconds
_SHARES_OF_A_CPU, _FEWEST_SHARES, _MOST_SHARES = 1024, 2, 1 << 18
_PREFIX = "mltk"
_TRIAL = Resources(limits={"memory": "64Mi", "cpu": "1"})
_REMOVED_WITHIN = 2.0  # seconds; the kernel lets go of a group a moment after its last process


@dataclass(frozen=True)
class Asked:
    """Bytes of memory, processors as its share of the time, and the weight among others."""

    memory: int = 0
    cpus: Fraction = Fraction()
    shares: int = 0

    @classmethod
    def of(cls, resources: Resources) -> Self:
        """What a container asks for, as the kubelet tells it (``kuberuntime_container_linux``)."""
        limits = {name: parse_quantity(each).value for name, each in resources.limits.items()}
        requests = {name: parse_quantity(each).value for name, each in resources.requests.items()}
        cpus = limits.get("cpu", Fraction())
        weight = int(requests.get("cpu", cpus) * _SHARES_OF_A_CPU)
        shares = min(_MOST_SHARES, max(_FEWEST_SHARES, weight)) if weight else 0
        return cls(math.ceil(limits.get("memory", 0)), cpus, shares)

    @property
    def controllers(self) -> tuple[str, ...]:
        """Which are needed for it."""
        wanted = {"memory": self.memory, "cpu": self.cpus or self.shares}
        return tuple(name for name, found in wanted.items() if found)

    @property
    def limited(self) -> tuple[str, ...]:
        """Names of the resources that have a limit."""
        limits = {"memory": self.memory, "cpu": self.cpus}
        return tuple(name for name, found in limits.items() if found)

    def unkept(self, kept: Container[str]) -> list[str]:
        """Fields of the limits that somebody cannot keep who keeps those of `kept` alone."""
        return [f"computeResources.limits.{name}" for name in self.limited if name not in kept]


@dataclass(frozen=True)
class Group:
    """The groups of one container, by controller."""

    folders: Mapping[str, Path]
    unified: bool

    @property
    def entrances(self) -> list[str]:
        """The files in which a process writes 0 to come in."""
        return [str(folder / "cgroup.procs") for folder in dict.fromkeys(self.folders.values())]

    def limit(self, asked: Asked) -> None:
        """Write down the limits."""
        for name, folder in self.folders.items():
            for file, text in _settings(name, asked, unified=self.unified):
                with suppress(FileNotFoundError):  # a kernel that does not count swap
                    (folder / file).write_text(text, encoding="ascii")

    @property
    def oom_killed(self) -> bool:
        """Whether the kernel has ended one of its processes for want of memory."""
        folder = self.folders.get("memory")
        if folder is None:
            return False
        events = folder / ("memory.events" if self.unified else "memory.oom_control")
        if not events.exists():
            return False  # it has gone with its container
        lines = (line.split() for line in events.read_text(encoding="ascii").splitlines())
        return any(line[0] == "oom_kill" and line[1] != "0" for line in lines)

    def remove(self) -> None:
        """Remove the groups; those that still hold a process are left to the next engine."""
        until = time.monotonic() + _REMOVED_WITHIN
        for folder in dict.fromkeys(self.folders.values()):
            while not _removed(folder) and time.monotonic() < until:
                time.sleep(0.001)


@dataclass
class Cgroups:
    """Where this process makes groups: a folder for each of `CONTROLLERS` that it has."""

    parents: Mapping[str, Path]
    unified: bool
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of_machine(
        cls,
        own: Path = Path("/proc/self/cgroup"),
        mounts: Path = Path("/proc/self/mountinfo"),
    ) -> Self:
        """Find where they can be made; there may be no such place, and none but on Linux."""
        if not own.exists():
            return cls({}, unified=False)
        at = dict(_paths(own.read_text(encoding="utf-8")))
        first, second = _mounted(mounts.read_text(encoding="utf-8"))
        found = {
            name: _below(first[name], at.get(name, "/")) for name in CONTROLLERS if name in first
        }
        if found or second is None:
            usable = {name: each for name, each in found.items() if os.access(each, os.W_OK)}
            return cls(usable, unified=False)
        return cls(_delegated(_below(second, at.get("", "/")), second[1]), unified=True)

    def tried(self) -> Self:
        """The same with no more than what this process is really let do."""
        usable = {}
        for name, parent in self.parents.items():
            trial = replace(self, parents={name: parent})
            with suppress(OSError):
                if (group := trial.group(_TRIAL)) is not None:
                    group.remove()
                    usable[name] = parent
        return replace(self, parents=usable)

    def group(self, resources: Resources) -> Group | None:
        """Make the group of a container; None when it has no limits that can be kept."""
        asked = Asked.of(resources)
        name = f"{self._owner}.{next(self._numbers)}"
        folders = {
            each: self.parents[each] / name for each in asked.controllers if each in self.parents
        }
        if not folders:
            return None
        group = Group(folders, self.unified)
        try:
            for folder in dict.fromkeys(folders.values()):
                folder.mkdir()
            group.limit(asked)
        except OSError:
            group.remove()
            raise
        return group

    def sweep(self) -> None:
        """Remove what killed engines have left."""
        for parent in dict.fromkeys(self.parents.values()):
            for folder in parent.glob(f"{_PREFIX}.*"):
                _, pid, started, *_ = (*folder.name.split("."), "", "")
                if pid.isdigit() and not ProcessIdentity(int(pid), started).alive:
                    _removed(folder)

    @cached_property
    def _owner(self) -> str:
        own = ProcessIdentity.own()
        return f"{_PREFIX}.{own.pid}.{own.started}"


def _settings(controller: str, asked: Asked, *, unified: bool) -> Iterator[tuple[str, str]]:
    """Files and what is written into them."""
    quota = math.ceil(asked.cpus * _PERIOD)
    if controller == "memory":
        if unified:
            yield "memory.max", str(asked.memory)
            yield "memory.swap.max", "0"
        else:
            yield "memory.limit_in_bytes", str(asked.memory)
            yield "memory.memsw.limit_in_bytes", str(asked.memory)  # with swap: none of it
        return
    if quota and unified:
        yield "cpu.max", f"{quota} {_PERIOD}"
    elif quota:
        yield "cpu.cfs_period_us", str(_PERIOD)
        yield "cpu.cfs_quota_us", str(quota)
    if asked.shares and unified:
        # Shares from 2 to 262,144 become weights from 1 to 10,000 (KEP-2254).
        yield "cpu.weight", str(1 + (asked.shares - _FEWEST_SHARES) * 9999 // 262_142)
    elif asked.shares:
        yield "cpu.shares", str(asked.shares)


def _paths(text: str) -> Iterator[tuple[str, str]]:
    """Where a process is, by controller; the second version has the empty one."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(","):
            yield name, path


Mount = tuple[str, Path]


def _mounted(text: str) -> tuple[dict[str, Mount], Mount | None]:
    """Roots and mount points of the first version, by controller, and of the second."""
    first: dict[str, Mount] = {}
    second = None
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, _, options) = before.split(), after.split(" ", 2)
        mount = (fields[3], Path(fields[4]))
        if kind == "cgroup2":
            second = mount
        elif kind == "cgroup":
            first |= dict.fromkeys(options.split(","), mount)
    return first, second


def _below(mount: Mount, path: str) -> Path:
    """The folder of a group; a container may be told a path that lies outside what it sees."""
    root, point = mount
    inside = os.path.relpath(path, root)
    found = point / inside
    return found if not inside.startswith("..") and found.exists() else point


def _delegated(own: Path, top: Path) -> dict[str, Path]:
    """The nearest group above this process that may be written to, with the controllers it gives.

    Its own gives none, as long as this process is in it.
    """
    for folder in (own.parent, own) if own != top else (own,):
        given = folder / "cgroup.subtree_control"
        if given.exists() and os.access(folder, os.W_OK):
            names = given.read_text(encoding="ascii").split()
            if found := {name: folder for name in CONTROLLERS if name in names}:
                return found
    return {}


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
