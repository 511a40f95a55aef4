"""What `mltk serve` takes: to start, to tell of a change, to list, and to hold."""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mltk.local.store import Store

MLTK = str(Path(sys.executable).parent / "mltk")
RUNS, FEW_RUNS, CHANGES, STARTS, ROUNDS = 10_000, 1_000, 300, 5, 5
_CONFIGS = "/api/v1/namespaces/default/configmaps"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PAGE = 500  # of kubectl


@dataclass(frozen=True)
class Measured:
    """Seconds, but `memory`, which is megabytes of the server with `FEW_RUNS` in its store."""

    start: float
    latency: float
    listed: float
    table: float
    memory: float


def measure(folder: Path) -> Measured:
    """Start servers over stores of several sizes and ask them."""
    starts = []
    for number in range(STARTS):
        empty = folder / f"empty{number}"
        empty.mkdir()
        began = time.perf_counter()
        with _served(empty):
            starts.append(time.perf_counter() - began)
    few, many = folder / "few", folder / "many"
    _fill(few, FEW_RUNS)
    with _served(few) as (process, address):
        latency = _latency(address)
        _get(address, _runs_path())
        memory = _megabytes(process.pid)
    _fill(many, RUNS)
    with _served(many) as (_, address):
        _get(address, _runs_path(1))  # the first request also loads code
        listed = [_timed_list(address) for _ in range(ROUNDS)]
        table = [_timed_table(address) for _ in range(ROUNDS)]
    return Measured(
        statistics.median(starts),
        latency,
        statistics.median(listed),
        statistics.median(table),
        memory,
    )


@contextmanager
def _served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [MLTK, "serve", "--no-tls", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = process.stderr.readline().split()[1]
        process.stdout.readline()
        yield process, urlsplit(url).netloc
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _fill(folder: Path, runs: int) -> None:
    """A store of runs that have ended."""
    store = Store(folder / ".mltk" / "state.db")
    with store.transaction():
        for number in range(runs):
            store.set_status(store.insert(_run(number)), _status(number))
    store.close()


def _run(number: int) -> dict[str, Any]:
    params = [{"name": "model", "value": f"model-{number % 20}"}]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": f"run-{number:05}", "labels": {"tekton.dev/pipeline": "chain"}},
        "spec": {"pipelineRef": {"name": "chain"}, "params": params},
    }


def _status(number: int) -> dict[str, Any]:
    moment = "2026-01-01T00:00:00Z"
    steps = [{"name": "run", "image": "busybox", "script": "#!/bin/sh\necho done\n"}]
    condition = {
        "type": "Succeeded",
        "status": "True",
        "reason": "Succeeded",
        "message": "Tasks Completed: 6 (Failed: 0, Cancelled 0), Skipped: 0",
        "lastTransitionTime": moment,
    }
    children = [
        {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "name": f"run-{number:05}-task-{task}",
            "pipelineTaskName": f"task-{task}",
        }
        for task in range(6)
    ]
    return {
        "conditions": [condition],
        "startTime": moment,
        "completionTime": moment,
        "childReferences": children,
        "pipelineSpec": {
            "tasks": [{"name": f"task-{task}", "taskSpec": {"steps": steps}} for task in range(6)]
        },
    }


def _latency(address: str) -> float:
    """From the sending of a change to its event: what 99 of 100 do not exceed."""
    connection = http.client.HTTPConnection(address, timeout=60)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bench"}, "data": {}}
    headers = {"Content-Type": "application/json"}
    _send(connection, "POST", _CONFIGS, config, headers)
    watch = http.client.HTTPConnection(address, timeout=60)
    watch.request("GET", f"{_CONFIGS}?watch=1")
    events = watch.getresponse()
    events.readline()
    headers["Content-Type"] = "application/merge-patch+json"
    times = []
    for number in range(CHANGES):
        began = time.perf_counter()
        patch = {"data": {"n": str(number)}}
        _send(connection, "PATCH", f"{_CONFIGS}/bench", patch, headers)
        events.readline()
        times.append(time.perf_counter() - began)
    watch.close()
    connection.close()
    return statistics.quantiles(times, n=100)[98]


def _send(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers: Any
) -> None:
    connection.request(method, path, json.dumps(body), headers)
    response = connection.getresponse()
    response.read()
    assert response.status < 300, response.status


def _runs_path(limit: int = 0, token: str = "") -> str:
    more = f"&continue={token}" if token else ""
    return f"/apis/tekton.dev/v1/namespaces/default/pipelineruns?limit={limit}{more}"


def _timed_list(address: str) -> float:
    began = time.perf_counter()
    body = _get(address, _runs_path())
    seconds = time.perf_counter() - began
    assert len(json.loads(body)["items"]) == RUNS
    return seconds


def _timed_table(address: str) -> float:
    """The list as kubectl asks for it, page by page."""
    pages, token = [], ""
    connection = http.client.HTTPConnection(address, timeout=60)
    began = time.perf_counter()
    while True:
        connection.request("GET", _runs_path(PAGE, token), headers={"Accept": _TABLE})
        pages.append(connection.getresponse().read())
        # The token stands near the beginning; what the client makes of the rest is its own time.
        head = pages[-1][:1000]
        token = head.partition(b'"continue":"')[2].partition(b'"')[0].decode()
        if not token:
            break
    seconds = time.perf_counter() - began
    connection.close()
    assert sum(len(json.loads(page)["rows"]) for page in pages) == RUNS
    return seconds


def _get(address: str, path: str, **headers: str) -> bytes:
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == 200, body
    return body


def _megabytes(pid: int) -> float:
    """The memory of a process that is its own (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} has gone")
