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
import pickle
import select
import signal
import socket
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from typing import Any, BinaryIO, NamedTuple

from mltk.local import namespaces
from mltk.local.contained import attend_fork, execute, fail
from mltk.local.forked import become, leave, open_streams, run, take_place
from mltk.local.output import Output
from mltk.local.processgroup import reap, signal_group
from mltk.local.rights import CONTAINER
from mltk.local.rootfs import Prepared, RootFs, prepare

Message = dict[str, Any]


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


class Child(NamedTuple):
    """What a forked child is to do, in a container if there is a root.

    `output` is the end of the pipe that leads to its log, `report` of that which says that the
    command runs and whether a signal has ended it.
    """

    request: Message
    root: Prepared | None
    output: int
    report: int


class Waiting(NamedTuple):
    """A child that was forked before anybody asked for it, and the socket to it."""

    pid: int
    channel: socket.socket

    def order(self, child: Child) -> bool:
        """Tell it what to do; False when it has ended."""
        orders = pickle.dumps((child.request, child.root))
        with self.channel as channel, suppress(OSError):
            sent = socket.send_fds(channel, [orders], [child.output, child.report])
            channel.sendall(orders[sent:])
            return True
        return False

    def await_orders(self) -> Child:
        """What the child is to do; it ends when the server does."""
        with self.channel as channel:
            orders, handles, *_ = socket.recv_fds(channel, 65536, 2)
            while orders and (more := channel.recv(65536)):
                orders += more
        if len(handles) != 2:
            os._exit(1)
        for handle in handles:
            os.set_inheritable(handle, False)
        request, root = pickle.loads(orders)  # noqa: S301  (the server has written it)
        return Child(request, root, *handles)


class Server:
    """Forks on request, reports what ended, kills what it is told to."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._children: dict[int, int] = {}
        self._reports: dict[int, BinaryIO] = {}
        self._starting: dict[int, int] = {}
        self._outputs: dict[int, Output] = {}
        self._poll = select.poll()
        self._pids = -1
        self._returns = os.geteuid() == 0
        self._cannot = "it was not asked to"
        self._waiting: Waiting | None = None
        self._looks_ahead = True
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
            ready = {number for number, _ in self._poll.poll(0 if idle else None)}
            if not ready and idle:
                yield {"idle": True}
                continue
            for report in self._starting.keys() & ready:
                self._tell_start(report)
            for output in self._outputs.values():
                if output.reading in ready and not output.copy():
                    self._poll.unregister(output.reading)
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

    def _fork_ahead(self) -> Child | None:
        """Fork a child for the next container, which waits; return in it what it is to do then."""
        inside = namespaces.fresh_pids(self._pids) if self._returns else nullcontext()
        with ExitStack() as opened:
            try:
                ours, theirs = map(opened.enter_context, socket.socketpair())
                pid = self._fork(inside)
            except OSError:  # there are too many of something: the steps that run are to go on
                self._looks_ahead = False
                return None
            opened.pop_all()
        if pid:
            theirs.close()
            self._waiting = Waiting(pid, ours)
            return None
        ours.close()
        self._become_child()
        return Waiting(pid, theirs).await_orders()

    def _start(self, message: Message) -> Child | None:
        """Start a child; return in it what it is to do."""
        root, cannot = None, self._cannot
        if message["root"] is not None and not cannot:
            try:
                root = prepare(RootFs.read(message["root"]))
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
        pid = self._order(child) if root else 0
        if not pid and not (pid := self._fork(self._namespace(message, root))):
            os.close(reading)
            output.close()
            self._become_child()
            if message["root"] is not None and cannot:
                fail(report, {"broken": cannot})
            return child
        os.close(report)
        os.close(writing)
        self._children[pid] = message["start"]
        self._reports[pid] = os.fdopen(reading, "rb")
        self._starting[reading] = pid
        self._outputs[pid] = output
        self._await(reading)
        self._await(output.reading)
        return None

    def _order(self, child: Child) -> int:
        """Let the child that waits do it; return its process, 0 when there is none."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return 0
        if waiting.order(child):
            return waiting.pid
        reap(waiting.pid)
        return 0

    def _namespace(self, message: Message, root: Prepared | None) -> AbstractContextManager[None]:
        """The PID namespace that a child is forked into, unless it is to go there by itself."""
        if root and self._returns:
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

    def _tell_start(self, report: int) -> None:
        """Say that a child runs its command, or why it does not."""
        pid = self._starting.pop(report)
        self._poll.unregister(report)
        refusal = _told(self._reports[pid])
        self._send(
            {
                "started": self._children[pid],
                "pid": pid,
                "refusal": refusal or None,
            }
        )

    def _become_child(self) -> None:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._channel, self._wakeup, self._alarm):
            end.close()
        for report in self._reports.values():
            report.close()
        for output in self._outputs.values():
            output.close()
        if self._waiting:
            self._waiting.channel.close()

    def _reap(self) -> None:
        for pid in list(self._children):
            if (code := reap(pid, block=False)) is not None:
                for report in [key for key, found in self._starting.items() if found == pid]:
                    self._tell_start(report)
                with self._reports.pop(pid) as pipe:
                    if number := _told(pipe).get("signal"):
                        code = -number
                self._finish(self._outputs.pop(pid))
                self._send({"ended": self._children.pop(pid), "code": code})
        if self._waiting and reap(self._waiting.pid, block=False) is not None:
            self._waiting = None

    def _finish(self, output: Output) -> None:
        with suppress(KeyError):  # its other end was closed before
            self._poll.unregister(output.reading)
        output.finish()

    def _pid_of(self, identifier: int) -> int | None:
        return next((pid for pid, found in self._children.items() if found == identifier), None)

    def _send(self, message: Message) -> None:
        with suppress(OSError):  # the engine is gone; the loop ends at the next read
            self._channel.sendall(json.dumps(message).encode() + b"\n")


def _told(report: BinaryIO) -> Message:
    """The next that a child says; nothing when it has ended."""
    line = report.readline()
    return dict(json.loads(line)) if line else {}


def _note_only(number: int, frame: object) -> None:
    """Take the signal, so that it is written to the wake-up socket."""


def main() -> None:
    """Serve; in a child, run the command and leave."""
    server = Server(socket.socket(fileno=int(sys.argv[1])))
    if (found := server.serve()) is None:
        return
    request, root, output, report = found
    open_streams(output)
    try:
        take_place(request, root, report)
    except OSError as error:
        fail(report, {"broken": f"{error.filename or 'fork'}: {error.strerror}"})
    if request["target"] is None:
        execute(request["argv"], request["env"], report, request["files"])
    become(request)
    if root:
        attend_fork(report)
    else:
        os.close(report)
    leave(run(request["target"]))


if __name__ == "__main__":
    main()
