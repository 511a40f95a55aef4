"""How the embedded engine bears many Tasks, many at once, and many runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mltk.local.engine import Engine
from mltk.local.process import ProcessRuntime
from mltk.local.store import Store
from mltk.tekton.objects import is_success, name_of
from mltk.tekton.reconcile import reconcile

TASKS = 1000
WIDTH = 10
AT_ONCE = 100
RUNS = 10_000
IN_STORE = 1000

# An engine that drives one run of a store and tells its memory in kB.
_ENGINE = """
import resource, sys; from pathlib import Path
from mltk.local.engine import Engine
from mltk.local.process import ProcessRuntime
from mltk.local.store import Store
store = Store(Path(sys.argv[1]))
with ProcessRuntime() as runtime:
    Engine(store, runtime).run(["last"])
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


@dataclass(frozen=True)
class Graph:
    """Seconds: the first decision over a Pipeline of `TASKS` Tasks, and all of them, run."""

    planned: float
    executed: float


def graph(folder: Path) -> Graph:
    """Plan and run a Pipeline in which `WIDTH` Tasks are ready at any time."""
    store = Store(folder / "state.db")
    store.create(_task(["true"]))
    run = store.create(_run("graph", [_ready_after(number) for number in range(TASKS)]))
    planned = _timed(
        lambda: reconcile(
            run,
            run["spec"]["pipelineSpec"],
            [],
            datetime.now(UTC),
            task_spec=lambda name: store.get("Task", name)["spec"],
        )
    )
    with ProcessRuntime() as runtime:
        executed = _timed(lambda: _drive(store, Engine(store, runtime, jobs=2), "graph"))
    return Graph(planned, executed)


def at_once(folder: Path) -> float:
    """Seconds that `AT_ONCE` TaskRuns take that end only when all of them run."""
    folder.mkdir(parents=True)
    started = folder / "started"
    started.touch()
    wait = f"echo >> {started}; until [ $(wc -l < {started}) = {AT_ONCE} ]; do sleep 0.2; done"
    store = Store(folder / "state.db")
    store.create(_task(["sh", "-c", wait]))
    store.create(_run("wide", [_named(number) for number in range(AT_ONCE)]))
    with ProcessRuntime() as runtime:
        return _timed(lambda: _drive(store, Engine(store, runtime, jobs=AT_ONCE), "wide"))


def memory(folder: Path) -> float:
    """Megabytes of an engine whose store holds `IN_STORE` runs."""
    store = Store(folder / "state.db")
    _fill(store, IN_STORE)
    store.create(_task(["true"]))
    store.create(_run("last", [_named(number) for number in range(20)]))
    store.close()
    command = [sys.executable, "-c", _ENGINE, str(folder / "state.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def listing(folder: Path, mltk: str) -> float:
    """Seconds of `mltk get pipelineruns` over `RUNS` runs."""
    store = Store(folder / ".mltk" / "state.db")
    _fill(store, RUNS)
    store.close()
    command = [mltk, "get", "pipelineruns"]
    environment = {**os.environ, "NO_COLOR": "1"}

    def look() -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, env=environment, check=True)
        assert done.stdout.count(b"\n") == RUNS + 1

    look()  # the first also fills the caches
    return statistics.median(_timed(look) for _ in range(7))


def _fill(store: Store, number: int) -> None:
    """Put runs of 20 Tasks into a store that have ended."""
    tasks = [_named(task) for task in range(20)]
    status = {
        "pipelineSpec": {"tasks": tasks},
        "startTime": "2026-01-01T00:00:00Z",
        "completionTime": "2026-01-01T00:01:00Z",
        "conditions": [{"type": "Succeeded", "status": "True", "reason": "Succeeded"}],
        "childReferences": [
            {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "name": f"run-{name_of(task)}"}
            for task in tasks
        ],
    }
    with store.transaction():
        for each in range(number):
            store.insert({**_run(f"run-{each}", tasks), "status": status})


def _drive(store: Store, engine: Engine, name: str) -> None:
    (done,) = engine.run([name])
    assert is_success(done), done["status"]["conditions"]
    store.close()


def _run(name: str, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name},
        "spec": {"pipelineSpec": {"tasks": tasks}},
    }


def _named(number: int) -> dict[str, Any]:
    return {"name": f"task-{number}", "taskRef": {"name": "one"}}


def _ready_after(number: int) -> dict[str, Any]:
    before = {"runAfter": [f"task-{number - WIDTH}"]} if number >= WIDTH else {}
    return {**_named(number), **before}


def _task(command: list[str]) -> dict[str, Any]:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "one"},
        "spec": {"steps": [{"name": "one", "image": "busybox", "command": command}]},
    }


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
