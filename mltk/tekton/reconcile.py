"""A PipelineRun and its TaskRuns -> what happens next. Pure, deterministic and total."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mltk.tekton.objects import Obj


@dataclass(frozen=True)
class Decision:
    """What is to be done now for a PipelineRun.

    `create` are complete TaskRuns; `cancel` are (name, message) of TaskRuns that get
    ``spec.status: TaskRunCancelled`` and ``spec.statusMessage``; `status` replaces the status of
    the run; `wake_at` is the next moment at which time alone changes the answer.
    """

    status: Obj
    create: tuple[Obj, ...] = ()
    cancel: tuple[tuple[str, str], ...] = ()
    wake_at: datetime | None = None


def reconcile(
    run: Obj,
    pipeline_spec: Obj,
    task_runs: Sequence[Obj],
    now: datetime,
    *,
    task_spec: Callable[[str], Obj],
) -> Decision:
    """Decide what happens next in `run`.

    `pipeline_spec` is the Pipeline's spec (the embedded one for a run that holds it), `task_runs`
    are all TaskRuns of the run as they are in the store, `task_spec` gives the spec of a Task by
    name and raises NotFound. What is wrong with the run becomes its failed status.
    """
    raise NotImplementedError
