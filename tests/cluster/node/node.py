"""The node as a whole: up, down, and what is asked of it while it is up."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.node import (
    binaries,
    cgroups,
    containerd,
    control_plane,
    images,
    interceptors,
    machine,
    network,
    objects,
    packages,
    pki,
    readiness,
    sandbox,
    volumes,
    waiting,
    worker,
)
from tests.cluster.node.binaries import DNS, KUBERNETES
from tests.cluster.node.commands import say
from tests.cluster.node.components import Component, Revival
from tests.cluster.node.errors import MachineError, NodeError, UnknownComponent
from tests.cluster.node.layout import STATE, cache, kubeconfig
from tests.cluster.node.sandbox import Sandbox

UP = "python3 -m tests.cluster.node up"


def components() -> list[Component]:
    """Every process of the node, in the order of their start."""
    programs = KUBERNETES.folder
    return [
        containerd.component(),
        control_plane.etcd(),
        control_plane.api_server(programs),
        control_plane.controller_manager(programs),
        control_plane.scheduler(programs),
        worker.kubelet(programs),
        worker.proxy(programs),
        worker.dns(DNS.folder),
        volumes.component(),
    ]


def up() -> str:
    """Bring the node up, or what of it is not; returns in words what was done."""
    check()
    started = time.monotonic()
    with _lock():
        if not lacking():
            return "the node is up already"
        packages.install()
        binaries.build()
        _start(sandbox.find() or _new_sandbox())
    return f"the node is up, after {time.monotonic() - started:.0f} s"


def build() -> str:
    """Build the programs that are not in the cache yet; returns where kubectl, tkn and helm are."""
    with _lock():
        binaries.build()
    return f"the programs are in {binaries.tools()}"


def down() -> str:
    """End the node and remove all of it but the cache."""
    _require_root()
    with _lock():
        if not STATE.exists():
            return "the node is down already"
        _remove()
    return "the node is down"


def check() -> None:
    """Refuse a machine that cannot hold the node.

    Raises:
        MachineError: with every reason.
    """
    reasons = machine.obstacles()
    if reasons:
        raise MachineError("\n  ".join(["this machine cannot hold the test node:", *reasons]))


def lacking() -> list[str]:
    """What is missing to be up, in words."""
    if sandbox.find() is None:
        return ["nothing of the node runs"]
    dead = [f"{part.name} does not run" for part in components() if part.process() is None]
    reason = readiness.missing() if not dead else None
    return [*dead, reason] if reason else dead


def load(path: Path) -> str:
    """Import an image archive."""
    with _lock():
        return images.load(_running(), path)


def restart(name: str) -> str:
    """End one component and start it again."""
    parts = {part.name: part for part in components()}
    if name not in parts:
        raise UnknownComponent(f"no component {name!r}", hint=f"one of {', '.join(parts)}")
    with _lock():
        home = _running()
        parts[name].stop()
        _start(home)
    return f"{name} restarted"


def _start(home: Sandbox) -> None:
    pki.create()
    volumes.make_folders()
    containerd.start(home)
    images.provide(home)
    objects.start_api(home)
    for part in components():
        part.start(home)
    _await_ready(home)


def _remove() -> None:
    sandbox.remove()
    network.disconnect()
    cgroups.remove(worker.CGROUP)
    if STATE.exists():
        shutil.rmtree(STATE)
    kubeconfig().unlink(missing_ok=True)


def _new_sandbox() -> Sandbox:
    # What a node left whose processes have all ended, with the machine perhaps.
    _remove()
    home = sandbox.create()
    try:
        network.connect(home)
        cgroups.create(worker.CGROUP)
    except BaseException:
        # The next one would take it for whole.
        _remove()
        raise
    return home


def _await_ready(home: Sandbox) -> None:
    revival = Revival(home, components())

    def tend() -> None:
        revival.tend()
        with contextlib.suppress(NodeError):
            interceptors.certify()

    waiting.until(
        lambda: not readiness.missing(),
        "the node is not ready",
        seconds=180,
        watch=tend,
        hint="python3 -m tests.cluster.node status",
    )


def _running() -> Sandbox:
    home = sandbox.find()
    if home is None:
        raise NodeError("the node is not up", hint=UP)
    return home


def _require_root() -> None:
    if os.geteuid() != 0:
        raise MachineError("the node is root's", hint="run this as root")


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One at a time: the lock ends with the process."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another command of the node")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
