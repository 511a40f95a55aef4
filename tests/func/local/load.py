"""Runs of all sorts, each step of which adds its identity to a file outside the store."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from mltk.local.forkserver import WarmCommand
from mltk.tekton.objects import Obj

WARM = WarmCommand(("marks",), "warm_module:marks", ("warm_module",))
"""A command of the load that starts from a fork server, where its module is on the path."""

_IDENTITY = "$(context.taskRun.uid) $(context.task.retry-count) {}"
_VOLUME = {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}


class Load:
    """Makes runs by chance; steps write into `record`."""

    def __init__(self, record: Path, chance: random.Random) -> None:
        self._record = record
        self._random = chance
        self._number = 0

    def run(self) -> tuple[Obj, str]:
        """A new run, and the reason that it ends with when nothing comes in between."""
        sorts: tuple[tuple[Callable[[], Obj], str], ...] = (
            (self._chain, "Succeeded"),
            (self._wide, "Succeeded"),
            (self._skipping, "Completed"),
            (self._failing, "Failed"),
            (self._volume, "Succeeded"),
            (self._cached, "Succeeded"),
            (self._single, "Succeeded"),
        )
        make, reason = self._random.choice(sorts)
        return make(), reason

    def task(self) -> Obj:
        """The Task that some of the runs refer to."""
        word = "echo $(params.word) > $(workspaces.data.path)/word"
        script = f"{self._line('cached')}\nsleep 0.02\n{word}"
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

    def _line(self, step: str) -> str:
        return f'echo "{_IDENTITY.format(step)}" >> {self._record}'

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

    def _warm(self) -> Obj:
        args = [_IDENTITY.format("warm"), str(self._record)]
        step = {"name": "warm", "image": "none", "command": [*WARM.prefix], "args": args}
        return {"name": "warm", "retries": 2, "taskSpec": {"steps": [step]}}

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
        return self._run([self._warm(), *(self._task(f"t{number}", "true") for number in range(4))])

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
