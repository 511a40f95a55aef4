"""The processes that evaluate events, and what becomes of what they say."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mltk.errors import InfrastructureError
from mltk.listener.inbox import Inbox, Queued, Settled
from mltk.listener.worker import READY
from mltk.tekton.triggers.sink import Outcome

# -P: a module of the current folder must not shadow an installed one.
_MODULE = ("-P", "-m", "mltk.listener.worker")
_AT_ONCE = 32
_LIFE = 5000  # events; some 10 MB are lost in them
_PATIENCE_SECONDS = 60.0
_AGAIN_SECONDS = 0.5
_FAREWELL_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Worker:
    """A process that evaluates events of a store, until it has had its share of them."""

    def __init__(self, store: Path, hosts: Sequence[str] = (), life: int = _LIFE) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *_MODULE, str(theirs.fileno()), str(store), *hosts],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C of the terminal is the listener's to handle
            )
        self._channel = Connection(ours.detach())
        self._left = life
        self.is_ready = False
        """Whether it has begun to take events."""

    @property
    def is_spent(self) -> bool:
        """Whether it has had its share."""
        return self._left <= 0

    def evaluate(self, events: Sequence[Queued]) -> Iterator[tuple[Outcome, ...]]:
        """What comes of each event, in order; raises OSError when it ends or does not answer."""
        self._left -= len(events)
        self.is_ready = self.is_ready or self._hear() == READY
        self._channel.send(events)
        for _ in events:
            yield self._hear()

    def _hear(self) -> Any:
        if not self._channel.poll(_PATIENCE_SECONDS):
            raise TimeoutError(f"no answer in {_PATIENCE_SECONDS:.0f} s")
        try:
            return self._channel.recv()
        except EOFError:
            raise BrokenPipeError("it has ended") from None

    def end(self) -> None:
        """End it, also when it does not answer."""
        self._channel.close()
        self.kill()

    def kill(self) -> None:
        """Kill its process, and wait for that."""
        self._process.kill()
        self._process.wait()


class Crew:
    """Threads that take events, let processes evaluate them, and create what comes of them.

    `hosts` are those of GitHub that interceptors may ask. `observe` is told of each event that is
    done, `parked` of one that has ended so many processes that it is tried no more.
    """

    def __init__(
        self,
        inbox: Inbox,
        store: Path,
        observe: Callable[[Settled], None],
        parked: Callable[[Queued], None],
        *,
        workers: int = 1,
        hosts: Sequence[str] = (),
        life: int = _LIFE,
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._observe = observe
        self._parked = parked
        self._hosts = hosts
        self._life = life
        self._ending = threading.Event()
        self._alive: set[Worker] = set()
        self.started = 0
        """How many processes there were."""
        self._threads = [
            threading.Thread(target=self._work, name=f"events-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish what is in hand; what waits is for the next one."""
        self._ending.set()
        self._inbox.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_FAREWELL_SECONDS)
        for worker in list(self._alive):  # over an event that takes too long
            worker.kill()

    def _work(self) -> None:
        worker = self._begin()
        try:
            while events := self._inbox.take(_AT_ONCE):
                if not self._evaluated(worker, events) or worker.is_spent:
                    self._end(worker)
                    worker = self._begin()
        finally:
            self._end(worker)

    def _begin(self) -> Worker:
        self.started += 1
        worker = Worker(self._store, self._hosts, self._life)
        self._alive.add(worker)
        return worker

    def _end(self, worker: Worker) -> None:
        worker.end()
        self._alive.discard(worker)

    def _evaluated(self, worker: Worker, events: Sequence[Queued]) -> bool:
        """Make all of events; False when the process is of no use any more."""
        answers: list[tuple[Queued, tuple[Outcome, ...]]] = []
        died: OSError | None = None
        try:
            for queued, outcomes in zip(events, worker.evaluate(events), strict=False):
                answers.append((queued, outcomes))
        except OSError as error:
            died = error
        self._settle(answers)
        if died is None:
            return True
        if worker.is_ready:
            self._lose(events[len(answers) :], died)
        else:  # no event is to blame
            _log.error("a process that evaluates events did not start: %s", died)
            self._inbox.give_back(events, None)
            self._ending.wait(_AGAIN_SECONDS)
        return False

    def _settle(self, answers: Sequence[tuple[Queued, tuple[Outcome, ...]]]) -> None:
        while answers:
            try:
                for settled in self._inbox.settle(answers):
                    self._observe(settled)
                return
            except InfrastructureError as error:
                _log.error("what comes of events cannot be kept, it is tried again: %s", error.what)
                if self._ending.wait(_AGAIN_SECONDS):
                    return  # they wait in the store for the next one

    def _lose(self, left: Sequence[Queued], why: OSError) -> None:
        failed = left[0]
        told = {"eventID": failed.event.event_id}
        _log.error("the process that evaluates events ended over one: %s", why, extra=told)
        if self._inbox.give_back(left, failed):
            self._parked(failed)
