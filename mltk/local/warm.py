"""The process that imports slow modules once and forks for every command that wants them.

``python -m mltk.local.warm FD`` talks JSON lines over the socket FD with ``mltk.local.forkserver``.
It holds one Python thread, ends when the socket does and takes its children with it. A child
leaves the loop and runs its command as the main thread of a fresh interpreter would.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from typing import Any

from mltk.local import namespaces
from mltk.local.ahead import Waiting
from mltk.local.contained import attend_fork, execute, fail
from mltk.local.forked import Child, become, leave, open_streams, run, take_place
from mltk.local.machine import Machine
from mltk.local.output import Output
from mltk.local.processgroup import reap, signal_group
from mltk.local.rights import CONTAINER
from mltk.local.rootfs import RootFs, prepare
from mltk.local.running import Running

Message = dict[str, Any]

# A root that is built holds file systems of the machine, which somebody may want to take out.
_BUILT_MS = 2000


def preload(modules: Sequence[str], blocked: Sequence[str]) -> None:
    """Import `modules`, while those of `blocked` look as if they were not installed.

    A blocked module is one that a preloaded one takes when it is there, slowly, and can do
    without. It can be imported normally afterwards.
    """
    absent = [name for name in blocked if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # documented: import then fails
    try:
        for name in modules:
            importlib.import_module(name)
    finally:
        for name in absent:
            sys.modules.pop(name, None)


class Server:
    """Forks on request, reports what ended, kills what it is told to."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._children: dict[int, Running] = {}
        self._leaving: set[int] = set()
        self._poll = select.poll()
        self._pids = -1
        self._returns = os.geteuid() == 0
        self._cannot = "it was not asked to"
        self._waiting: Waiting | None = None
        self._looks_ahead = True
        self._scratch = ""
        self._wakeup, self._alarm = socket.socketpair()
        for end in (self._wakeup, self._alarm):
            end.setblocking(False)

    def serve(self) -> Child | None:
        """Serve until the socket ends; in a child, return what it is to do."""
        self._channel.setblocking(True)
        messages = self._messages()
        if not self._prepare(next(messages, {})):
            return None
        for message in messages:
            if "idle" in message:
                if (child := self._fork_ahead()) is not None:
                    return child
            elif "start" in message:
                self._looks_ahead = True
                if (child := self._start(message)) is not None:
                    return child
            elif (pid := self._pid_of(message["signal"])) is not None:
                signal_group(pid, message["number"])
        for pid in self._children:
            signal_group(pid, signal.SIGKILL)
        return None

    def _prepare(self, config: Message) -> bool:
        if config.get("contained"):
            self._cannot = self._get_ready_to_contain()
        try:
            preload(config.get("preload", ()), config.get("block", ()))
        except BaseException as error:  # whatever a module does while it is imported
            self._send({"failed": f"{type(error).__name__}: {error}"})
            return False
        # What is there now is never collected, so children do not copy its pages.
        gc.collect()
        gc.freeze()
        signal.signal(signal.SIGCHLD, _note_only)
        signal.set_wakeup_fd(self._alarm.fileno(), warn_on_full_buffer=False)
        self._send({"ready": True})
        return True

    def _get_ready_to_contain(self) -> str:
        """Get the rights to make containers, while there is one thread; return why it cannot."""
        if why := namespaces.refused():
            return why
        try:
            if os.geteuid() != 0:
                namespaces.become_root_of_own()
            namespaces.bound_capabilities(CONTAINER)
            self._pids = os.open("/proc/self/ns/pid", os.O_RDONLY)
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        return ""

    def _messages(self) -> Iterator[Message]:
        pending = b""
        channel, wakeup = self._channel.fileno(), self._wakeup.fileno()
        self._await(channel)
        self._await(wakeup)
        while True:
            idle = self._looks_ahead and self._waiting is None and not self._cannot
            ready = {number for number, _ in self._poll.poll(self._patience(idle=idle))}
            if not ready:
                if idle:
                    yield {"idle": True}
                else:
                    self._dismiss()
                continue
            for pid, child in list(self._children.items()):
                if child.output.reading in ready and not child.output.copy():
                    self._forget(child.output.reading)
                if child.report in ready:
                    self._hear(pid, child)
            if wakeup in ready:
                self._wakeup.recv(4096)
                self._reap()
            if channel not in ready:
                continue
            chunk = self._channel.recv(65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            yield from map(json.loads, lines)

    def _patience(self, *, idle: bool) -> int | None:
        """How long to wait until there is something to do, in ms."""
        if idle:
            return 0
        return _BUILT_MS if self._waiting and self._waiting.built else None

    def _fork_ahead(self) -> Child | None:
        """Fork a child for the next container, which waits; return in it what it is to do then."""
        inside = namespaces.fresh_pids(self._pids) if self._returns else nullcontext()
        with ExitStack() as opened:
            try:
                built = Machine.now(self._scratch) if self._returns and self._scratch else None
                ours, theirs = map(opened.enter_context, socket.socketpair())
                pid = self._fork(inside)
            except OSError:  # there are too many of something: the steps that run are to go on
                self._looks_ahead = False
                return None
            opened.pop_all()
        if pid:
            theirs.close()
            self._waiting = Waiting(pid, ours, built)
            return None
        ours.close()
        self._become_child()
        return Waiting(pid, theirs, built).await_orders()

    def _dismiss(self) -> None:
        """Let the child that waits end; there is another when there is something to do."""
        waiting, self._waiting = self._waiting, None
        self._looks_ahead = False
        if waiting:
            waiting.end()

    def _start(self, message: Message) -> Child | None:
        """Start a child; return in it what it is to do."""
        root, cannot = None, self._cannot
        if message["root"] is not None and not cannot:
            try:
                root = prepare(RootFs.read(message["root"]))
                self._scratch = root.machine.scratch
            except OSError as error:
                cannot = f"{error.filename}: {error.strerror}"
        try:
            output, writing = Output.open(message["log"], message["log_bytes"])
        except OSError as error:
            broken = {"broken": f"{error.filename}: {error.strerror}"}
            self._send({"started": message["start"], "pid": 0, "refusal": broken})
            self._send({"ended": message["start"], "code": 1})
            return None
        reading, report = os.pipe()
        child = Child(message, root, writing, report)
        if not (pid := self._order(child)):
            child = child._replace(root=root and root.placed())
            pid = self._fork(self._namespace(message, root is not None))
        if not pid:
            os.close(reading)
            output.close()
            self._become_child()
            if message["root"] is not None and cannot:
                fail(report, {"broken": cannot})
            return child
        os.close(report)
        os.close(writing)
        self._children[pid] = Running(message["start"], reading, output)
        self._await(reading)
        self._await(output.reading)
        return None

    def _order(self, child: Child) -> int:
        """Let the child that waits do it; return its process, 0 when there is none."""
        waiting = self._waiting
        if waiting is None or not waiting.can_become(child):
            return 0
        self._waiting = None
        if waiting.order(child):
            return waiting.pid
        waiting.end()
        return 0

    def _namespace(self, message: Message, contained: bool) -> AbstractContextManager[None]:
        """The PID namespace that a child is forked into, unless it is to go there by itself."""
        if contained and self._returns:
            return namespaces.fresh_pids(self._pids)
        if message["join"] and self._returns:
            return namespaces.pids_of(message["join"], self._pids)
        return nullcontext()

    def _fork(self, inside: AbstractContextManager[None]) -> int:
        with warnings.catch_warnings(), inside:
            # TensorFlow leaves native threads behind that hold no lock; children may train.
            warnings.simplefilter("ignore", DeprecationWarning)
            return os.fork()

    def _await(self, number: int) -> None:
        self._poll.register(number, select.POLLIN)

    def _forget(self, number: int) -> None:
        with suppress(KeyError):  # its other end was closed before
            self._poll.unregister(number)

    def _hear(self, pid: int, child: Running) -> None:
        """Pass on what a child says: that it runs its command, or why it does not, and its end."""
        known = child.started
        if not child.hear():
            self._forget(child.report)
        if not known:
            self._send({"started": child.number, "pid": pid, "refusal": child.refusal})
        if child.is_over:  # what it takes to leave its namespaces concerns nobody
            self._leaving.add(pid)
            self._end(pid, child.code or 0)

    def _end(self, pid: int, code: int) -> None:
        child = self._children.pop(pid)
        self._forget(child.report)
        self._forget(child.output.reading)
        child.finish()
        self._send({"ended": child.number, "code": code})

    def _become_child(self) -> None:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._channel, self._wakeup, self._alarm):
            end.close()
        for child in self._children.values():
            child.close()
        if self._waiting:
            self._waiting.channel.close()

    def _reap(self) -> None:
        self._leaving = {pid for pid in self._leaving if reap(pid, block=False) is None}
        for pid, child in list(self._children.items()):
            if (code := reap(pid, block=False)) is not None:
                self._hear(pid, child)
                if pid in self._children:
                    self._end(pid, code if child.code is None else child.code)
                else:
                    self._leaving.discard(pid)
        if self._waiting and reap(self._waiting.pid, block=False) is not None:
            self._waiting.channel.close()
            self._waiting = None
            self._looks_ahead = False  # the next one would do no better

    def _pid_of(self, identifier: int) -> int | None:
        found = (pid for pid, child in self._children.items() if child.number == identifier)
        return next(found, None)

    def _send(self, message: Message) -> None:
        with suppress(OSError):  # the engine is gone; the loop ends at the next read
            self._channel.sendall(json.dumps(message).encode() + b"\n")


def _note_only(number: int, frame: object) -> None:
    """Take the signal, so that it is written to the wake-up socket."""


def main() -> None:
    """Serve; in a child, run the command and leave."""
    server = Server(socket.socket(fileno=int(sys.argv[1])))
    if (found := server.serve()) is None:
        return
    request, report = found.request, found.report
    open_streams(found.output)
    try:
        take_place(found)
    except OSError as error:
        fail(report, {"broken": f"{error.filename or 'fork'}: {error.strerror}"})
    if request["target"] is None:
        execute(request["argv"], request["env"], report, request["files"])
    become(request)
    if found.root:
        attend_fork(report)
    else:
        os.close(report)
    leave(run(request["target"]))


if __name__ == "__main__":
    main()
