"""Where control groups can be made, and what is written into them.

The trees are folders of files: a machine has but one of the two versions, and what the kernel makes
of it is for tests/func/local/test_limits.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mltk.local.cgroups import Cgroups
from mltk.tekton.downward import Resources

ASKED = Resources({"cpu": "500m"}, {"memory": "64Mi", "cpu": "1500m"})


class Machine:
    """What a process is told of its groups, and the trees themselves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mounts: list[str] = []

    def mount(self, kind: str, options: str = "rw", root: str = "/") -> Path:
        point = self.folder / f"{kind}-{len(self._mounts)}"
        point.mkdir()
        self._mounts.append(f"30 1 0:26 {root} {point} rw,relatime - {kind} {kind} {options}")
        return point

    def cgroups(self, *lines: str) -> Cgroups:
        own, mounts = self.folder / "cgroup", self.folder / "mountinfo"
        own.write_text("".join(f"{line}\n" for line in lines))
        mounts.write_text("".join(f"{line}\n" for line in self._mounts))
        return Cgroups.of_machine(own, mounts)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def written(folder: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in sorted(folder.iterdir())}


def test_first_version(machine: Machine) -> None:
    memory, cpu = machine.mount("cgroup", "rw,memory"), machine.mount("cgroup", "rw,cpu,cpuacct")
    (memory / "own").mkdir()
    groups = machine.cgroups("4:memory:/own", "2:cpu,cpuacct:/", "0::/")
    assert groups.parents == {"memory": memory / "own", "cpu": cpu}
    group = groups.group(ASKED)
    assert group is not None
    assert written(group.folders["memory"]) == {
        "memory.limit_in_bytes": "67108864",
        "memory.memsw.limit_in_bytes": "67108864",
    }
    assert written(group.folders["cpu"]) == {
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "150000",
        "cpu.shares": "512",
    }
    (group.folders["memory"] / "memory.oom_control").write_text("under_oom 0\noom_kill 1\n")
    assert group.oom_killed


def test_second_version_takes_the_group_above_which_gives_controllers(machine: Machine) -> None:
    top = machine.mount("cgroup2")
    above, own = top / "user.slice", top / "user.slice" / "mine.scope"
    own.mkdir(parents=True)
    (above / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (own / "cgroup.subtree_control").write_text("\n")
    groups = machine.cgroups("0::/user.slice/mine.scope")
    assert groups.parents == {"memory": above, "cpu": above}
    group = groups.group(ASKED)
    assert group is not None
    (folder,) = set(group.folders.values())
    assert group.entrances == [str(folder / "cgroup.procs")]
    assert written(folder) == {
        "cpu.max": "150000 100000",
        "cpu.weight": "20",
        "memory.max": "67108864",
        "memory.swap.max": "0",
    }
    (folder / "memory.events").write_text("max 3\noom_kill 0\n")
    assert not group.oom_killed


def test_second_version_that_gives_nothing(machine: Machine) -> None:
    top = machine.mount("cgroup2")
    (top / "mine").mkdir()
    (top / "cgroup.subtree_control").write_text("pids\n")
    groups = machine.cgroups("0::/mine")
    assert groups.parents == {}
    assert groups.group(ASKED) is None


def test_a_path_from_outside_of_a_container(machine: Machine) -> None:
    memory = machine.mount("cgroup", "rw,memory", root="/docker/abc")
    assert machine.cgroups("4:memory:/docker/abc").parents == {"memory": memory}
    assert machine.cgroups("4:memory:/elsewhere").parents == {"memory": memory}


def test_a_machine_without_groups(tmp_path: Path) -> None:
    groups = Cgroups.of_machine(tmp_path / "none", tmp_path / "none")
    assert groups.group(ASKED) is None
