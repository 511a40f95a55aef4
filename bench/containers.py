"""What a step takes as a container of the embedded engine, beside `podman run` of the same."""

from __future__ import annotations

import statistics
import subprocess
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
from tests.busybox import Missing, make_image

IMAGE = "localhost/mltk-bench-busybox:1"
ROUNDS = 10


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
    try:
        make_image(engine, folder, IMAGE, ["true"])
        return _measured(engine, Store(folder / "state.db"))
    finally:
        engine.call("rmi", IMAGE)


def _measured(engine: Engine, store: Store) -> Measured:
    command = ("run", "--rm", "--network=host", *engine.options, IMAGE, "true")
    bare, steps = [], []
    with ContainerRuntime(engine) as runtime:
        driver = Driver(store, runtime, jobs=1)
        for _ in range(ROUNDS):
            bare.append(_timed(lambda: engine.call(*command)))
            steps.append(_timed(lambda: _run(store, driver)))
    return Measured(statistics.median(steps), statistics.median(bare))


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
