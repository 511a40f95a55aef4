"""What a child of a fork server does: it goes where its command is to run, and becomes that."""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from mltk.local.contained import contain, end_with_parent, first_process, join, split
from mltk.local.rootfs import Prepared

Message = dict[str, Any]


class Child(NamedTuple):
    """What a process is to do, in a container if there is a root.

    `output` is the end of the pipe that leads to its log, `report` of that which says that the
    command runs and whether a signal has ended it. `handles` are of what is bound in the root, for
    a process that has built it.
    """

    request: Message
    root: Prepared | None
    output: int
    report: int
    handles: tuple[int, ...] | None = None


def open_streams(output: int) -> None:
    """Take on the standard streams of a step."""
    null = os.open(os.devnull, os.O_RDONLY)
    for source, number in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, number)
    os.close(null)
    os.close(output)


def take_place(child: Child) -> None:
    """Go where the command is to run: a container of its own, that of another, or this machine."""
    request, root, report = child.request, child.root, child.report
    for entrance in request["cgroups"]:
        Path(entrance).write_bytes(b"0")
    if (root or request["join"]) and os.geteuid() != 0:
        if request["join"]:
            request["join"] = first_process(request["join"])
        split(request["join"], report)
    if root:
        contain(root, report, request["rights"], child.handles, read_only=request["read_only"])
    elif request["join"]:
        join(request["join"], request["rights"])
    elif sys.platform == "linux":
        end_with_parent(report)
    go(request["cwd"])


def go(folder: str) -> None:
    """Start in a folder, which is made as containerd makes it."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)


def become(request: Message) -> None:
    """Take on the environment and arguments of a request."""
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = request["argv"]


def call(target: str) -> object:
    """Call "module:attribute", as a console script does."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)()


def run(target: str) -> int:
    """Run a command as ``sys.exit(main())`` of a console script would; return its exit code."""
    try:
        result = call(target)
    except SystemExit as exit_:
        result = exit_.code
    except BaseException as error:
        sys.excepthook(*sys.exc_info())
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    if result is None or isinstance(result, int):
        return result or 0
    sys.stderr.write(f"{result}\n")
    return 1


def leave(code: int) -> NoReturn:
    """End as an interpreter does, save for taking every module apart.

    Threads are waited for and exit functions run, as ``multiprocessing`` does it in its children;
    to take TensorFlow apart, object by object, would cost more than many a step.
    """
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # what Py_Finalize calls
        atexit._run_exitfuncs()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code & 0xFF)
