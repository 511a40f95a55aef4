"""The control groups under which the kubelet puts its pods."""

from __future__ import annotations

import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")

# Without more, all pods together would get no more of a busy machine than one process does.
_WEIGHTS = {"cpu.shares": 1024, "cpu.weight": 100}


def create(name: str) -> None:
    """Make the group in each hierarchy: the kubelet refuses a root that is not there."""
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)
        for file, of_a_process in _WEIGHTS.items():
            weight = hierarchy / name / file
            if weight.exists():
                weight.write_text(
                    str(of_a_process * min(2 * (os.cpu_count() or 1), 100)), encoding="ascii"
                )


def remove(name: str) -> None:
    """Remove the group and all below; the processes in it have ended."""
    for hierarchy in _hierarchies():
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            _remove(Path(folder))


def _hierarchies() -> list[Path]:
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink()]


def _remove(folder: Path) -> None:
    # Processes that were killed leave their group a moment later.
    for _ in range(100):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
