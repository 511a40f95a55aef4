"""What a step takes as a container of the embedded engine, beside `podman run` of the same."""

from __future__ import annotations

import io
import shutil
import statistics
import subprocess
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk.errors import InfrastructureError
from mltk.local.containers import ContainerRuntime, Engine, find_engine
from mltk.local.engine import Engine as Driver
from mltk.local.store import Store
from mltk.tekton.objects import is_success

IMAGE = "localhost/mltk-bench-busybox:1"
ROUNDS = 10


class Missing(Exception):
    """This machine lacks what the measure needs; the message says what to install."""


@dataclass(frozen=True)
class Measured:
    """Seconds of a no-op step in its TaskRun, and of the container engine's own `run`."""

    step: float
    bare: float


def measure(folder: Path) -> Measured:
    """Alternate the two, so that a slow minute of the machine hits both; raises Missing."""
    try:
        engine = find_engine()
    except InfrastructureError as error:
        raise Missing(str(error)) from None
    _import(engine, folder)
    try:
        return _measured(engine, Store(folder / "state.db"))
    finally:
        engine.call("rmi", IMAGE)


def _measured(engine: Engine, store: Store) -> Measured:
    command = ("run", "--rm", "--network=host", *engine.options, IMAGE, "true")
    tried = engine.call(*command)
    if tried.returncode:
        raise Missing(f"{engine.program} runs no container here: {tried.stderr.strip()}")
    bare, steps = [], []
    with ContainerRuntime(engine) as runtime:
        driver = Driver(store, runtime, jobs=1)
        for _ in range(ROUNDS):
            bare.append(_timed(lambda: engine.call(*command)))
            steps.append(_timed(lambda: _run(store, driver)))
    return Measured(statistics.median(steps), statistics.median(bare))


def _import(engine: Engine, folder: Path) -> None:
    """Make an image of one static file, for which nobody has to ask the net."""
    busybox = shutil.which("busybox")
    if busybox is None:
        raise Missing("busybox is not there: install busybox-static")
    file = folder / "image.tar"
    with tarfile.open(file, "w") as image:
        image.add(busybox, "bin/busybox")
        link = tarfile.TarInfo("bin/true")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        image.addfile(link, io.BytesIO())
    done = engine.call("import", str(file), IMAGE)
    if done.returncode:
        raise Missing(f"{engine.program} cannot import an image: {done.stderr.strip()}")


def _run(store: Store, driver: Driver) -> None:
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"generateName": "step-"},
        "spec": {"taskSpec": {"steps": [{"name": "one", "image": IMAGE, "command": ["true"]}]}},
    }
    (done,) = driver.run([store.create(run)["metadata"]["name"]], kind="TaskRun")
    assert is_success(done), done["status"]["conditions"]


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    done = call()
    taken = time.perf_counter() - began
    assert not isinstance(done, subprocess.CompletedProcess) or done.returncode == 0, done.stderr
    return taken
