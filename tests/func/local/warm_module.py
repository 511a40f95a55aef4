"""Commands for the fork server to run; slow to import, as far as it knows."""

from __future__ import annotations

import atexit
import importlib.util
import os
import random
import signal
import sys
import threading
from pathlib import Path

IMPORTED_BY = os.getpid()


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def facts() -> None:
    """Say what a fresh process would see, and leave by every way out that Python has."""
    say("argv", *sys.argv)
    say("cwd", Path.cwd())
    say("colour", os.environ.get("COLOUR"), "home", os.environ.get("ONLY"))
    say("leader", os.getsid(0) == os.getpid() == os.getpgid(0))
    say("handlers", signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL)
    say("main thread", threading.current_thread() is threading.main_thread())
    say("warm", os.getpid() != IMPORTED_BY, random.random() is not None)
    say("colorsys", importlib.util.find_spec("colorsys") is not None)
    say("stdin", repr(sys.stdin.read()))
    sys.stderr.write("err\n")
    atexit.register(say, "atexit")
    threading.Thread(target=say, args=("thread",)).start()
    raise SystemExit(int(sys.argv[1]))


def fails() -> None:
    raise ValueError("on purpose")


def polite() -> str:
    return "a message is exit code 1"


def hangs() -> None:
    """Wait for ever, with a child that ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("hanging")
    sys.stdout.flush()
    signal.pause()


def marks() -> None:
    """Add a line to a file."""
    with Path(sys.argv[2]).open("a") as file:
        file.write(sys.argv[1] + "\n")
