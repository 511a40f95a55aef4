"""The status of a TaskRun while its steps run and end, as Tekton would write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mltk.tekton.objects import Obj


@dataclass(frozen=True)
class StepState:
    """How a step stands; no `started_at`: waiting; no `exit_code`: running.

    `ended_by` says what ended it: itself, its own timeout, or that an earlier step failed
    (``skipped``), the TaskRun's cancel or timeout.
    """

    name: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    on_error: str = "stopAndFail"
    ended_by: Literal["itself", "timeout", "skipped", "cancel"] = "itself"
    log: str = ""


def timeout_of(task_run: Obj) -> float | None:
    """Seconds that one attempt may take; None when there is no limit."""
    raise NotImplementedError


def started(task_run: Obj, task_spec: Obj, now: datetime) -> Obj:
    """The status of a TaskRun whose attempt begins now; keeps `retriesStatus`."""
    raise NotImplementedError


def running(status: Obj, steps: Sequence[StepState], now: datetime) -> Obj:
    """The status while steps run."""
    raise NotImplementedError


def finished(
    task_run: Obj, status: Obj, steps: Sequence[StepState], results: Sequence[Obj], now: datetime
) -> Obj:
    """The status of an attempt whose steps have all ended by themselves or by step timeout."""
    raise NotImplementedError


def rejected(status: Obj, reason: str, message: str, now: datetime) -> Obj:
    """The status of a TaskRun that cannot run or whose results cannot be taken (no retry)."""
    raise NotImplementedError


def cancelled(task_run: Obj, status: Obj, steps: Sequence[StepState], now: datetime) -> Obj:
    """The status of a TaskRun that was cancelled (no retry)."""
    raise NotImplementedError


def timed_out(task_run: Obj, status: Obj, steps: Sequence[StepState], now: datetime) -> Obj:
    """The status of an attempt that took longer than `timeout_of`."""
    raise NotImplementedError


def retries_left(task_run: Obj, status: Obj) -> int:
    """How often a TaskRun with this failed status may start again; 0 after cancel or rejection."""
    raise NotImplementedError


def retried(status: Obj, now: datetime) -> Obj:
    """The status between two attempts: the failed one archived in `retriesStatus`, ToBeRetried."""
    raise NotImplementedError
