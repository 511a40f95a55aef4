"""The namespaces that the node lives in, and the keeper that holds them.

The keeper is process 1 of a pid namespace. What is mounted there is seen only there, folders of the
machine that programs of the node insist on (``/run``, ``/var/log``, ``/var/lib/kubelet`` ...) are
covered by folders of the state, and all of it ends with the keeper.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node import processes
from tests.cluster.node.commands import run
from tests.cluster.node.errors import NodeError
from tests.cluster.node.layout import STATE
from tests.cluster.node.processes import Process

COVERED = {
    # The machine's folder: the folder of the state that lies over it.
    "/var/log": "logs/pods",
    "/var/lib/cni": "cni/results",
    "/var/lib/kubelet": "kubelet",
}


@dataclass(frozen=True)
class Sandbox:
    """Namespaces with a living keeper."""

    keeper: Process

    def run(self, argv: Sequence[str | Path]) -> str:
        """Run a command within, to its end."""
        return run([*self.enter(), *argv])

    def enter(self) -> list[str]:
        """The words that put a command into the namespaces.

        Never ``ip netns exec``: it mounts another /sys, where the kubelet finds no cgroups.
        """
        return ["nsenter", f"--target={self.keeper.pid}", "--mount", "--net", "--pid", "--"]

    def spawn(self, name: str, argv: Sequence[str | Path], log: Path) -> Process:
        """Start a process that stays: child of the keeper, in a session of its own."""
        words = shlex.join(str(word) for word in argv)
        script = f"setsid {words} >> {shlex.quote(str(log))} 2>&1 < /dev/null & echo $!"
        inner = int(self.run(["/bin/sh", "-c", script]))
        found = processes.inside(self.keeper, inner)
        if found is None:
            raise NodeError(f"{name} ended as soon as it started", hint=f"tail {log}")
        return found


def find() -> Sandbox | None:
    """The sandbox that runs on this machine, if one does."""
    keeper = processes.read(_keeper_file())
    return Sandbox(keeper) if keeper else None


def create() -> Sandbox:
    """New namespaces."""
    (STATE / "run").mkdir(parents=True, exist_ok=True)
    unshare = subprocess.Popen(
        # Slave: what the machine mounts later is seen within, never the other way round.
        ["unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--kill-child",
         "--mount-proc", "--propagation=slave", "/bin/sh", "-c", _preparation()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(STATE / "run" / "keeper.log").open("wb"),
        start_new_session=True,
    )  # fmt: skip
    try:
        keeper = _child(unshare)
        keeper.write(_keeper_file())
    except BaseException:
        # With it end the namespaces, which nobody would find again.
        unshare.kill()
        raise
    return Sandbox(keeper)


def remove() -> None:
    """End the keeper, and with it everything within."""
    keeper = processes.read(_keeper_file())
    if keeper:
        keeper.send(signal.SIGKILL)
        keeper.end()
    for folder in _made_mount_points():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _keeper_file() -> Path:
    return STATE / "run" / "keeper.pid"


def _preparation() -> str:
    made = [folder for folder in COVERED if not Path(folder).exists()]
    (STATE / "run" / "made").write_text("\n".join(made), encoding="utf-8")
    lines = ["set -e", "mount --make-rshared /", "ip link set lo up", "mount -t tmpfs run /run"]
    for folder, over in COVERED.items():
        Path(folder).mkdir(parents=True, exist_ok=True)
        (STATE / over).mkdir(parents=True, exist_ok=True)
        lines.append(f"mount --bind {STATE / over} {folder}")
    lines += ["sysctl -qw net.ipv4.ip_forward=1", f"touch {STATE}/run/ready"]
    return "\n".join([*lines, "exec tini-static -- sleep infinity"])


def _made_mount_points() -> list[Path]:
    made = STATE / "run" / "made"
    if not made.exists():
        return []
    return [Path(line) for line in made.read_text(encoding="utf-8").splitlines()]


def _child(unshare: subprocess.Popen[bytes]) -> Process:
    ready = STATE / "run" / "ready"
    until = time.monotonic() + 10
    while not ready.exists():
        if unshare.poll() is not None or time.monotonic() > until:
            said = (STATE / "run" / "keeper.log").read_text(encoding="utf-8", errors="replace")
            raise NodeError(f"no namespaces could be made: {said.strip()}")
        time.sleep(0.02)
    ready.unlink()
    return processes.children(unshare.pid)[0]
