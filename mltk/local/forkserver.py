"""Start Python commands from a process that has imported their slow modules already.

The engine's side; the other side is ``mltk.local.warm``.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mltk.local import rights
from mltk.local.cgroups import Group
from mltk.local.identity import ProcessIdentity
from mltk.local.launch import note
from mltk.local.processgroup import exit_code, signal_group
from mltk.local.runtime import Launch

_CANCEL_SECONDS = 0.05
_DEATH_SECONDS = 1.0
_TRIES = 3  # may die while it imports: killed, or because of what it imports

# Modules to import before the first fork, and modules that look uninstalled meanwhile.
Imports = tuple[tuple[str, ...], tuple[str, ...]]
NOTHING: Imports = ((), ())


@dataclass(frozen=True)
class WarmCommand:
    """Commands that start with `prefix` run as a fork that calls `target` ("module:attribute").

    `preload` is imported before the fork; modules of `block` look uninstalled meanwhile. A step
    that sets a variable of its own whose name starts with one of `cold_env` starts cold, because
    the preloaded modules have read theirs already.
    """

    prefix: tuple[str, ...]
    target: str
    preload: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    cold_env: tuple[str, ...] = ("PYTHON", "LD_")

    @property
    def imports(self) -> Imports:
        """What a fork server for it imports; commands of the same share one."""
        return self.preload, self.block

    def serves(self, argv: Sequence[str], variables: Mapping[str, str]) -> bool:
        """Whether a command with these variables of its own may start warm."""
        return tuple(argv[: len(self.prefix)]) == self.prefix and not any(
            name.startswith(self.cold_env) for name in variables
        )


class ColdStart(Exception):
    """The warm start is not to be had; says why."""


@dataclass
class WarmProcess:
    """A forked child; ended by its server, which knows whether the number is still its own.

    `refusal` says what kept it from its command: an `errno` of exec, or what was `broken` before;
    it is `unborn` when its server died before it served, `lost` when it did so later.
    """

    number: int
    send: Callable[[dict[str, Any]], None]
    log: Path
    entrypoint: bool = True
    pid: int = 0
    code: int = 0
    refusal: Mapping[str, Any] | None = None
    unborn: bool = False
    lost: bool = False
    oom_killed: bool = False
    unstarted: bool = False
    started: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process, None when it has ended."""
        return ProcessIdentity.of(self.pid) if self.pid else None

    def wait(self) -> int:
        """Wait for the end; return the exit code."""
        self.ended.wait()
        return exit_code(self.code, entrypoint=self.entrypoint)

    def stop(self, grace: float) -> None:
        """Ask the group to end, and end it after `grace` seconds."""
        self.signal(signal.SIGTERM)
        timer = threading.Timer(grace, self.signal, (signal.SIGKILL,))
        timer.daemon = True
        timer.start()

    def signal(self, number: int) -> None:
        """Send a signal to the group."""
        if not self.ended.is_set():
            self.send({"signal": self.number, "number": int(number)})

    def finish(self, code: int) -> None:
        """Take the exit code."""
        self.code = code
        self.started.set()
        self.ended.set()

    def lose(self, why: str) -> None:
        """End with the server, which has just died and taken the process along."""
        if self.pid:
            leader = self.identity
            signal_group(self.pid, signal.SIGKILL)  # the number was the server's until now
            if leader:
                leader.wait(_DEATH_SECONDS)
        with suppress(OSError):
            note(self.log, f"{why}, and the step with it")
        self.lost = True
        self.finish(-signal.SIGKILL)

    def give_up(self) -> None:
        """End before the server has read of it."""
        self.unborn = True
        self.finish(-signal.SIGKILL)


