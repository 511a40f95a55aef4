"""Measure the speed budgets of the design: ``python -m bench`` or ``make bench``.

Every figure is a ratio or a difference within this one run, so that it means the same on any
machine; the seconds beside it are this machine's. Ends with 1 when a budget is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import (
    containers,
    day,
    drift,
    engine,
    gate,
    hardware,
    listen,
    queue,
    scale,
    serve,
    starts,
    windows,
)
from bench.contests import Setting
from tests.busybox import Missing

REPOSITORY = Path(__file__).parents[1]
MLTK = str(Path(sys.executable).parent / "mltk")


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    budget: float
    unit: str
    note: str

    @property
    def kept(self) -> bool:
        return self.value <= self.budget


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the speed budgets.")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of the main job")
    parser.add_argument(
        "--only",
        choices=(
            *("start", "steps", "engine", "containers", "scale", "serve", "listen", "windows"),
            *("queue", "gate", "drift", "export", "hardware", "job", "day"),
        ),
        help="one part",
    )
    chosen = parser.parse_args()
    # Whoever installed mltk has its bytecode, which this variable would keep from being written.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parts: dict[str, Callable[[], Iterator[Figure]]] = {
        "start": start,
        "steps": step_starts,
        "engine": steps,
        "containers": container_steps,
        "scale": many,
        "serve": server,
        "listen": events,
        "windows": planning,
        "queue": queued,
        "export": exporting,
        "hardware": training,
        "gate": promotions,
        "drift": drifts,
        "job": lambda: main_job(chosen.rounds),
        "day": many_models,
    }
    figures = []
    for name, part in parts.items():
        if chosen.only in (None, name):
            for figure in part():
                figures.append(figure)
                print(_line(figure), flush=True)
    return 0 if all(figure.kept for figure in figures) else 1


def start() -> Iterator[Figure]:
    times = [_seconds([MLTK, "--version"]) for _ in range(15)]
    bare = [_seconds([sys.executable, "-c", "pass"]) for _ in range(15)]
    note = f"Python alone {1000 * statistics.median(bare):.0f} ms"
    yield Figure("mltk --version", 1000 * statistics.median(times), 120, "ms", note)


def step_starts() -> Iterator[Figure]:
    """Tell what each step's imports cost, as a multiple of a Python that does nothing."""
    for found in starts.measure(REPOSITORY):
        note = f"{found.seconds:.2f} s of the processor, Python alone {found.bare:.3f} s"
        yield Figure(f"start of {found.step}", found.seconds / found.bare, found.budget, "x", note)


def steps() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        measured = engine.measure(Path(folder))
    bare = f"fork+exec {1000 * measured.fork_exec:.2f} ms"
    yield Figure("no-op step, over fork+exec", 1000 * measured.step, 10, "ms", bare)
    yield Figure("cached step", 1000 * measured.cached, 1, "ms", f"{measured.steps} steps")


def container_steps() -> Iterator[Figure]:
    """Tell what a step is that is a container, beside a container that is nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = containers.measure(Path(folder))
        except Missing as missing:
            print(f"container step: not measured, {missing}", flush=True)
            return
    note = f"{1000 * found.step:.0f} ms against {1000 * found.bare:.0f} ms of the engine's own"
    yield Figure("container step / podman run", found.step / found.bare, 1.3, "x", note)


def training() -> Iterator[Figure]:
    """Tell how fast a training goes with what is there, beside one thread of the processor."""
    alone, found = hardware.measure("1"), hardware.measure("all")
    yield _pace("training with all that is there", found, alone)
    if not found.is_processor:  # one that lacks such numbers computes them the long way
        yield _pace("the same in 16 bits", hardware.measure("all", "mixed_bfloat16"), found)


def _pace(what: str, found: hardware.Found, beside: hardware.Found) -> Figure:
    words = (
        f"{each.hardware}: {each.examples_per_second:,.0f} examples/s, "
        f"processor {each.utilisation:.0%} busy"
        for each in (found, beside)
    )
    slower = beside.examples_per_second / found.examples_per_second
    return Figure(what, slower, 1.1, "x", "; ".join(words))


def many() -> Iterator[Figure]:
    """Tell what many Tasks, many at once and many runs cost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        graph = scale.graph(folder / "graph")
        count = f"{scale.TASKS} Tasks"
        yield Figure("first plan of a graph", graph.planned, 1, "s", count)
        each = 1000 * graph.executed / scale.TASKS
        yield Figure("Task of a graph, run", each, 10, "ms", f"{count}, two at a time")
        together = scale.at_once(folder / "wide")
        yield Figure("until all run at once", together, 5, "s", f"{scale.AT_ONCE} TaskRuns")
        used = scale.memory(folder / "memory")
        yield Figure("memory of the engine", used, 150, "MB", f"{scale.IN_STORE} runs in store")
        listed = 1000 * scale.listing(folder / "listing", MLTK)
        yield Figure("mltk get pipelineruns", listed, 200, "ms", f"{scale.RUNS} runs in store")


