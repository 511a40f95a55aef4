"""What the tasks of a run have become, down to the runs within it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mltk.tekton.api import Backend
from mltk.tekton.labels import PIPELINE_RUN, PIPELINE_TASK
from mltk.tekton.objects import Obj, labels_of, name_of, namespace_of, status_of


@dataclasses.dataclass(frozen=True)
class Part:
    """What was made for a task.

    `task` tells it from others of its run: `fan-0` is of the matrix `fan`, `inner/deep` is the task
    `deep` of the run that the task `inner` is. `within` is `inner/` there. `task` is empty for a
    TaskRun of its own.
    """

    obj: Obj
    task: str
    within: str = ""

    def is_of(self, task: str) -> bool:
        """Whether somebody who names `task` means this one, too."""
        whole = self.within + labels_of(self.obj).get(PIPELINE_TASK, "")
        return task in (self.task, whole) or self.task.startswith(f"{task}/")


def part(obj: Obj, within: str = "") -> Part:
    """Return an object as the part of the run that its labels name."""
    return Part(obj, within + task_of(obj), within)


def task_of(obj: Obj) -> str:
    """The task that an object was made for, with the number of its combination of a matrix."""
    labels = labels_of(obj)
    task = labels.get(PIPELINE_TASK, "")
    own = name_of(obj).removeprefix(f"{labels.get(PIPELINE_RUN, '')}-")
    return own if re.fullmatch(rf"{re.escape(task)}-\d+", own) and task else task


def parts(backend: Backend, run: Obj, within: str = "") -> Iterator[Part]:
    """What a run consists of, runs within it followed by what these consist of."""
    for each in direct_parts(backend, run, within):
        yield each
        if each.obj["kind"] == "PipelineRun":
            yield from parts(backend, each.obj, f"{each.task}/")


def direct_parts(backend: Backend, run: Obj, within: str = "") -> list[Part]:
    """What a PipelineRun has made, TaskRuns first, oldest first; a TaskRun is its own part."""
    if run["kind"] != "PipelineRun":
        return [part(run)]
    labels, namespace = {PIPELINE_RUN: name_of(run)}, namespace_of(run)
    known = {each.get("kind") for each in status_of(run).get("childReferences") or ()}
    # Who has none of the other kinds is not asked for the right to list them.
    kinds = ("TaskRun", *(kind for kind in ("CustomRun", "PipelineRun") if kind in known))
    return [part(obj, within) for kind in kinds for obj in backend.list(kind, namespace, labels)]


def task_runs(backend: Backend, run: Obj) -> Iterator[Part]:
    """The TaskRuns of a run and of the runs within it."""
    return (each for each in parts(backend, run) if each.obj["kind"] == "TaskRun")
