"""Processes to kill: engines, forked from this process, and what works for them."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from mltk.local.backend import LocalBackend
from mltk.local.engine import Engine
from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
from mltk.tekton.objects import Obj, name_of

from .load import WARM

_HERE = str(Path(__file__).parent)
_FORK_SERVER = b"mltk.local.warm"


@dataclass(frozen=True)
class Victims:
    """Forks engines of the folder `root`; `environment` is what their steps get on top.

    Steps write into the folder `shared`, and are kept apart from all else if `isolated`. While one
    is forked this process has one thread and no store open, which SQLite forbids to carry over.
    """

    root: Path
    shared: Path
    environment: dict[str, str]
    isolated: bool

    def open(self, *, serves: bool = True, drives: bool = False) -> LocalBackend:
        """Open the store; by default nothing that was left there is ended."""
        return LocalBackend(self.root / ".mltk", serves=serves, drives=drives)

    def serve(self) -> int:
        """Fork what `mltk serve` is; it ends with 0 at SIGTERM."""
        return _forked(self._serve)

    def command(self, runs: Sequence[Obj], told: Path) -> int:
        """Fork what `mltk create` is; it adds the names of what it has created to `told`."""
        return _forked(lambda _: self._create(runs, told))

    def _serve(self, stop: threading.Event) -> None:
        with self.open() as backend, self._runtime(backend) as runtime:
            Engine(backend.store, runtime, jobs=4, grace=0.05).serve(stop)

    def _create(self, runs: Sequence[Obj], told: Path) -> None:
        with self.open(serves=False, drives=True) as backend:
            made = [backend.create(run) for run in runs]
            with told.open("a") as file:
                file.write("".join(f"{name_of(run)}\n" for run in made))
            with self._runtime(backend) as runtime:
                engine = Engine(backend.store, runtime, jobs=2, grace=0.05)
                for kind, group in groupby(made, lambda run: str(run["kind"])):
                    engine.run([name_of(run) for run in group], kind=kind)

    def _runtime(self, backend: LocalBackend) -> ProcessRuntime:
        path = os.pathsep.join(filter(None, (_HERE, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path, **self.environment}
        isolation = Isolation.of(backend.layout, (self.shared,)) if self.isolated else None
        return ProcessRuntime((WARM,), environment, isolation=isolation)


def awaited(find: Callable[[], Sequence[int]], seconds: float) -> Sequence[int]:
    """Processes that may come in a moment; none when they do not."""
    end = time.monotonic() + seconds
    while not (found := find()) and time.monotonic() < end:
        time.sleep(0.005)
    return found


def new_fork_server(others: Sequence[int]) -> int:
    """The fork server of this process that has come; the kernel names it a moment after exec."""
    engine = os.getpid()
    (server,) = awaited(lambda: [each for each in fork_servers(engine) if each not in others], 10)
    return server


def fork_servers(engine: int) -> list[int]:
    """The fork servers of an engine."""
    return [pid for pid in _children(engine) if _FORK_SERVER in _command_line(pid)]


def step_processes(engine: int) -> list[int]:
    """What the engine sees of its steps: the first process of each, in its container if any."""
    servers = fork_servers(engine)
    cold = [pid for pid in _children(engine) if pid not in servers]
    return cold + [pid for server in servers for pid in _children(server)]


def exit_code(process: int, seconds: float) -> int | None:
    """Wait for one of the forked; None when it does not end in time, and then it is killed."""
    handle = os.pidfd_open(process)
    try:
        in_time = bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)
    if not in_time:
        kill(process)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return code if in_time else None


def kill(pid: int) -> None:
    """Kill a process, which may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _forked(work: Callable[[threading.Event], None]) -> int:
    """Fork a process that ends with 0 when its work is done, with 1 when that breaks."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        return pid
    code = 1
    try:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        work(stop)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