def server() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        found = serve.measure(Path(folder))
    bare = statistics.median(_seconds([sys.executable, "-c", "pass"]) for _ in range(5))
    note = f"Python alone {1000 * bare:.0f} ms"
    yield Figure("start of mltk serve", 1000 * found.start, 500, "ms", note)
    note = f"from the write to its event, {serve.CHANGES} changes"
    yield Figure("latency of a watch, p99", 1000 * found.latency, 20, "ms", note)
    yield Figure("list of 10,000 runs", 1000 * found.listed, 200, "ms", "at the API, as JSON")
    note = f"at the API, in pages of {serve.PAGE} as kubectl asks for them"
    yield Figure("table of 10,000 runs", 1000 * found.table, 200, "ms", note)
    note = f"{serve.FEW_RUNS:,} runs in its store, all of them listed once"
    yield Figure("memory of mltk serve", found.memory, 150, "MB", note)


def events() -> Iterator[Figure]:
    """Tell what a listener takes, against what Tekton's own does."""
    with tempfile.TemporaryDirectory() as folder:
        found = listen.measure(Path(folder))
    if isinstance(found, str):
        print(f"events: not measured, {found}", flush=True)
    else:
        note = (
            f"{found.rate:.0f} a second, kept, checked and filtered; {listen.CONNECTIONS} senders"
        )
        yield Figure("event", 1000 / found.rate, 1000 / listen.TEKTON, "ms", note)
        yield from _against_tekton(found)
        note = f"until its answer, p99, at {listen.TEKTON / 2:.0f} a second"
        yield Figure("event, until its answer", 1000 * found.waited, 50, "ms", note)
        yield Figure("memory of mltk listen", found.memory / 1e6, 150, "MB", "after that")
        note = f"{listen.QUEUED} events that waited; {found.grown / 1e6:.0f} MB more in the end"
        yield Figure("drain of a queue", found.drained, 10, "s", note)
    with tempfile.TemporaryDirectory() as folder:
        started = 1000 * listen.until_step(Path(folder))
    yield Figure("push, until its first step", started, 300, "ms", "median of 10")


def _against_tekton(found: listen.Measured) -> Iterator[Figure]:
    theirs = found.theirs
    if theirs is None:
        print("event, as a share of Tekton's: not measured, its sink is not built", flush=True)
        return
    note = f"its sink and interceptors answered {theirs.rate:.0f} a second in the same minute"
    yield Figure("event, as a share of Tekton's", theirs.rate / found.rate, 1, "x", note)
    note = f"they hold {theirs.memory / 1e6:.0f} MB"
    yield Figure("its memory, as a share of theirs", found.memory / theirs.memory, 1, "x", note)


def planning() -> Iterator[Figure]:
    found = windows.measure()
    note = f"a day long, one an hour, {windows.WINDOWS:,} rows; all new"
    yield Figure("plan of 10,000 windows", found.first, 1, "s", note)
    yield Figure("the look after that", found.again, 1, "s", "nothing new, the ledger read")


def queued() -> Iterator[Figure]:
    """Tell what it costs to let runs go while many wait."""
    with tempfile.TemporaryDirectory() as folder:
        found = queue.measure(Path(folder))
    note = f"{queue.WAITING:,} runs wait in {queue.QUEUES} queues"
    yield Figure("decision of the queue", 1000 * found.decision, 50, "ms", note)
    note = "from the end of a run until the next goes, in another process"
    yield Figure("turn of the queue", 1000 * found.turn, 250, "ms", note)
    yield Figure("memory of the queue", found.memory, 150, "MB", f"{queue.WAITING:,} runs wait")
    yield Figure("its growth", found.growth, 5, "MB", f"in {queue.TURNS} turns")


