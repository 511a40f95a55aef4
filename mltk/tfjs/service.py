"""A Node.js that stays, with TensorFlow.js loaded, for those who run more than one bundle.

To start one takes longer than most bundles do. It belongs to the process that started it and ends
with that, however it ends; processes that are forked from there may ask it, too. It holds nothing
of a bundle after the answer, and is never waited for: who finds it at work, out of reach (another
user's) or gone, runs a Node.js of his own. So does who has much to compute: within the limits of a
step that is for the step to do.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from mltk.errors import InfrastructureError
from mltk.tfjs.bundle import Bundle
from mltk.tfjs.node import RUNTIME, find_node, packages_folder

BACKENDS = frozenset({"cpu", "wasm"})
_MOST_BYTES = 4 * 2**20
"""Of a bundle, and of the rows."""

_GREETING_SECONDS = 0.25
_ANSWER_SECONDS = 30.0
"""More than any job that fits takes, so that one that hangs keeps nobody waiting."""

_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG")
"""All that it gets of its owner's: whose bundles it loads has no business with credentials."""

_SOCKET = 3


@dataclasses.dataclass(frozen=True)
class Service:
    """A Node.js that listens at an address which is open in this process and its forks.

    It ends when nobody holds `life`, the writing end of its standard input, any more.
    """

    address: int
    life: int
    modules: str

    def ask(self, bundle: Bundle, job: dict[str, Any]) -> Any:
        """Give the answer to a job of `library.mjs`; None when another Node.js is to run it."""
        if not _fits(bundle, job):
            return None
        with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(_GREETING_SECONDS)
            # From within another root, too, the open file leads to the socket.
            channel.connect(f"/proc/self/fd/{self.address}")
            with channel.makefile("rb") as replies:
                if "ready" not in json.loads(replies.readline()):
                    return None
                channel.settimeout(_ANSWER_SECONDS)
                job = {**job, "modules": self.modules, "bundle": _content(bundle)}
                channel.sendall(json.dumps(job).encode())
                channel.shutdown(socket.SHUT_WR)
                return json.loads(replies.read())
        return None

    def close(self) -> None:
        """Let it end, when no fork of this process holds it either."""
        os.close(self.life)
        os.close(self.address)


_standing: list[Service] = []
"""The one of this process, or of that which it was forked from."""


def keep() -> bool:
    """Have one from now on; False where that cannot be: no Linux, Node.js or TensorFlow.js."""
    modules = packages_folder()
    if not _standing and hasattr(os, "O_PATH") and modules.is_dir():
        with suppress(OSError, InfrastructureError):
            _standing.append(_started(find_node().path, modules))
    return bool(_standing)


def ask(bundle: Bundle, job: dict[str, Any]) -> Any:
    """Ask the one that stays, if there is one; None when another Node.js is to run the job."""
    return _standing[-1].ask(bundle, job) if _standing else None


def release() -> None:
    """Have none any more."""
    while _standing:
        _standing.pop().close()


def _started(node: Path, modules: Path) -> Service:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        # Nobody finds the way to it but by the file that is open here.
        listening.bind(f"{folder}/socket")
        listening.listen()
        address = os.open(f"{folder}/socket", os.O_PATH | os.O_CLOEXEC)
        stdin, life = os.pipe()
        try:
            os.posix_spawn(
                node,
                [str(node), str(RUNTIME / "serve.mjs"), str(modules)],
                {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, stdin, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                    (os.POSIX_SPAWN_DUP2, listening.fileno(), _SOCKET),
                ],
            )
        except OSError:
            os.close(address)
            os.close(life)
            raise
        finally:
            os.close(stdin)
    return Service(address, life, str(modules))


def _fits(bundle: Bundle, job: dict[str, Any]) -> bool:
    if job["timed"]:  # what others have warmed up is faster than what a client has
        return False
    rows = sum(len(tensor["data"]) for tensor in (job["inputs"] or {}).values())
    return (
        BACKENDS.issuperset(job["backends"])
        and max(bundle.manifest.total_bytes, rows) <= _MOST_BYTES
    )


def _content(bundle: Bundle) -> dict[str, str]:
    return {
        path.name: base64.b64encode(path.read_bytes()).decode() for path in bundle.folder.iterdir()
    }
