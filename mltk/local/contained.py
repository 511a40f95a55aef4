"""The first process of a container, as Tekton's entrypoint is one: it starts the command.

A fork server forks it into a PID namespace of its own, which ends with it, and so does all that
the command has left behind. It tells over a pipe, in lines of JSON, that the command runs, or why
it does not, and how it has ended (`running`).
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from mltk.local import namespaces
from mltk.local.isolation import TEMPORARY
from mltk.local.rights import take_on
from mltk.local.rootfs import Prepared, enter, furnish
from mltk.local.tee import open_copies

Message = dict[str, Any]
_AWAITED = (signal.SIGTERM, signal.SIGCHLD)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def contain(
    root: Prepared,
    report: int,
    rights: Message,
    handles: Sequence[int] | None = None,
    *,
    read_only: bool,
) -> None:
    """Become the first process of a container; OSError says what the kernel refuses.

    `report` is the writing end of the pipe, `rights` are those of `rights.request`. Where the root
    is built already, `handles` are of what is bound in it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    end_with_parent(report)
    if handles is None:
        enter(root)
    else:
        furnish(root.binds, handles)
    for part in ("/", *TEMPORARY) if read_only else ():
        namespaces.make_read_only(part)
    take_on(rights)


def end_with_parent(report: int) -> None:
    """Get SIGKILL when the fork server ends, however it does."""
    namespaces.die_with_parent()
    if _is_broken(report):
        os._exit(1)  # it had ended before


def split(container: int | None, report: int) -> None:
    """Return in the first process of a new PID namespace, or in one more of that of a container.

    Only root comes back from one. Any other user leaves a process outside, which waits.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    namespaces.die_with_parent()
    if container is None:
        namespaces.unshare(namespaces.PIDS)
    else:
        handle = os.open(f"/proc/{container}/ns/pid", os.O_RDONLY)
        namespaces.join(handle, namespaces.PIDS)
    if inside := os.fork():
        _attend(inside, report)


def first_process(pid: int) -> int:
    """The first process of a container that was made by `split`."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])


def join(pid: int, rights: Message) -> None:
    """Enter the container whose first process that is; this one is in its PID namespace."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    for name, kind in (("ipc", namespaces.IPC), ("mnt", namespaces.MOUNTS)):
        handle = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        namespaces.join(handle, kind)
    take_on(rights)


def execute(
    argv: list[str], env: Mapping[str, str], report: int, files: Sequence[str] = ()
) -> NoReturn:
    """Start the command and end as it does; what stands in its way is reported.

    What it says goes to `files` as well: of standard output, of standard error.
    """
    os.environ["PATH"] = env.get("PATH", os.defpath)  # where posix_spawnp(3) looks
    try:
        streams = open_copies(files)
    except OSError as error:
        fail(report, {"errno": error.errno or errno.EIO, "file": str(error.filename)})
    try:
        command = os.posix_spawnp(
            argv[0],
            argv,
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, each.writing, each.number) for each in streams],
            setsid=True,
            setsigdef=_IGNORED_BY_PYTHON,
            setsigmask=(),
        )
    except OSError as error:
        fail(report, {"errno": error.errno or errno.ENOEXEC})
    _tell(report, {})
    _attend(command, report, [each.begin() for each in streams])


def attend_fork(report: int) -> None:
    """Return in a process that is to be the command; this one ends as that does."""
    if command := os.fork():
        _tell(report, {})
        _attend(command, report)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
    os.setsid()
    os.close(report)


def fail(report: int, why: Message) -> NoReturn:
    """Tell why the command does not run, and end."""
    _tell(report, why)
    os._exit(1)


def _tell(report: int, what: Message) -> None:
    with suppress(OSError):
        os.write(report, json.dumps(what).encode() + b"\n")


def _attend(command: int, report: int, copies: Sequence[threading.Thread] = ()) -> NoReturn:
    """Wait for the command, pass SIGTERM on to it, and end as it does, once all is copied."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # which the first process does not get
    for number in (0,) if copies else (0, 1, 2):
        os.close(number)
    while True:
        if signal.sigwait(_AWAITED) == signal.SIGTERM:
            with suppress(ProcessLookupError):
                os.killpg(command, signal.SIGTERM)
            continue
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == command:
                for copy in copies:
                    copy.join()
                code = os.waitstatus_to_exitcode(ended[1])
                _tell(report, {"code": code, "left": _has_children()})
                os._exit(abs(code))


def _has_children() -> bool:
    """Whether something else runs: of the first process of a container, all that has no parent."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _is_broken(report: int) -> bool:
    poll = select.poll()
    poll.register(report, 0)
    return bool(poll.poll(0))
