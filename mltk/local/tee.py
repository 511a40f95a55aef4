"""What runs a step whose output goes to files too: a program of its own, in the step's container.

It is handed to Python as text, so that it needs no file there. Rules: ``realRunner`` of Tekton's
entrypoint: files are added to, their folders made; a step that a signal killed ends by that
signal, or with 255 where a shell can but guess, one that cannot be started with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

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

# The same for images, which need not have Python: a command that ends with more than 127 has been
# killed, as far as a shell can tell.
_SHELL = """
out=${1:-/dev/null} err=${2:-/dev/null}
shift 2
mkdir -p "$(dirname "$out")" "$(dirname "$err")" || exit 1
exec 3>&1 4>&2
code=$({ { { "$@" 3>&- 4>&- 5>&- 6>&-; echo $? >&5; } 2>&1 >&6 6>&- | tee -a "$err" >&4; } \\
  6>&1 | tee -a "$out" >&3; } 5>&1)
[ "$code" -lt 128 ] || code=255
exit "$code"
"""


def tee(command: Sequence[str], stdout: str, stderr: str, *, shell: bool) -> tuple[str, ...]:
    """The command that runs `command` and writes what it says to files as well.

    With a `shell` where there may be no Python.
    """
    if not (stdout or stderr):
        return tuple(command)
    if shell:
        return ("sh", "-c", _SHELL, "tee", stdout, stderr, *command)
    return (sys.executable, "-I", "-c", _PROGRAM, stdout, stderr, *command)
