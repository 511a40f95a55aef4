"""The ``/dev`` of a container: the devices that every one has, and those that compute.

The list is that of the OCI runtime specification (config-linux.md, "Default Devices").
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from mltk.local import namespaces

_EVERYWHERE = ("full", "null", "random", "tty", "urandom", "zero")
# A cluster hands accelerators out by device plugins; here a step may have what the machine has.
_ACCELERATORS = ("accel", "dri", "dxg", "kfd", "nvidia", "vfio")
_LINKS = {
    "fd": "/proc/self/fd",
    "ptmx": "pts/ptmx",
    "stderr": "/proc/self/fd/2",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
}


def shown() -> list[str]:
    """Names below the machine's ``/dev`` that a container sees, sorted."""
    found = os.listdir("/dev")  # noqa: PTH208
    return sorted(each for each in found if each in _EVERYWHERE or each.startswith(_ACCELERATORS))


def open_all(names: Sequence[str]) -> list[tuple[str, int]]:
    """Handles of those devices, to be mounted elsewhere; one that went away is left out."""
    found = []
    for name in names:
        with suppress(OSError):
            found.append((name, namespaces.clone_tree(f"/dev/{name}", read_only=False)))
    return found


def make(folder: str, devices: Sequence[tuple[str, int]]) -> None:
    """Mount a fresh ``/dev`` with those devices at `folder`."""
    namespaces.mount("tmpfs", folder, "mode=755")
    for name, handle in devices:
        place = f"{folder}/{name}"
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            os.mkdir(place)  # noqa: PTH102
        else:
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT))
        namespaces.attach(handle, place)
    for name, target in _LINKS.items():
        os.symlink(target, f"{folder}/{name}")  # noqa: PTH211
    for name, kind, options in (
        ("shm", "tmpfs", "mode=1777"),
        ("pts", "devpts", "newinstance,ptmxmode=0666,mode=0620"),
    ):
        os.mkdir(f"{folder}/{name}")  # noqa: PTH102
        with suppress(OSError):  # a kernel may have no terminals
            namespaces.mount(kind, f"{folder}/{name}", options)
