"""A process that a fork server forks before anybody asks for it, so that a container starts sooner.

As root it has built the root of the container by then, of the machine as it was; the server sees
whether it still is so, and opens what is to be bound in it.
"""

from __future__ import annotations

import os
import pickle
import socket
from contextlib import suppress
from typing import NamedTuple

from mltk.local import machine
from mltk.local.forked import Child
from mltk.local.machine import Machine
from mltk.local.processgroup import reap
from mltk.local.rootfs import open_all

_MOST_HANDLES = 250  # the kernel takes 253 at a time (SCM_MAX_FD, unix(7))


class Waiting(NamedTuple):
    """The process, the socket to it, and the machine whose root it has built, if it has."""

    pid: int
    channel: socket.socket
    built: Machine | None

    def can_become(self, child: Child) -> bool:
        """Whether what it has done is of use to a child, now or later."""
        if child.root is None or self.built is None:
            return child.root is not None
        # From its root it cannot enter a control group of the machine's.
        return not child.request["cgroups"] and len(child.root.binds) < _MOST_HANDLES

    def order(self, child: Child) -> bool:
        """Tell it what to do; False when it is of no use any more, or has ended."""
        root = child.root
        if root is None or self.built not in (None, root.machine):
            return False
        with self.channel as channel, suppress(OSError):
            handles = open_all(root.binds) if self.built else []
            try:
                orders = pickle.dumps((child.request, root, bool(self.built)))
                passed = [child.output, child.report, *handles]
                sent = socket.send_fds(channel, [orders], passed)
                channel.sendall(orders[sent:])
            finally:
                for handle in handles:
                    os.close(handle)
            return True
        return False

    def end(self) -> None:
        """Let it end, and wait for that."""
        self.channel.close()
        reap(self.pid)

    def await_orders(self) -> Child:
        """What the process is to do; it ends when the server does."""
        if self.built:
            try:
                machine.leave()
                machine.build(self.built)
            except OSError:  # the next one is asked to do it, and tells
                os._exit(1)
        with self.channel as channel:
            orders, passed, *_ = socket.recv_fds(channel, 65536, _MOST_HANDLES + 2)
            while orders and (more := channel.recv(65536)):
                orders += more
        if not orders:
            os._exit(1)
        for each in passed:
            os.set_inheritable(each, False)
        request, root, built = pickle.loads(orders)  # noqa: S301  (the server has written it)
        output, report, *handles = passed
        return Child(request, root, output, report, tuple(handles) if built else None)