class ForkServer:
    """One warm process; started on the first use or by `prewarm`.

    When it has died the next use starts another; not when it cannot import, which would not
    change. `contained` lets it make containers, for children that come with a `root`.
    """

    def __init__(
        self, imports: Imports, env: Mapping[str, str], *, contained: bool = False
    ) -> None:
        self._imports = imports
        self._contained = contained
        self._env = env
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._children: dict[int, WarmProcess] = {}
        self._numbers = itertools.count(1)
        self._ready = False
        self._lives = _TRIES
        self.failure: str | None = None

    def prewarm(self) -> None:
        """Start importing; return at once."""
        with self._lock:
            self._ensure()

    def start(
        self,
        launch: Launch,
        env: Mapping[str, str],
        cancelled: threading.Event,
        *,
        target: str | None = None,
        root: Mapping[str, Any] | None = None,
        join: int | None = None,
        group: Group | None = None,
    ) -> WarmProcess:
        """Fork a child that calls `target`, or else executes; ColdStart when that cannot be.

        It makes a container of `root`, in a control `group`, or goes into that of the process
        `join`. When the server dies the child has been killed: nobody knows whether it had begun,
        so nothing starts it once more.
        """
        request = {
            "target": target,
            "argv": list(launch.argv),
            "env": dict(env),
            "cwd": str(launch.cwd or "/"),
            "log": str(launch.log),
            "log_bytes": launch.log_bytes,
            "root": root,
            "join": join,
            "rights": rights.request(launch.security),
            "read_only": launch.security.read_only,
            "files": list(launch.files),
            "cgroups": group.entrances if group else [],
        }
        while True:
            child = self._enlist(launch)
            child.send({"start": child.number, **request})
            while not child.started.wait(_CANCEL_SECONDS):
                if cancelled.is_set():  # while the server still imports
                    child.signal(signal.SIGKILL)
                    child.finish(-signal.SIGTERM)
            if not child.unborn:
                return child

    def close(self) -> None:
        """End the server and with it its children."""
        with self._lock:
            process, self._process = self._process, None
            self.failure = "the engine is closing"
        if process is None:
            return
        if not self._ready:  # it imports, has no children and does not listen
            process.kill()
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        process.wait()

    def _enlist(self, launch: Launch) -> WarmProcess:
        """Take on a child of the server that there is now."""
        with self._lock:
            self._ensure()
            if self.failure is not None:
                raise ColdStart(self.failure)
            send = partial(self._send, self._channel)
            child = WarmProcess(next(self._numbers), send, launch.log, launch.entrypoint)
            self._children[child.number] = child
        return child

    def _ensure(self) -> None:
        if self._process is None and self.failure is None:
            self._launch()

    def _launch(self) -> None:
        self._channel, theirs = socket.socketpair()
        try:
            # -P: a module of the current folder must not shadow an installed one.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mltk.local.warm", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(self._env),
                start_new_session=True,  # Ctrl-C of the terminal is the engine's to handle
            )
        except OSError as error:
            self.failure = f"the fork server did not start: {error}"
            return
        finally:
            theirs.close()
        preload, block = self._imports
        config = {"preload": preload, "block": block, "contained": self._contained}
        self._send(self._channel, config)
        threading.Thread(
            target=self._read, args=(self._channel, self._process), daemon=True
        ).start()

    def _send(self, channel: socket.socket, message: dict[str, Any]) -> None:
        with self._sending, suppress(OSError):  # the reader sees the end and settles it
            channel.sendall(json.dumps(message).encode() + b"\n")

    def _read(self, channel: socket.socket, process: subprocess.Popen[bytes]) -> None:
        with channel, channel.makefile("rb") as lines, suppress(OSError):
            for line in lines:
                self._take(json.loads(line))
        process.wait()
        why = f"the fork server ended ({process.returncode})"
        with self._lock:
            served, self._ready = self._ready, False
            if self._process is process:
                self._process = None
                self._lives -= not served
                if not self._lives:
                    self.failure = self.failure or why
            children = [self._children.pop(number) for number in list(self._children)]
        for child in children:
            if served:
                child.lose(why)
            else:
                child.give_up()

    def _take(self, message: dict[str, Any]) -> None:
        if "failed" in message:
            self.failure = message["failed"]
        elif "ready" in message:
            self._ready = True
        elif "started" in message:
            child = self._children[message["started"]]
            child.pid, child.refusal = message["pid"], message["refusal"]
            child.started.set()
        elif "ended" in message:
            self._children.pop(message["ended"]).finish(message["code"])


def inherited(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The machine's environment, where the interpreter's own commands come first on the PATH."""
    own = str(Path(sys.executable).parent)
    return {**env, "PATH": os.pathsep.join(filter(None, (own, env.get("PATH", os.defpath))))}
