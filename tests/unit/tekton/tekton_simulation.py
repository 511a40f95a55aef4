"""A store and an engine of thirty lines: what `reconcile` decides is done, what is told happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mltk.errors import NotFound
from mltk.tekton import objects
from mltk.tekton.config import TEKTONS, Config
from mltk.tekton.plan import ALONE, Surroundings
from mltk.tekton.reconcile import Decision, reconcile

Obj = dict[str, Any]
START = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = [{"name": "s", "image": "i", "command": ["true"]}]
TASK: Obj = {"steps": STEPS}


def task(name: str, *, after: tuple[str, ...] = (), **fields: Any) -> Obj:
    """A PipelineTask that runs the Task ``plain``."""
    made: Obj = {"name": name, "taskRef": {"name": "plain"}, **fields}
    return {**made, "runAfter": list(after)} if after else made


def param(name: str, value: Any) -> Obj:
    return {"name": name, "value": value}


def when(value: str, *values: str, operator: str = "in") -> list[Obj]:
    return [{"input": value, "operator": operator, "values": list(values)}]


class Simulation:
    """One PipelineRun. `tasks` are specs of Tasks by name; ``plain`` is always there."""

    def __init__(
        self,
        pipeline: Obj,
        tasks: Mapping[str, Obj] | None = None,
        config: Config = TEKTONS,
        around: Surroundings = ALONE,
        **spec: Any,
    ) -> None:
        self.pipeline = pipeline
        self.config = config
        self.around = around
        self.tasks = {"plain": TASK, **(tasks or {})}
        self.now = START
        self.run: Obj = {
            "apiVersion": "tekton.dev/v1",
            "kind": "PipelineRun",
            "metadata": {"name": "run", "namespace": "lab", "uid": "u-1"},
            "spec": {"pipelineRef": {"name": "pipe"}, **spec},
        }
        self.task_runs: dict[str, Obj] = {}
        self.order: list[str] = []

    def step(self, seconds: float = 0) -> Decision:
        """Let time pass, decide, and do what was decided."""
        self.now += timedelta(seconds=seconds)
        runs = list(self.task_runs.values())
        decision = reconcile(
            self.run,
            self.pipeline,
            runs,
            self.now,
            task_spec=self._task_spec,
            config=self.config,
            around=self.around,
        )
        self.run = {**self.run, "status": decision.status}
        for made in decision.create:
            name = made["metadata"]["name"].removeprefix("run-")  # its task, `-0` of a matrix
            assert name not in self.task_runs, f"{name} was started twice"
            self.task_runs[name] = made
            self.order.append(name)
        for cancel in decision.cancel:
            self._task_run(cancel.name)["spec"] |= cancel.patch["spec"]
        return decision

    def finish(
        self,
        *names: str,
        ok: bool = True,
        reason: str = "",
        results: Mapping[str, Any] | None = None,
    ) -> None:
        """End TaskRuns, by the names of their tasks."""
        for name in names:
            word = reason or ("Succeeded" if ok else "StepFailed")
            status = {"type": "Succeeded", "status": str(ok), "reason": word, "message": "m"}
            found = [{"name": k, "type": "string", "value": v} for k, v in (results or {}).items()]
            self.task_runs[name]["status"] = {"conditions": [status], "results": found}

    def end_cancelled(self) -> None:
        """End what was told to end."""
        for name, obj in self.task_runs.items():
            if obj["spec"].get("status") and not objects.is_done(obj):
                self.finish(name, ok=False, reason="TaskRunCancelled")

    def drive(self, outcome: Callable[[str], bool] = lambda name: True) -> str:
        """Go on to the end, every TaskRun as `outcome` says; the reason of the run."""
        while not objects.is_done(self.run):
            self.step()
            for name in self.running:
                self.finish(name, ok=outcome(name))
        return self.reason

    @property
    def running(self) -> list[str]:
        return [name for name, obj in self.task_runs.items() if not objects.is_done(obj)]

    @property
    def reason(self) -> str:
        return objects.reason(self.run)

    @property
    def message(self) -> str:
        return objects.message(self.run)

    @property
    def skipped(self) -> dict[str, str]:
        found = self.run["status"].get("skippedTasks") or ()
        return {each["name"]: each["reason"] for each in found}

    @property
    def results(self) -> dict[str, Any]:
        return objects.results(self.run)

    def params_of(self, name: str) -> dict[str, Any]:
        return {each["name"]: each["value"] for each in self.task_runs[name]["spec"]["params"]}

    def _task_run(self, name: str) -> Obj:
        return next(o for o in self.task_runs.values() if o["metadata"]["name"] == name)

    def _task_spec(self, name: str) -> Obj:
        if name not in self.tasks:
            raise NotFound(f"there is no Task '{name}'")
        return self.tasks[name]
