"""How many processors this process may use: fewer than the machine has, in a container."""

from __future__ import annotations

import math
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def processors(root: Path = _ROOT, own: Path = _OWN) -> int:
    """At least 1: those it may run on, and no more than the quota of its cgroup or one above it.

    https://docs.kernel.org/admin-guide/cgroup-v2.html (`cpu.max`); a part of one counts whole.
    """
    quotas = [quota for folder in _folders(root, own) if (quota := _quota(folder / "cpu.max"))]
    return max(1, min(len(os.sched_getaffinity(0)), *(math.ceil(each) for each in quotas), 1 << 20))


def _folders(root: Path, own: Path) -> list[Path]:
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return [root]
    place = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    inner = root / place
    return [inner, *(folder for folder in inner.parents if folder.is_relative_to(root))]


def _quota(file: Path) -> float | None:
    try:
        quota, period = file.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) / int(period)
