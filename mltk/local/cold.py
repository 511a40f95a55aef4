"""A step that is started by fork and exec, and what a command that cannot be started ends with."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mltk.errors import InfrastructureError
from mltk.local.identity import ProcessIdentity
from mltk.local.launch import note
from mltk.local.output import Copier, Output
from mltk.local.processgroup import exit_code, reap, signal_group
from mltk.local.runtime import Launch, NeverStarted, RunningStep
from mltk.local.tee import open_file, tee

NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # POSIX shell, 2.8.2
# What the command line is to blame for; anything else that exec says is the machine's fault.
_COMMAND_ERRORS = {
    errno.ENOENT: _NOT_FOUND,
    errno.ENOTDIR: _NOT_FOUND,
    errno.EACCES: NOT_EXECUTABLE,
    errno.EPERM: NOT_EXECUTABLE,
    errno.ENOEXEC: NOT_EXECUTABLE,
    errno.EISDIR: NOT_EXECUTABLE,
    errno.E2BIG: NOT_EXECUTABLE,
}


@dataclass
class ColdProcess:
    """A step that was started by fork and exec."""

    process: subprocess.Popen[bytes]
    entrypoint: bool = True
    output: Copier | None = None
    oom_killed: bool = False
    unstarted: bool = False
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
        if self.output:
            self.output.finish()
        return exit_code(code, entrypoint=self.entrypoint)

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


def start_process(
    argv: Sequence[str],
    launch: Launch,
    folder: Path | None,
    env: Mapping[str, str] | None = None,
) -> ColdProcess:
    """Start a process whose output goes into the log of a launch; OSError when it does not."""
    output, writing = Output.open(launch.log, launch.log_bytes)
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    except OSError:
        output.close()
        raise
    finally:
        os.close(writing)
    return ColdProcess(process, launch.entrypoint, Copier(output))


def start_cold(launch: Launch, env: Mapping[str, str]) -> RunningStep:
    """Start a step as a process group of this machine."""
    folder = launch.cwd or Path("/")
    for file in filter(None, launch.files):
        try:
            os.close(open_file(str(folder / file)))
        except OSError as error:
            return without_file(launch, file, error)
    try:
        if any(launch.files):
            _check_command(launch.argv[0], folder, env)
        argv = tee(launch.argv, *launch.files, by_shell=False)
        return start_process(argv, launch, launch.cwd, env)
    except OSError as error:
        return refused(launch, error)


def _check_command(command: str, folder: Path, env: Mapping[str, str]) -> None:
    """Raise OSError where there is nothing to execute, of which a program of ours only hears."""
    sought = str(folder / command) if "/" in command else command
    if shutil.which(sought, path=env.get("PATH", os.defpath)) is None:
        found = "/" in command and Path(sought).exists()
        code = errno.EACCES if found else errno.ENOENT
        raise OSError(code, os.strerror(code))


def without_file(launch: Launch, file: str, error: OSError) -> NeverStarted:
    """A step whose output has nowhere to go."""
    note(launch.log, f"cannot write {file!r}: {error.strerror}")
    return NeverStarted(NOT_EXECUTABLE)


def refused(launch: Launch, error: OSError) -> NeverStarted:
    """A step whose command cannot be started; InfrastructureError when that is not its fault."""
    code = _COMMAND_ERRORS.get(error.errno or 0)
    if code is None:
        raise InfrastructureError(f"cannot start a process: {error.strerror}") from error
    note(launch.log, f"cannot start {launch.argv[0]!r}: {error.strerror}")
    return NeverStarted(code)
