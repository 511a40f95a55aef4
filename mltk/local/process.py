"""The process runtime: a step is a process group of this machine."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from mltk.errors import InfrastructureError
from mltk.local.forkserver import ColdStart, ForkServer, WarmCommand, inherited
from mltk.local.identity import ProcessIdentity
from mltk.local.processgroup import exit_code, reap, signal_group
from mltk.local.runtime import Launch, NeverStarted, Pod, RunningStep

_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # POSIX shell, 2.8.2
# What the command line is to blame for; anything else that exec says is the machine's fault.
_COMMAND_ERRORS = {
    errno.ENOENT: _NOT_FOUND,
    errno.ENOTDIR: _NOT_FOUND,
    errno.EACCES: _NOT_EXECUTABLE,
    errno.EPERM: _NOT_EXECUTABLE,
    errno.ENOEXEC: _NOT_EXECUTABLE,
    errno.EISDIR: _NOT_EXECUTABLE,
    errno.E2BIG: _NOT_EXECUTABLE,
}


@dataclass
class ColdProcess:
    """A step that was started by fork and exec."""

    process: subprocess.Popen[bytes]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: bool = False

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process, None when it has ended."""
        return ProcessIdentity.of(self.process.pid)

    def wait(self) -> int:
        """Wait for the end; return the exit code."""
        code = reap(self.process.pid, lock=self._ending()) or 0
        self.process.returncode = code  # it was waited for behind the back of Popen
        return exit_code(code)

    def stop(self, grace: float) -> None:
        """Ask the group to end, and end it after `grace` seconds."""
        self._signal(signal.SIGTERM)
        timer = threading.Timer(grace, self._signal, (signal.SIGKILL,))
        timer.daemon = True
        timer.start()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        with self._lock:
            self._ended = True
            yield

    def _signal(self, number: int) -> None:
        with self._lock:
            if not self._ended:
                signal_group(self.process.pid, number)


class ProcessRuntime:
    """Steps are processes in groups of their own; those of `warm` start from a fork server.

    Standard output and error go to the step's log, standard input is empty. A context manager:
    leaving it ends the fork servers.
    """

    def __init__(
        self, warm: Sequence[WarmCommand] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self._env = inherited(os.environ if env is None else env)
        servers: dict[tuple[tuple[str, ...], ...], ForkServer] = {}
        self._warm = tuple(
            (command, servers.setdefault(_imports(command), ForkServer(command, self._env)))
            for command in warm
        )

    def prewarm(self) -> None:
        """Let the fork servers import in the background."""
        for _, server in self._warm:
            server.prewarm()

    def pod(self) -> Pod:
        """Make a pod that keeps nothing apart."""
        return _PlainPod(self)

    def start(self, launch: Launch, cancelled: threading.Event) -> RunningStep:
        """Start a step, warm when a fork server serves its command."""
        env = {**self._env, **launch.variables}
        for command, server in self._warm:
            if not command.serves(launch.argv, launch.variables):
                continue
            try:
                return server.start(
                    launch.argv, env, launch.cwd, launch.log, cancelled, target=command.target
                )
            except ColdStart as reason:
                _note(launch.log, f"mltk: cold start: {reason}")
        return _start_cold(launch, env)

    def close(self) -> None:
        """End the fork servers and what still runs under them."""
        for _, server in self._warm:
            server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class _PlainPod:
    """Processes that share nothing but the machine."""

    runtime: ProcessRuntime

    def start(self, launch: Launch, cancelled: threading.Event) -> RunningStep:
        return self.runtime.start(launch, cancelled)

    def close(self) -> None:
        """Nothing to give back."""


def _imports(command: WarmCommand) -> tuple[tuple[str, ...], ...]:
    return command.preload, command.block


def _start_cold(launch: Launch, env: Mapping[str, str]) -> RunningStep:
    with launch.log.open("ab") as log:
        try:
            process = subprocess.Popen(
                launch.argv,
                cwd=launch.cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            return _refused(launch, error)
        except ValueError as error:  # an embedded null byte
            _note(launch.log, f"mltk: cannot start {launch.argv[0]!r}: {error}")
            return NeverStarted(_NOT_EXECUTABLE)
    return ColdProcess(process)


def _refused(launch: Launch, error: OSError) -> NeverStarted:
    code = _COMMAND_ERRORS.get(error.errno or 0)
    if code is None:
        raise InfrastructureError(f"cannot start a process: {error.strerror}") from error
    _note(launch.log, f"mltk: cannot start {launch.argv[0]!r}: {error.strerror}")
    return NeverStarted(code)


def _note(log: Path, line: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
