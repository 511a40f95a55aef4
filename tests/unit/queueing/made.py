"""Runs in a queue, and a simulated world in which they are let go and end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mltk.queueing.decision import Decision, decide
from mltk.queueing.rules import Rules
from mltk.queueing.runs import QueuedRun
from mltk.tekton.objects import Obj, format_time

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def queued(name: str, queue: str | None = "q", seconds: float = 0, **fields: Any) -> QueuedRun:
    """A run that waits; `limit` and `project_limit` stand for its rules."""
    rules = {
        "queue_limit": fields.pop("limit", None),
        "project_limit": fields.pop("project_limit", None),
        "newest_wins": fields.pop("newest_wins", False),
        "quiet": timedelta(seconds=fields.pop("quiet", 0)),
        "longest": timedelta(seconds=fields.pop("longest", 0)),
    }
    moment = at(seconds)
    return QueuedRun(
        **{
            "uid": name,
            "name": name,
            "namespace": "default",
            "project": "p",
            "queue": queue,
            "stage": "waiting",
            "created": moment,
            "order": (moment, "", name),
            "since": moment,
            "called": None,
            "rules": Rules(**rules),
            "version": "1",
            **fields,
        }
    )


def pipeline_run(name: str = "r", **parts: Any) -> Obj:
    """The PipelineRun itself; `annotations` without their prefix."""
    said = {f"mltk.dev/{key}": value for key, value in parts.pop("annotations", {}).items()}
    metadata = {
        "name": name,
        "namespace": "default",
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "creationTimestamp": format_time(START),
        "labels": {"mltk.dev/project": "p"},
        "annotations": said,
        **parts.pop("metadata", {}),
    }
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": metadata,
        "spec": {"status": "PipelineRunPending", **parts.pop("spec", {})},
        **parts,
    }


class World:
    """Runs by uid; what is decided is done at once, and each write gives a new version."""

    def __init__(self, runs: Iterable[QueuedRun] = ()) -> None:
        self.runs = {run.uid: run for run in runs}
        self.now = START

    def step(self) -> Decision:
        """Decide once, do it, and return what was decided."""
        decision = decide(self.now, self.runs.values())
        for replacement in decision.replace:
            self.change(replacement.by, since=replacement.since)
            for run in replacement.runs:
                self.change(run, stage="over")
        for run in decision.withdraw:
            self.change(run, stage="waiting", called=None)
        for run in decision.release:
            self.change(run, stage="running")
        for call in decision.call:
            self.change(call.run, stage="called", called=call.at)
        return decision

    def settle(self) -> list[QueuedRun]:
        """Decide until nothing is left to do; return the runs that went, in their order."""
        went: list[QueuedRun] = []
        while (decision := self.step()) != Decision(look_again_at=decision.look_again_at):
            went += decision.release
        return went

    def change(self, run: QueuedRun, **fields: Any) -> None:
        """Write fields of a run."""
        known = self.runs[run.uid]
        self.runs[run.uid] = replace(known, version=str(int(known.version) + 1), **fields)

    def end(self, *uids: str) -> None:
        """Let runs end."""
        for uid in uids:
            self.change(self.runs[uid], stage="over")

    def of(self, stage: str, queue: str | None = None) -> list[str]:
        """Names of the runs of a stage, of one queue or of all."""
        return [
            run.name
            for run in self.runs.values()
            if run.stage == stage and queue in (None, run.queue)
        ]
