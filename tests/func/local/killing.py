"""Kill engines at random moments, and look whether anything is lost: `make kill-test`.

One folder after another process serves it, which gets SIGKILL after some milliseconds; meanwhile
runs of all sorts are made and cancelled. Each step adds its identity to a file outside the store.
From time to time a server may finish what there is, and the books are checked.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mltk.errors import AdmissionError
from mltk.local.backend import LocalBackend
from mltk.local.engine import Engine
from mltk.local.identity import marked
from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
from mltk.tekton.objects import Obj, is_done, name_of, reason, status_of, uid_of

_TOKEN = "KILL_TEST"
_LONGEST = 0.4  # seconds until a kill
_UNDER_WAY = 8  # runs that a server finds
_CHECK_EVERY = 25
_DRAIN_SECONDS = 120.0
_MARK = 'echo "$(context.taskRun.uid) $(context.task.retry-count) {}" >> {}'
_VOLUME = {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}
_TROUBLE = ("Interrupted", "TaskRunCancelled", "Cancelled")


@dataclass
class Tally:
    """What happened, for the last line."""

    kills: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    steps: int = 0
    interrupted: int = 0
    cached: int = 0
    problems: list[str] = field(default_factory=list)


class Killing:
    """A folder whose engines are killed. `root` is empty."""

    def __init__(self, root: Path, seed: int, *, isolated: bool = False) -> None:
        self.tally = Tally()
        self._root = root
        self._isolated = isolated
        self._random = random.Random(seed)
        self._token = uuid.uuid4().hex
        self._record = root / "outside" / "steps"
        self._record.parent.mkdir()
        self._record.touch()
        self._expected: dict[str, str] = {}
        self._number = 0
        with self._open() as backend:
            backend.create(_cached_task(self._line("cached")))

    def run(self, kills: int, say: Callable[[str], None]) -> Tally:
        """Kill `kills` engines; return what was seen."""
        for number in range(1, kills + 1):
            self._fill()
            self._kill()
            if number % _CHECK_EVERY == 0 or number == kills:
                self._drain()
                self._check()
                say(f"{number} kills, {sum(self.tally.runs.values())} runs, {self._problems()}")
        return self.tally

    def _problems(self) -> str:
        return f"{len(self.tally.problems)} problems"

    def _open(self) -> LocalBackend:
        # Never held while a server is forked: SQLite forbids to carry a connection over.
        return LocalBackend(self._root / ".mltk", serves=True)

    # The load

    def _fill(self) -> None:
        with self._open() as backend:
            for _ in range(_UNDER_WAY - len(self._pending(backend))):
                kind = self._random.choice(list(self._sorts()))
                made = backend.create(self._sorts()[kind]())
                self._expected[uid_of(made)] = kind

    def _pending(self, backend: LocalBackend) -> list[Obj]:
        return [obj for obj in self._tops(backend) if not is_done(obj)]

    def _tops(self, backend: LocalBackend) -> list[Obj]:
        found = [*backend.list("pr"), *backend.list("tr")]
        return [obj for obj in found if not obj["metadata"].get("ownerReferences")]

    def _sorts(self) -> dict[str, Callable[[], Obj]]:
        return {
            "Succeeded": self._chain,
            "Succeeded wide": self._wide,
            "Completed": self._skipping,
            "Failed": self._failing,
            "Succeeded volume": self._volume,
            "Succeeded cached": self._cached,
            "Succeeded single": self._single,
        }

    def _line(self, step: str) -> str:
        return _MARK.format(step, self._record)

    def _steps(self, *scripts: str) -> Obj:
        pause = f"sleep {self._random.uniform(0.0, 0.05):.3f}"
        return {
            "steps": [
                {
                    "name": f"s{number}",
                    "image": "none",
                    "script": f"{self._line(f's{number}')}\n{pause}\n{script}",
                }
                for number, script in enumerate(scripts)
            ]
        }

    def _task(self, name: str, *scripts: str, retries: int = 1, **fields: object) -> Obj:
        return {"name": name, "retries": retries, "taskSpec": self._steps(*scripts), **fields}

    def _run(self, tasks: list[Obj], *, last: list[Obj] | None = None, **spec: object) -> Obj:
        self._number += 1
        pipeline = {"tasks": tasks, "finally": last or []}
        if "workspaces" in spec:
            pipeline["workspaces"] = [{"name": "data"}]
        return {
            "apiVersion": "tekton.dev/v1",
            "kind": "PipelineRun",
            "metadata": {"name": f"run-{self._number}"},
            "spec": {"pipelineSpec": pipeline, **spec},
        }

    def _chain(self) -> Obj:
        stubborn = "trap '' TERM; (sleep 30 &) ; sleep 0.01"
        return self._run(
            [
                self._task("a", "true", "true"),
                self._task("b", stubborn, runAfter=["a"], retries=3),
            ],
            last=[self._task("f", "true")],
        )

    def _wide(self) -> Obj:
        return self._run([self._task(f"t{number}", "true") for number in range(4)])

    def _skipping(self) -> Obj:
        never = [{"input": "a", "operator": "in", "values": ["b"]}]
        return self._run(
            [self._task("a", "true"), self._task("b", "true", when=never)],
            last=[self._task("f", "true")],
        )

    def _failing(self) -> Obj:
        return self._run([self._task("a", "exit 3")], last=[self._task("f", "true", retries=0)])

    def _volume(self) -> Obj:
        data = [{"name": "data"}]
        write = self._task("w", "echo good > $(workspaces.data.path)/file", workspaces=data)
        read = self._task(
            "r", 'test "$(cat $(workspaces.data.path)/file)" = good', workspaces=data,
            runAfter=["w"],
        )  # fmt: skip
        for each in (write, read):
            each["taskSpec"]["workspaces"] = data
        return self._run([write, read], workspaces=[{"name": "data", **_VOLUME}])

    def _cached(self) -> Obj:
        word = self._random.choice(("one", "two", "three"))
        data = [{"name": "data"}]
        make = {
            "name": "c",
            "retries": 2,
            "taskRef": {"name": "cached"},
            "params": [{"name": "word", "value": word}],
            "workspaces": data,
        }
        read = self._task(
            "r", f'test "$(cat $(workspaces.data.path)/word)" = {word}', workspaces=data,
            runAfter=["c"],
        )  # fmt: skip
        read["taskSpec"]["workspaces"] = data
        return self._run([make, read], workspaces=[{"name": "data", **_VOLUME}])

    def _single(self) -> Obj:
        self._number += 1
        return {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "metadata": {"name": f"single-{self._number}"},
            "spec": {"retries": 2, "taskSpec": self._steps("true", "true")},
        }

    # The kills

    def _kill(self) -> None:
        longest = _LONGEST * (2 if self._isolated else 1)  # which takes a moment to get ready
        moment = time.monotonic() + self._random.uniform(0.0, longest)
        server = self._serve()
        try:
            if self._random.random() < 0.3:
                self._cancel_one()
            time.sleep(max(0.0, moment - time.monotonic()))
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
        self.tally.kills += 1
        with self._open() as backend:
            (found,) = backend.store.database.query("PRAGMA integrity_check")
        if found != ("ok",):
            self.tally.problems.append(f"the store is damaged: {found[0]}")

    def _serve(self) -> int:
        """Fork a server; this process has one thread and no store open."""
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            return pid
        code = 1
        try:
            environment = {**os.environ, _TOKEN: self._token}
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            with self._open() as backend:
                runtime = ProcessRuntime(env=environment, isolation=self._isolation(backend))
                with runtime:
                    Engine(backend.store, runtime, jobs=4, grace=0.05).serve(stop)
            code = 0
        finally:
            os._exit(code)

    def _isolation(self, backend: LocalBackend) -> Isolation | None:
        if not self._isolated:
            return None
        return Isolation.of(backend.layout, (self._record.parent,))

    def _cancel_one(self) -> None:
        with self._open() as backend:
            if not (pending := self._pending(backend)):
                return
            run = self._random.choice(pending)
            hows = ["Cancelled", "CancelledRunFinally", "StoppedRunFinally"]
            how = self._random.choice(hows)
            if run["kind"] == "TaskRun":
                how = "TaskRunCancelled"
            with suppress(AdmissionError):  # it has ended meanwhile
                backend.patch(run["kind"], name_of(run), "default", {"spec": {"status": how}})

    def _drain(self) -> None:
        """Let a server finish what there is."""
        server = self._serve()
        end = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < end:
            with self._open() as backend:
                if not backend.store.under_way():
                    break
            time.sleep(0.05)
        else:
            self.tally.problems.append("runs do not end")
        os.kill(server, signal.SIGTERM)
        if os.waitstatus_to_exitcode(os.waitpid(server, 0)[1]):
            self.tally.problems.append("a server broke")

    # The books

    def _check(self) -> None:
        begun = Counter(self._record.read_text().splitlines())
        twice = [line for line, times in begun.items() if times > 1]
        self.tally.problems += [f"begun twice: {line}" for line in twice]
        self.tally.steps += begun.total()
        self._record.write_text("")
        with self._open() as backend:
            tops = self._tops(backend)
            missing = self._expected.keys() - {uid_of(obj) for obj in tops}
            self.tally.problems += [f"lost: {uid}" for uid in missing]
            for obj in tops:
                self.tally.problems += self._judge(obj, backend, begun)
                backend.delete(obj["kind"], name_of(obj))
            for table in ("owners", "processes"):
                rows = backend.store.database.query(f"SELECT * FROM {table}")
                self.tally.problems += [f"left in {table}: {row}" for row in rows]
        self._expected.clear()
        orphans = marked(_TOKEN, [self._token])
        self.tally.problems += [f"orphan: process {each.pid}" for each in orphans]

    def _judge(self, run: Obj, backend: LocalBackend, begun: Counter[str]) -> Iterator[str]:
        single = run["kind"] == "TaskRun"
        task_runs = [run] if single else backend.store.dependants(uid_of(run))
        task_runs = [each for each in task_runs if each["kind"] == "TaskRun"]
        self.tally.runs[reason(run)] += 1
        for each in task_runs:
            yield from self._judge_task_run(each, begun)
        expected = self._expected.get(uid_of(run), "").split()
        asked = run["spec"].get("status")
        troubled = asked or any(reason(each) in _TROUBLE for each in task_runs)
        if not is_done(run) or (not troubled and [reason(run)] != expected[:1]):
            yield f"{name_of(run)} is {reason(run)}, not {expected}: {status_of(run)['conditions']}"

    def _judge_task_run(self, task_run: Obj, begun: Counter[str]) -> Iterator[str]:
        status = status_of(task_run)
        earlier = status.get("retriesStatus") or []
        self.tally.attempts += 1 + len(earlier)
        self.tally.interrupted += sum(
            each["conditions"][0]["reason"] == "Interrupted" for each in (*earlier, status)
        )
        cached = "mltk.dev/cached-from" in task_run["metadata"].get("annotations", {})
        self.tally.cached += cached
        if reason(task_run) == "Succeeded" and not cached:
            for step in status["steps"]:
                line = f"{uid_of(task_run)} {len(earlier)} {step['name']}"
                if not begun[line]:
                    yield f"{name_of(task_run)}: step {step['name']} succeeded and never ran"


def _cached_task(line: str) -> Obj:
    script = f"{line}\nsleep 0.02\necho $(params.word) > $(workspaces.data.path)/word"
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "cached", "annotations": {"mltk.dev/cache": "true"}},
        "spec": {
            "params": [{"name": "word"}],
            "workspaces": [{"name": "data"}],
            "steps": [{"name": "cached", "image": "none", "script": script}],
        },
    }


def main() -> int:
    """Kill, tell and end with 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description="Kill engines at random moments.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--runtime", choices=("plain", "process"), default="process")
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mltk-kill-") as folder:
        killing = Killing(Path(folder), chosen.seed, isolated=chosen.runtime == "process")
        tally = killing.run(chosen.kills, lambda line: print(line, flush=True))  # noqa: T201
    ends = ", ".join(f"{number} {what}" for what, number in tally.runs.most_common())
    sys.stdout.write(
        f"seed {chosen.seed}, runtime {chosen.runtime}: {tally.kills} kills"
        f" in {time.monotonic() - began:.0f} s;"
        f" {sum(tally.runs.values())} runs ({ends});"
        f" {tally.attempts} attempts, {tally.interrupted} of them interrupted;"
        f" {tally.steps} steps begun, {tally.cached} TaskRuns from the cache;"
        f" {len(tally.problems)} problems\n"
    )
    for problem in tally.problems[:50]:
        sys.stdout.write(f"  {problem}\n")
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
