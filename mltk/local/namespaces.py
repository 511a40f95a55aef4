"""What Linux keeps apart, by the system calls that do it (unshare(2), mount(2), open_tree(2)).

Python has no names for most of them. Every call raises OSError, whose filename says what failed.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

MOUNTS, IPC, USERS, PIDS, NETWORK = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000

_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14  # MS_PRIVATE, MS_REC
_DETACH = 2  # MNT_DETACH
_CLONE, _CLOSE_ON_EXEC, _AT_RECURSIVE, _AT_EMPTY_PATH = 1, os.O_CLOEXEC, 0x8000, 0x1000
_FROM_EMPTY_PATH = 4  # MOVE_MOUNT_F_EMPTY_PATH
_READ_ONLY = 1  # MOUNT_ATTR_RDONLY
_HERE = -100  # AT_FDCWD
# PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS
_DIE_WITH_PARENT, _DROP_FROM_BOUND, _NO_NEW_RIGHTS = 1, 24, 38
_CAPABILITIES_3 = 0x20080522
# Calls without a name in libc; the numbers from 424 on are the same on every machine.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    text, number = ctypes.c_char_p, ctypes.c_ulong
    libc.mount.argtypes = (text, text, text, number, text)
    libc.umount2.argtypes = (text, ctypes.c_int)
    for name in ("syscall", "prctl", "unshare", "setns"):
        getattr(libc, name)  # looked up here, not by each process that is forked
    return libc


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


def unshare(kinds: int) -> None:
    """Leave namespaces of these kinds for new ones; of PIDS, children alone get a new one."""
    _checked(_libc().unshare(kinds), "unshare")


def join(handle: int, kind: int) -> None:
    """Enter the namespace of an open file below ``/proc/PID/ns``."""
    _checked(_libc().setns(handle, kind), "setns")


@contextmanager
def fresh_pids(own: int) -> Iterator[None]:
    """Let what is forked meanwhile be the first process of a PID namespace.

    `own` is open on ``/proc/self/ns/pid``.
    """
    parent = os.getpid()
    unshare(PIDS)
    try:
        yield
    finally:
        if os.getpid() == parent:
            join(own, PIDS)


@contextmanager
def pids_of(process: int, own: int) -> Iterator[None]:
    """Let what is forked meanwhile be in the PID namespace of a process, if it is still there."""
    parent = os.getpid()
    with suppress(OSError):  # what is forked finds that out for itself
        handle = os.open(f"/proc/{process}/ns/pid", os.O_RDONLY)
        join(handle, PIDS)
        os.close(handle)
    try:
        yield
    finally:
        if os.getpid() == parent:
            join(own, PIDS)


def become_root_of_own() -> None:
    """Enter a user namespace with all rights over what is made in it; the user stays the same.

    Only a process of one thread may.
    """
    user, group = os.geteuid(), os.getegid()
    unshare(USERS)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def make_private() -> None:
    """Keep what is mounted from now on from other mount namespaces."""
    flags = _PRIVATE | _RECURSIVE
    _checked(_libc().mount(None, b"/", None, flags, None), "mount --make-rprivate /")


def mount(kind: str, target: str, options: str = "") -> None:
    """Mount a file system of a `kind` without a device."""
    made = _libc().mount(kind.encode(), os.fsencode(target), kind.encode(), 0, options.encode())
    _checked(made, f"mount -t {kind} {target}")


def clone_tree(path: str, *, read_only: bool) -> int:
    """Return a handle of `path` with all that is mounted below it, to be attached elsewhere.

    What is mounted there later does not show in it.
    """
    flags = _CLONE | _CLOSE_ON_EXEC | _AT_RECURSIVE
    handle = _libc().syscall(_OPEN_TREE, _HERE, os.fsencode(path), flags)
    _checked(handle, f"open_tree {path}")
    wanted = struct.pack("4Q", _READ_ONLY if read_only else 0, 0, _PRIVATE, 0)
    flags = _AT_EMPTY_PATH | _AT_RECURSIVE
    made = _libc().syscall(_MOUNT_SETATTR, handle, b"", flags, wanted, len(wanted))
    _checked(made, f"mount_setattr {path}")
    return int(handle)


def make_read_only(path: str) -> None:
    """Let nobody write to the mount at `path`; those below it stay as they are."""
    wanted = struct.pack("4Q", _READ_ONLY, 0, 0, 0)
    made = _libc().syscall(_MOUNT_SETATTR, _HERE, os.fsencode(path), 0, wanted, len(wanted))
    _checked(made, f"mount_setattr {path}")


def attach(handle: int, target: str) -> None:
    """Mount what `clone_tree` returned."""
    path = os.fsencode(target)
    made = _libc().syscall(_MOVE_MOUNT, handle, b"", _HERE, path, _FROM_EMPTY_PATH)
    _checked(made, f"move_mount {target}")
    os.close(handle)


def change_root(folder: str) -> None:
    """Make the mount at `folder` the root, and let go the one before (pivot_root(2))."""
    os.chdir(folder)
    _checked(_libc().syscall(_PIVOT_ROOT[platform.machine()], b".", b"."), "pivot_root")
    _checked(_libc().umount2(b".", _DETACH), "umount")
    os.chdir("/")


def die_with_parent() -> None:
    """Get SIGKILL when the parent ends, however it does."""
    _checked(_libc().prctl(_DIE_WITH_PARENT, 9, 0, 0, 0), "prctl")


def refuse_more_rights() -> None:
    """Let no command that is executed from now on have more rights by its file, e.g. set-uid."""
    _checked(_libc().prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0), "prctl")


def bound_capabilities(kept: int) -> None:
    """Let no command that is executed from now on have capabilities other than those `kept`."""
    for number in range(64):
        if not kept >> number & 1 and _libc().prctl(_DROP_FROM_BOUND, number, 0, 0, 0) < 0:
            break  # no such capability, or no right to drop one, and then there is none to lose


def limit_capabilities(kept: int) -> None:
    """Give up all capabilities but those `kept`, for this process and what it forks."""
    header = struct.pack("Ii", _CAPABILITIES_3, 0)
    status = Path("/proc/self/status").read_bytes()  # a text would load its codec first
    permitted = int(status.partition(b"CapPrm:")[2].split()[0], 16) & kept
    low, high = permitted & 0xFFFFFFFF, permitted >> 32
    data = struct.pack("6I", low, low, 0, high, high, 0)
    _checked(_libc().syscall(_CAPSET[platform.machine()], header, data), "capset")


def refused() -> str:
    """Why this machine has none of it, empty when it may have."""
    if platform.system() != "Linux":
        return f"{platform.system()} has no namespaces"
    if platform.machine() not in _PIVOT_ROOT:
        return f"the system calls of {platform.machine()} are not known"
    return ""