def exporting() -> Iterator[Figure]:
    """Tell what export and parity cost beside the training of the diabetes model."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
        command = [sys.executable, "-m", "bench.export", str(clone), f"{folder}/state"]
        done = subprocess.run(
            command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    found = json.loads(done.stdout)
    second = found.pop("second")
    note = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found.items())
    share = 100 * (found["export"] + found["verify"]) / found["train"]
    yield Figure("export + parity / training", share, 25, "%", note)
    note = "of the processor, from the fork until it trains"
    yield Figure("second model in a warm worker", second, 0.3, "s", note)


def promotions() -> Iterator[Figure]:
    """Tell how often the gate promotes models that are no better, and print how often better ones.

    A budget is the promised rate and three standard errors of the simulation.
    """
    trials, families = 3000, 400
    most = _with_error(gate.FIRST, trials)
    for each in gate.SETTINGS:
        share = 100 * gate.promotions(each, trials, seed=1) / trials
        note = f"correlation {each.shared}, promoted at the first try"
        yield Figure(f"no better, {each.kind}, {each.rows} rows", share, most, "%", note)
    for kind in ("rmse", "accuracy"):
        found = gate.promotions(Setting(kind, 100), trials, seed=4, better=-0.1, margin=0.1)
        yield Figure(f"worse by margin, {kind}", 100 * found / trials, most, "%", "not_worse")
    share = 100 * gate.families(Setting("rmse", 100), families, tries=20, seed=2) / families
    most = _with_error(gate.ALPHA, families)
    yield Figure("no better, 20 tries", share, most, "%", "any promoted, same rows and champion")
    print("| rows | better by | promoted |\n|---|---|---|", flush=True)
    for row in gate.power(1000):
        print(f"| {row.rows} | {row.better:.0%} | {row.share:.1%} |", flush=True)


def drifts() -> Iterator[Figure]:
    """Tell how often drift is seen that is none, print how often that which is, and the time."""
    trials = 3000
    for rows in (60, 300, 2000):
        share = 100 * drift.alarms(rows, rows, trials, seed=1, effect=0) / trials
        note = f"any of ten columns, {rows} rows, whatever the effect"
        yield Figure("drift where is none", share, _with_error(drift.ALPHA, trials), "%", note)
    print("| rows | shift | seen |\n|---|---|---|", flush=True)
    for found in drift.power(500):
        print(f"| {found.rows:,} | {found.shift:g} | {found.share:.1%} |", flush=True)
    took = drift.seconds(100_000, 20)
    note = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items())
    yield Figure("table of 100,000 rows by 20", took["check"], 2, "s", note)


def _with_error(rate: float, trials: int) -> float:
    return round(100 * (rate + 3 * (rate * (1 - rate) / trials) ** 0.5), 2)


def main_job(rounds: int) -> Iterator[Figure]:
    """Alternate the two ways, so that a slow minute of the machine hits both."""
    pipeline, by_hand, again = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            clone = Path(folder) / "clone"
            subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
            script = [sys.executable, "-m", "bench.by_hand", str(clone), f"{folder}/by-hand"]
            by_hand.append(_seconds(script, REPOSITORY))
            pipeline.append(_seconds([MLTK, "run"], clone))
            again.append(_seconds([MLTK, "run"], clone))
    job, script_time, rerun = map(statistics.median, (pipeline, by_hand, again))
    note = f"{job:.1f} s against {script_time:.1f} s, median of {rounds}"
    yield Figure("main job / one script", job / script_time, 1.25, "x", note)
    yield Figure("nothing changed / first run", 100 * rerun / job, 5, "%", f"{rerun:.2f} s")


def many_models() -> Iterator[Figure]:
    """Tell what many models cost beside the same done by scripts, as many at a time."""
    with tempfile.TemporaryDirectory() as folder:
        found = day.measure(REPOSITORY, Path(folder), MLTK)
    note = f"{found.together:.0f} s against {found.by_hand:.0f} s, {day.AT_ONCE} at a time"
    what = f"{day.MODELS} models / by hand"
    yield Figure(what, found.together / found.by_hand, 1.1, "x", note)


def _seconds(command: list[str], folder: Path = REPOSITORY) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended {done.returncode}\n{done.stderr}")
    return time.perf_counter() - began


def _line(figure: Figure) -> str:
    verdict = "ok  " if figure.kept else "OVER"
    number = f"{figure.value:8.2f} {figure.unit:2}"
    return f"{verdict} {figure.what:30} {number}  budget {figure.budget:g}  ({figure.note})"


if __name__ == "__main__":
    sys.exit(main())
