"""Kill engines at random moments, and look whether anything is lost: `make kill-test`.

Runs of all sorts are made in one folder and cancelled; servers and commands drive them. What gets
SIGKILL after some milliseconds is an engine, or one of the processes that it works with. Each step
adds its identity to a file outside the store. From time to time a server may finish what there is,
and the books are checked.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mltk.errors import AdmissionError
from mltk.local.backend import LocalBackend
from mltk.local.context import ENGINE_FAILED
from mltk.local.identity import marked
from mltk.tekton.attempts import INTERRUPTED
from mltk.tekton.objects import Obj, is_done, name_of, reason, status_of, uid_of

from .load import Load
from .victims import Victims, awaited, exit_code, fork_servers, kill, step_processes

_OFFICE = "controller"  # of whoever serves the folder, among the owners of runs
_TOKEN = "KILL_TEST"
_LONGEST = 0.4  # seconds until a kill
_UNDER_WAY = 8  # runs that a server finds
_CHECK_EVERY = 25
_END_SECONDS = 120.0
_TROUBLE = (INTERRUPTED, "TaskRunCancelled", "Cancelled")


@dataclass
class Tally:
    """What happened, for the last line."""

    kills: Counter[str] = field(default_factory=Counter)
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
        self._isolated = isolated
        self._random = random.Random(seed)
        self._token = uuid.uuid4().hex
        self._record = root / "outside" / "steps"
        self._record.parent.mkdir()
        self._record.touch()
        self._told = root / "told"
        self._victims = Victims(root, self._record.parent, {_TOKEN: self._token}, isolated)
        self._load = Load(self._record, self._random)
        self._expected: dict[str, str] = {}
        self._made: set[str] = set()
        self._disturbed: set[str] = set()
        self._left: set[str] = set()
        with self._victims.open() as backend:
            backend.create(self._load.task())

    def run(self, kills: int, say: Callable[[str], None]) -> Tally:
        """Kill `kills` processes, of each sort in turn; return what was seen."""
        sorts = (
            self._kill_server,
            self._kill_command,
            self._kill_one_of_two,
            self._kill_fork_server,
            self._kill_step,
        )
        for number in range(1, kills + 1):
            self._fill()
            sorts[number % len(sorts)]()
            self._check_file()
            if number % _CHECK_EVERY == 0 or number == kills:
                self._drain()
                self._check()
                say(f"{number} kills, {self.tally.runs.total()} runs, {self._problems()}")
        return self.tally

    def _problems(self) -> str:
        return f"{len(self.tally.problems)} problems"

    # The load

    def _fill(self) -> None:
        with self._victims.open() as backend:
            for _ in range(_UNDER_WAY - len(self._pending(backend))):
                (run,) = self._runs(1)
                self._made.add(name_of(backend.create(run)))

    def _runs(self, number: int) -> list[Obj]:
        made = []
        for _ in range(number):
            run, expected = self._load.run()
            self._expected[name_of(run)] = expected
            made.append(run)
        return made

    def _pending(self, backend: LocalBackend) -> list[Obj]:
        return [obj for obj in self._tops(backend) if not is_done(obj)]

    def _tops(self, backend: LocalBackend) -> list[Obj]:
        found = [*backend.list("pr"), *backend.list("tr")]
        return [obj for obj in found if not obj["metadata"].get("ownerReferences")]

    # The kills

    def _kill_server(self) -> None:
        server = self._victims.serve()
        self._wait()
        self._kill(server)
        self.tally.kills["servers"] += 1

    def _kill_command(self) -> None:
        """Kill a command, beside a server or not; a server goes on with what the command left."""
        server = self._victims.serve() if self._random.random() < 0.3 else None
        command, names = self._command()
        self._wait()
        self._kill(command)
        self.tally.kills["commands"] += 1
        self._left |= names
        if server is None:
            self._expect_ended(names)
        else:
            self._stop(server)

    def _kill_one_of_two(self) -> None:
        """Kill one of two commands that share the store; the other one does not notice."""
        (one, names), (other, _) = self._command(), self._command()
        self._wait()
        self._kill(one)
        self.tally.kills["commands beside another"] += 1
        self._left |= names
        self._expect_end(other, "a command beside one that was killed")
        self._expect_ended(names)

    def _kill_fork_server(self) -> None:
        self._kill_part("fork servers", fork_servers)

    def _kill_step(self) -> None:
        self._kill_part("steps", step_processes)

    def _kill_part(self, what: str, parts: Callable[[int], list[int]]) -> None:
        """Kill a process that an engine works with; the engine goes on."""
        with self._victims.open() as backend:
            self._disturbed |= {name_of(run) for run in self._pending(backend)}
        serves = self._random.random() < 0.5
        if serves:
            engine = self._victims.serve()
        else:
            engine, names = self._command()
            self._disturbed |= names
        self._wait()
        if (part := self._await_one(engine, parts)) is not None:
            kill(part)
            self.tally.kills[what] += 1
        if serves:
            self._wait()
            self._stop(engine)
        else:
            self._expect_end(engine, f"a command that lost one of its {what}")

    def _await_one(self, engine: int, parts: Callable[[int], list[int]]) -> int | None:
        """One of the processes of an engine, which may come to need one in a moment."""
        found = awaited(lambda: parts(engine), _LONGEST)
        return self._random.choice(found) if found else None

    def _command(self) -> tuple[int, set[str]]:
        runs = self._runs(self._random.randint(1, 2))
        return self._victims.command(runs, self._told), {name_of(run) for run in runs}

    def _wait(self) -> None:
        """Wait for a random moment; meanwhile a run may be cancelled."""
        longest = _LONGEST * (2 if self._isolated else 1)  # which takes a moment to get ready
        moment = time.monotonic() + self._random.uniform(0.0, longest)
        if self._random.random() < 0.3:
            self._cancel_one()
        time.sleep(max(0.0, moment - time.monotonic()))

    def _kill(self, engine: int) -> None:
        kill(engine)
        os.waitpid(engine, 0)

    def _stop(self, server: int) -> None:
        os.kill(server, signal.SIGTERM)
        self._expect_end(server, "a server")

    def _cancel_one(self) -> None:
        with self._victims.open() as backend:
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
        server = self._victims.serve()
        end = time.monotonic() + _END_SECONDS
        while time.monotonic() < end:
            with self._victims.open() as backend:
                # What a killed one has left of runs that had ended goes when the next one looks.
                books = backend.store.database.query(
                    "SELECT uid FROM owners WHERE uid<>?", (_OFFICE,)
                )
                if not books and not backend.store.under_way():
                    break
            time.sleep(0.05)
        else:
            self.tally.problems.append("runs do not end")
        self._stop(server)

    # The books

    def _check_file(self) -> None:
        with self._victims.open() as backend:
            (found,) = backend.store.database.query("PRAGMA integrity_check")
        if found != ("ok",):
            self.tally.problems.append(f"the store is damaged: {found[0]}")

    def _expect_end(self, process: int, what: str) -> None:
        """See that a process ends, and well."""
        code = exit_code(process, _END_SECONDS)
        if code != 0:
            told = "does not end" if code is None else f"ended with {code}"
            self.tally.problems.append(f"{what} {told}")

    def _expect_ended(self, names: Collection[str]) -> None:
        """See that the next command ends what a killed one has left."""
        with self._victims.open(serves=False) as backend:
            left = [run for run in self._pending(backend) if name_of(run) in names]
        self.tally.problems += [f"{name_of(run)} was left by its command" for run in left]

    def _check(self) -> None:
        begun = Counter(self._record.read_text().splitlines())
        twice = [line for line, times in begun.items() if times > 1]
        self.tally.problems += [f"begun twice: {line}" for line in twice]
        self.tally.steps += begun.total()
        self._record.write_text("")
        if self._told.exists():
            self._made |= set(self._told.read_text().splitlines())
            self._told.unlink()
        with self._victims.open() as backend:
            tops = self._tops(backend)
            missing = self._made - {name_of(obj) for obj in tops}
            self.tally.problems += [f"lost: {name}" for name in missing]
            for obj in tops:
                self.tally.problems += self._judge(obj, backend, begun)
                backend.delete(obj["kind"], name_of(obj))
            for table in ("owners", "processes"):
                rows = backend.store.database.query(f"SELECT * FROM {table}")
                self.tally.problems += [f"left in {table}: {row}" for row in rows]
        for known in (self._expected, self._made, self._disturbed, self._left):
            known.clear()
        orphans = marked(_TOKEN, [self._token])
        self.tally.problems += [f"orphan: process {each.pid}" for each in orphans]

    def _judge(self, run: Obj, backend: LocalBackend, begun: Counter[str]) -> Iterator[str]:
        single = run["kind"] == "TaskRun"
        task_runs = [run] if single else backend.store.dependants(uid_of(run))
        task_runs = [each for each in task_runs if each["kind"] == "TaskRun"]
        self.tally.runs[reason(run)] += 1
        for each in task_runs:
            yield from self._judge_task_run(each, begun)
        ends = self._ends(run, task_runs)
        if not is_done(run) or (ends and reason(run) not in ends):
            yield f"{name_of(run)} is {reason(run)}, not {ends}: {status_of(run)['conditions']}"

    def _ends(self, run: Obj, task_runs: Collection[Obj]) -> set[str]:
        """The reasons that a run may end with; empty when none can be told."""
        ends = {self._expected[name_of(run)]}
        if name_of(run) in self._left:
            ends.add(INTERRUPTED)
        elif run["kind"] == "PipelineRun" and reason(run) == INTERRUPTED:
            return ends  # a server goes on with its runs
        if run["spec"].get("status") or any(reason(each) in _TROUBLE for each in task_runs):
            return set()
        return ends | {"Failed"} if name_of(run) in self._disturbed else ends

    def _judge_task_run(self, task_run: Obj, begun: Counter[str]) -> Iterator[str]:
        status = status_of(task_run)
        earlier = status.get("retriesStatus") or []
        whys = [each["conditions"][0]["reason"] for each in (*earlier, status)]
        self.tally.attempts += len(whys)
        self.tally.interrupted += whys.count(INTERRUPTED)
        if ENGINE_FAILED in whys:
            yield f"{name_of(task_run)}: {status['conditions'][0]['message']}"
        cached = "mltk.dev/cached-from" in task_run["metadata"].get("annotations", {})
        self.tally.cached += cached
        if reason(task_run) == "Succeeded" and not cached:
            for step in status["steps"]:
                line = f"{uid_of(task_run)} {len(earlier)} {step['name']}"
                if not begun[line]:
                    yield f"{name_of(task_run)}: step {step['name']} succeeded and never ran"


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
    sys.stdout.write(
        f"seed {chosen.seed}, runtime {chosen.runtime}: {_told(tally.kills)} killed"
        f" in {time.monotonic() - began:.0f} s;"
        f" {tally.runs.total()} runs ({_told(tally.runs)});"
        f" {tally.attempts} attempts, {tally.interrupted} of them interrupted;"
        f" {tally.steps} steps begun, {tally.cached} TaskRuns from the cache;"
        f" {len(tally.problems)} problems\n"
    )
    for problem in tally.problems[:50]:
        sys.stdout.write(f"  {problem}\n")
    return 1 if tally.problems else 0


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counted.most_common())


if __name__ == "__main__":
    sys.exit(main())
