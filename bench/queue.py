"""What it costs to let runs go while ten thousand wait."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mltk.local.backend import LocalBackend
from mltk.queueing.decision import decide
from mltk.queueing.standing import queued_runs
from mltk.tekton.objects import Obj, spec_of

WAITING = 10_000
QUEUES = 50
TURNS = 100
_FIRST_TURNS = 10

# Somebody who tends the queues of a folder.
_DISPATCHER = """
import sys; from pathlib import Path
from mltk.local.backend import LocalBackend
from mltk.queueing.dispatcher import Dispatcher
with LocalBackend(Path(sys.argv[1]), serves=True) as backend:
    Dispatcher(backend).run()
"""


@dataclass(frozen=True)
class Measured:
    """Seconds of a decision, and from the end of a run until the next goes; MB, and their growth.

    `growth` is what the process took more after `TURNS` turns than after the first few.
    """

    decision: float
    turn: float
    memory: float
    growth: float


def measure(folder: Path) -> Measured:
    """Fill a store with runs that wait, and let one after the other go and end."""
    root = folder / ".mltk"
    with LocalBackend(root, serves=True) as backend:
        with backend.store.transaction():
            for number in range(WAITING):
                backend.store.insert(_run(number))
        runs = queued_runs(backend.list("PipelineRun"))
        decision = statistics.median(_seconds_to_decide(runs) for _ in range(9))
        program = [sys.executable, "-c", _DISPATCHER, str(root)]
        path = os.pathsep.join(sys.path)
        with subprocess.Popen(program, env={**os.environ, "PYTHONPATH": path}) as process:
            try:
                return _turns(backend, process.pid, decision)
            finally:
                process.kill()


def _turns(backend: LocalBackend, pid: int, decision: float) -> Measured:
    times: list[float] = []
    first, ended = 0.0, 0.0
    for event in backend.watch("PipelineRun"):
        run = event.obj
        if spec_of(run).get("status") or run.get("status"):
            continue  # it waits, or has ended
        if ended:
            times.append(time.perf_counter() - ended)
        if len(times) == _FIRST_TURNS:
            first = _megabytes(pid)
        if len(times) == TURNS:
            break
        ended = time.perf_counter()
        backend.store.set_status(run, {"conditions": [_DONE]})
    memory = _megabytes(pid)
    return Measured(decision, statistics.median(times), memory, memory - first)


_DONE = {"type": "Succeeded", "status": "True", "reason": "Succeeded", "message": ""}


def _run(number: int) -> Obj:
    queue = f"model-{number % QUEUES}"
    marks = {"queue": queue, "queue-limit": "1", "project-limit": "1"}
    params: list[dict[str, Any]] = [{"name": f"p{each}", "value": "v" * 60} for each in range(20)]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {
            "name": f"run-{number}",
            "labels": {"mltk.dev/project": "p"},
            "annotations": {f"mltk.dev/{name}": text for name, text in marks.items()},
        },
        "spec": {
            "status": "PipelineRunPending",
            "pipelineRef": {"name": "model-delivery"},
            "params": params,
        },
    }


def _seconds_to_decide(runs: list[Any]) -> float:
    now, began = datetime.now(UTC), time.perf_counter()
    assert len(decide(now, runs).call) == 1
    return time.perf_counter() - began


def _megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
