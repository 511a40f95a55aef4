"""The output of a step goes to files, too (`stdoutConfig`, `stderrConfig`).

Rules: ``realRunner`` of Tekton's entrypoint: files are added to, their folders made. The first
process of a container does it, or where there is none of ours a program of its own, which is handed
to Python as text, or to a shell where the step's is another image. It ends as the step does, by a
signal too; a shell says 128 and its number.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_CHUNK = 65536

# Arguments: a file for standard output, one for standard error (each may be empty), the command.
_PROGRAM = """
import os, resource, signal, subprocess, sys, threading

def opened(path):
    if not path:
        return None
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    return open(path, "ab", buffering=0)

def copy(source, own, file):
    while chunk := os.read(source, 65536):
        os.write(own, chunk)
        file.write(chunk)

out, err, *command = sys.argv[1:]
try:
    files = [(fd, opened(path)) for fd, path in ((1, out), (2, err))]
    streams = {fd: subprocess.PIPE for fd, file in files if file}
    signal.signal(signal.SIGTERM, lambda *_: None)
    step = subprocess.Popen(command, stdout=streams.get(1), stderr=streams.get(2))
except OSError as error:
    sys.exit(f"mltk: cannot start: {error}")
pipes = {1: step.stdout, 2: step.stderr}
copies = [
    threading.Thread(target=copy, args=(pipes[fd].fileno(), fd, file)) for fd, file in files if file
]
for each in copies:
    each.start()
for each in copies:
    each.join()
code = step.wait()
if code < 0:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""

# The same for images, which need not have Python.
_SHELL = """
out=${1:-/dev/null} err=${2:-/dev/null}
shift 2
mkdir -p "$(dirname "$out")" "$(dirname "$err")" || exit 1
exec 3>&1 4>&2
code=$({ { { "$@" 3>&- 4>&- 5>&- 6>&-; echo $? >&5; } 2>&1 >&6 6>&- | tee -a "$err" >&4; } \\
  6>&1 | tee -a "$out" >&3; } 5>&1)
exit "$code"
"""


class Copied(NamedTuple):
    """Standard output or error of a command, which goes where this process says so, and to a file.

    The command writes into the end `writing` of a pipe.
    """

    number: int
    file: int
    reading: int
    writing: int

    def begin(self) -> threading.Thread:
        """Copy until nobody writes any more."""
        os.close(self.writing)
        thread = threading.Thread(target=self._copy, daemon=True)
        thread.start()
        return thread

    def _copy(self) -> None:
        while chunk := os.read(self.reading, _CHUNK):
            for number in (self.number, self.file):
                with suppress(OSError):  # a disk is full: the other one may have room
                    _write(number, chunk)


def open_copies(files: Sequence[str]) -> list[Copied]:
    """Open the files of standard output and of standard error, where there are any."""
    return [
        Copied(number, open_file(path), *os.pipe())
        for number, path in enumerate(files, start=1)
        if path
    ]


def open_file(path: str) -> int:
    """Open a file to which output is added."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)


def _write(number: int, chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(number, chunk) :]


def tee(command: Sequence[str], stdout: str, stderr: str, *, by_shell: bool) -> tuple[str, ...]:
    """The command that runs `command` and writes what it says to files as well.

    `by_shell` where there may be no Python.
    """
    if not (stdout or stderr):
        return tuple(command)
    if by_shell:
        return ("sh", "-c", _SHELL, "tee", stdout, stderr, *command)
    return (sys.executable, "-I", "-c", _PROGRAM, stdout, stderr, *command)
