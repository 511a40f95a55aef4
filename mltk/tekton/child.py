"""What a PipelineRun has made for its tasks, as their Pipeline sees it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from mltk.tekton import objects
from mltk.tekton.childkinds import MANNERS, message_for
from mltk.tekton.labels import PIPELINE_TASK
from mltk.tekton.objects import Obj, name_of, spec_of, status_of
from mltk.tekton.params import read_value
from mltk.tekton.substitution import Value

CANCELLED_BY_PIPELINE = "TaskRun cancelled as the PipelineRun it belongs to has been cancelled."
TIMED_OUT_BY_PIPELINE = "TaskRun cancelled as the PipelineRun it belongs to has timed out."


@dataclass(frozen=True)
class Child:
    """The TaskRun (or CustomRun, or PipelineRun) of a task, as Tekton classifies it."""

    obj: Obj
    task: str  # of the Pipeline
    status: str  # True, False or Unknown, of the condition Succeeded
    reason: str

    @classmethod
    def of(cls, task_run: Obj) -> Child:
        """Read a TaskRun; one without a condition has just been made."""
        found = objects.condition(task_run) or {}
        labels = (task_run.get("metadata") or {}).get("labels") or {}
        task = labels.get(PIPELINE_TASK, "")
        return cls(task_run, task, found.get("status", "Unknown"), found.get("reason", ""))

    @property
    def kind(self) -> str:
        """TaskRun, CustomRun or PipelineRun."""
        return str(self.obj.get("kind", "TaskRun"))

    @property
    def members(self) -> tuple[Child, ...]:
        """Itself: a task that does not fan out has one TaskRun."""
        return (self,)

    @cached_property
    def succeeded(self) -> bool:
        """It ended well."""
        return self.status == "True"

    @cached_property
    def failed(self) -> bool:
        """It ended badly, for whatever reason."""
        return self.status == "False"

    @cached_property
    def done(self) -> bool:
        """It ended."""
        return self.status != "Unknown"

    @property
    def cancelled(self) -> bool:
        """It was cancelled, by a user or by its PipelineRun."""
        return self.failed and self.reason == MANNERS[self.kind].reason

    @property
    def cancelled_for_timeout(self) -> bool:
        """It was cancelled because the PipelineRun ran out of time: Tekton counts a failure."""
        by = spec_of(self.obj).get("statusMessage")
        return self.cancelled and by == message_for(self.kind, TIMED_OUT_BY_PIPELINE)

    @cached_property
    def results(self) -> Mapping[str, Value]:
        """Results that it wrote, whether it failed or not, once it has ended.

        Those of a CustomRun are texts; one that is a list in JSON is taken for that list. Those of
        a PipelineRun stay in it.
        """
        if self.kind == "PipelineRun":
            return {}
        read = _list_or_text if self.kind == "CustomRun" else read_value
        found = status_of(self.obj).get("results") or ()
        return {each["name"]: read(each.get("value")) for each in found}

    @cached_property
    def reference(self) -> Obj:
        """The entry in ``childReferences`` of a task that shows no more than its name."""
        return reference(self.obj, self.task)


@dataclass(frozen=True)
class Fan:
    """The TaskRuns of a task that fans out, as Tekton classifies all of them together.

    `members` are in the order in which Tekton keeps them: by name, -10 before -2.
    """

    members: tuple[Child, ...]

    @classmethod
    def of(cls, members: Iterable[Child]) -> Fan:
        """Put TaskRuns together."""
        return cls(tuple(sorted(members, key=lambda each: name_of(each.obj))))

    @property
    def kind(self) -> str:
        """TaskRun, CustomRun or PipelineRun."""
        return self.members[0].kind

    @property
    def succeeded(self) -> bool:
        """All ended well."""
        return all(each.succeeded for each in self.members)

    @property
    def failed(self) -> bool:
        """All ended, and not all well."""
        return self.done and not self.succeeded

    @cached_property
    def done(self) -> bool:
        """All ended."""
        return all(each.done for each in self.members)

    @property
    def cancelled(self) -> bool:
        """All ended, one of them by a cancel."""
        return self.done and any(each.cancelled for each in self.members)

    @property
    def cancelled_for_timeout(self) -> bool:
        """All ended, one of them because the PipelineRun ran out of time."""
        return self.done and any(each.cancelled_for_timeout for each in self.members)

    @property
    def reason(self) -> str:
        """The reason of the first that did not end well, else of the first."""
        broken = (each for each in self.members if not each.succeeded and each.reason)
        return next(broken, self.members[0]).reason

    @cached_property
    def results(self) -> Mapping[str, Value]:
        """Each result as a list of those that wrote it; what is no text is empty in it."""
        found: dict[str, list[str]] = {}
        for each in self.members:
            for name, value in each.results.items():
                found.setdefault(name, []).append(value if isinstance(value, str) else "")
        return {**found}


Standing = Child | Fan


def reference(task_run: Obj, task: str) -> Obj:
    """An entry of ``childReferences``."""
    kind = task_run.get("kind", "TaskRun")
    return {
        "apiVersion": MANNERS[kind].api_version,
        "kind": kind,
        "name": name_of(task_run),
        "pipelineTaskName": task,
    }


def _list_or_text(raw: object) -> Value:
    try:
        found = json.loads(str(raw))
    except ValueError:
        return str(raw)
    texts = isinstance(found, list) and all(isinstance(each, str) for each in found)
    return found if texts and found else str(raw)
