"""How the tasks of a PipelineRun stand, read from its TaskRuns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from mltk.tekton.child import Child, Fan, Standing
from mltk.tekton.durations import NO_TIMEOUT, optional_duration
from mltk.tekton.objects import Obj, parse_time, spec_of, status_of
from mltk.tekton.plan import Plan


@dataclass(frozen=True)
class Timeouts:
    """Limits of a run; zero is no limit, None not said: the two parts add up to the whole."""

    pipeline: timedelta
    tasks: timedelta | None
    final: timedelta | None

    @classmethod
    def of(cls, run: Obj, default: timedelta) -> Timeouts:
        """Read ``spec.timeouts``; a part that is missing is what the other leaves of the whole.

        `default` is the limit of the whole when there is none.
        """
        given = spec_of(run).get("timeouts") or {}
        pipeline = optional_duration(given.get("pipeline"))
        whole = default if pipeline is None else pipeline
        tasks = optional_duration(given.get("tasks"))
        final = optional_duration(given.get("finally"))
        if whole and tasks is None and final:
            tasks = whole - final
        elif whole and final is None and tasks:
            final = whole - tasks
        return cls(whole, tasks, final)


@dataclass(frozen=True)
class Facts:
    """A run at one moment. `children` are by name of the PipelineTask."""

    plan: Plan
    run: Obj
    children: Mapping[str, Standing]
    now: datetime

    @classmethod
    def of(cls, plan: Plan, run: Obj, task_runs: Sequence[Obj], now: datetime) -> Facts:
        """Sort TaskRuns by their task; one that the plan has seen is not read again."""
        seen, matrixed = plan.seen, plan.matrixed
        children: dict[str, Standing] = {}
        fans: dict[str, list[Child]] = {}
        for task_run in task_runs:
            name = task_run["metadata"]["name"]
            child = seen.get(name)
            if child is None or child.obj is not task_run:
                child = seen[name] = Child.of(task_run)
            if child.task in matrixed:
                fans.setdefault(child.task, []).append(child)
            else:
                children[child.task] = child
        children |= {task: Fan.of(members) for task, members in fans.items()}
        return cls(plan, run, children, now)

    @cached_property
    def timeouts(self) -> Timeouts:
        """Limits of the run."""
        return Timeouts.of(self.run, self.plan.config.defaults.timeout)

    @cached_property
    def start(self) -> datetime:
        """When the run started; now, if it starts now."""
        return self._time("startTime") or self.now

    @cached_property
    def final_start(self) -> datetime | None:
        """When `finally` began."""
        return self._time("finallyStartTime")

    @property
    def asked(self) -> str:
        """What the user asked of the run: ``spec.status``."""
        return str(spec_of(self.run).get("status") or "")

    @cached_property
    def pipeline_expired(self) -> bool:
        """The whole run is over its time."""
        return _reached(self.start, self.timeouts.pipeline, self.now)

    @cached_property
    def tasks_expired(self) -> bool:
        """The tasks were not through in time; time that `finally` takes does not count."""
        return _reached(self.start, self.timeouts.tasks, self.final_start or self.now)

    @cached_property
    def final_expired(self) -> bool:
        """`finally` is over its time."""
        return bool(self.final_start) and _reached(
            self.final_start or self.now, self.timeouts.final, self.now
        )

    def ends(self, final_start: datetime | None) -> list[datetime]:
        """Moments still to come at which a limit is reached, with `finally` begun then."""
        limits = self.timeouts
        if final_start is None:
            part = _plus(self.start, limits.tasks)
        else:
            part = _plus(final_start, limits.final)
        found = (_plus(self.start, limits.pipeline), part)
        return [moment for moment in found if moment is not None and moment > self.now]

    def _time(self, field: str) -> datetime | None:
        found = status_of(self.run).get(field)
        return parse_time(found) if found else None


def ignores_failure(task: Obj) -> bool:
    """Whether a failure of the task leaves the run going."""
    return task.get("onError") == "continue"


def _plus(start: datetime, limit: timedelta | None) -> datetime | None:
    return start + limit if limit else None


def _reached(start: datetime, limit: timedelta | None, now: datetime) -> bool:
    return bool(limit) and now - start >= (limit or NO_TIMEOUT)
