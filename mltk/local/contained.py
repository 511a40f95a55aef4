"""The first process of a container, as Tekton's entrypoint is one: it starts the command.

A fork server forks it into a PID namespace of its own, which ends with it, and so does all that
the command has left behind. It tells over a pipe whether the command could be started.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

from mltk.local import namespaces, rootfs
from mltk.local.processgroup import exit_code
from mltk.local.rootfs import RootFs

Message = dict[str, Any]


def contain(request: Message, report: int) -> None:
    """Make the container of a request; return in the process that is to be its command.

    `report` is the writing end of the pipe. Raises OSError for what the kernel refuses.
    """
    namespaces.die_with_parent()
    if _is_broken(report):
        os._exit(1)  # the parent had ended before
    rootfs.enter(RootFs.read(request["root"]))
    if command := os.fork():
        os.close(report)
        _attend(command)
    os.setsid()
    namespaces.limit_capabilities(namespaces.CONTAINER if os.geteuid() == 0 else 0)


def execute(argv: list[str], env: Mapping[str, str], report: int) -> NoReturn:
    """Become the command; what stands in the way of it is reported."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606
    except OSError as error:
        fail(report, {"errno": error.errno or errno.ENOEXEC})


def _attend(command: int) -> NoReturn:
    """Wait for the command, pass SIGTERM on to it, and end as it does."""

    def forward(number: int, _: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(command, number)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # which the first process does not get
    for number in (0, 1, 2):
        os.close(number)
    while True:
        pid, status = os.wait()
        if pid == command:
            os._exit(exit_code(os.waitstatus_to_exitcode(status)))


def _is_broken(report: int) -> bool:
    poll = select.poll()
    poll.register(report, 0)
    return bool(poll.poll(0))


def fail(report: int, why: Message) -> NoReturn:
    """Tell why the command does not run, and end."""
    with suppress(OSError):
        os.write(report, json.dumps(why).encode())
    os._exit(1)
