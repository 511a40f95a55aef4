"""What the embedded engine adds to a step."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk.local.engine import Engine
from mltk.local.isolation import Isolation
from mltk.local.layout import Layout
from mltk.local.process import ProcessRuntime
from mltk.local.store import Store

STEPS = 60


@dataclass(frozen=True)
class Measured:
    """Seconds: a bare fork+exec, a no-op step beyond that, and a step that was cached."""

    steps: int
    fork_exec: float
    step: float
    cached: float


def measure(folder: Path) -> Measured:
    """Run a chain of one-step Tasks that do nothing, once for real and three times cached.

    A cached chain runs in a new PipelineRun, so the figure holds all that a run costs.
    """
    store = Store(folder / "state.db")
    store.create(_pipeline())
    store.create(_task())
    bare = [_timed(lambda: subprocess.run(["true"], check=True)) for _ in range(STEPS)]
    with ProcessRuntime(isolation=Isolation.of(Layout(folder))) as runtime:
        runtime.prewarm()
        engine = Engine(store, runtime, jobs=1)
        first = _timed(lambda: _run(store, engine))
        cached = [_timed(lambda: _run(store, engine)) for _ in range(3)]
    fork_exec = statistics.median(bare)
    return Measured(STEPS, fork_exec, first / STEPS - fork_exec, statistics.median(cached) / STEPS)


def _run(store: Store, engine: Engine) -> None:
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "chain-"},
        "spec": {"pipelineRef": {"name": "chain"}},
    }
    name = store.create(run)["metadata"]["name"]
    (done,) = engine.run([name])
    condition = done["status"]["conditions"][0]
    assert condition["status"] == "True", condition


def _task() -> dict[str, Any]:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "nothing", "annotations": {"mltk.dev/cache": "true"}},
        "spec": {"steps": [{"name": "nothing", "image": "busybox", "command": ["true"]}]},
    }


def _pipeline() -> dict[str, Any]:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": "chain"},
        "spec": {
            "tasks": [
                {
                    "name": f"task-{number}",
                    "taskRef": {"name": "nothing"},
                    **({"runAfter": [f"task-{number - 1}"]} if number else {}),
                }
                for number in range(STEPS)
            ]
        },
    }


def _timed(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
