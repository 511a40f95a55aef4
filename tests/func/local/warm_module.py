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


def facts() -> None:
    """Print what a fresh process would see, and leave by every way out that Python has."""
    print("argv", *sys.argv)
    print("cwd", Path.cwd())
    print("colour", os.environ.get("COLOUR"), "home", os.environ.get("ONLY"))
    print("leader", os.getsid(0) == os.getpid() == os.getpgid(0))
    print("handlers", signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL)
    print("main thread", threading.current_thread() is threading.main_thread())
    print("warm", IMPORTED_BY != os.getpid(), random.random() is not None)
    print("colorsys", importlib.util.find_spec("colorsys") is not None)
    print("stdin", repr(sys.stdin.read()))
    print("err", file=sys.stderr)
    atexit.register(print, "atexit")
    threading.Thread(target=print, args=("thread",)).start()
    raise SystemExit(int(sys.argv[1]))


def fails() -> None:
    raise ValueError("on purpose")


def polite() -> str:
    return "a message is exit code 1"


def hangs() -> None:
    """Wait for ever, with a child that ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("hanging", flush=True)
    signal.pause()
