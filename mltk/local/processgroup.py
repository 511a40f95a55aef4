"""A step and everything it has started end together, as the processes of a container do."""

from __future__ import annotations

import os
import signal
from contextlib import AbstractContextManager, nullcontext, suppress


def signal_group(pid: int, number: int) -> None:
    """Send a signal to the group that `pid` leads."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM when only zombies are left
        os.killpg(pid, number)


def reap(
    pid: int, *, block: bool = True, lock: AbstractContextManager[object] | None = None
) -> int | None:
    """Wait for a child that leads a group, end its group, return its exit code (-n for signal n).

    Returns None when the child still runs and `block` is False. The number `pid` is given back
    within `lock`, so that no one who holds it can signal another process by that number.
    """
    flags = 0 if block else os.WNOHANG
    if not hasattr(os, "waitid"):  # macOS: the group can only be ended after its leader is gone
        found, status = os.waitpid(pid, flags)
        if found:
            signal_group(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(status) if found else None
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | flags) is None:
        return None
    with lock or nullcontext():
        signal_group(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def exit_code(code: int, *, entrypoint: bool = True) -> int:
    """The exit code of a process that ended with `code` (-n for signal n).

    Tekton's entrypoint knows of one that a signal ended only that it has none: -1. Without it, as
    in a container whose first process gets signals itself, one that it has not asked for, such as
    SIGTERM, does not reach it, so that it is killed in the end.
    """
    if code >= 0:
        return code
    return -1 if entrypoint else 128 + (9 if code == -15 else -code)
