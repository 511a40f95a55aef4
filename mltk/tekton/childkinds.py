"""What a task of a Pipeline makes: TaskRuns, CustomRuns for others to run, or PipelineRuns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mltk.tekton.kinds import TEKTON_V1
from mltk.tekton.objects import Obj

ChildKind = Literal["TaskRun", "CustomRun", "PipelineRun"]


@dataclass(frozen=True)
class Manner:
    """How a kind is named and cancelled: ``spec.status``, and the reason when it has ended so.

    `told` kinds get a ``spec.statusMessage`` as well.
    """

    api_version: str
    asked: str
    reason: str
    told: bool = True


CUSTOM_RUN_API = "tekton.dev/v1beta1"
MANNERS: dict[str, Manner] = {
    "TaskRun": Manner(TEKTON_V1, "TaskRunCancelled", "TaskRunCancelled"),
    "CustomRun": Manner(CUSTOM_RUN_API, "RunCancelled", "CustomRunCancelled"),
    # Tekton counts one that was cancelled as failed.
    "PipelineRun": Manner(TEKTON_V1, "Cancelled", "", told=False),
}


def child_kind(task: Obj) -> ChildKind:
    """What a PipelineTask makes (``IsCustomTask``, ``IsChildPipeline`` of Tekton)."""
    if task.get("pipelineRef") or task.get("pipelineSpec"):
        return "PipelineRun"
    for found in (task.get("taskRef"), task.get("taskSpec")):
        if found and found.get("apiVersion") and (found.get("kind") or is_defaulted(task, found)):
            return "CustomRun"
    return "TaskRun"


def is_defaulted(task: Obj, holder: Obj) -> bool:
    """Whether Tekton's webhook writes the kind Task into a reference (``SetDefaults``)."""
    return holder is task.get("taskRef") and not holder.get("kind") and not holder.get("resolver")


def message_for(kind: str, message: str) -> str:
    """What Tekton tells a child of that kind in place of a TaskRun's message."""
    return message.replace("TaskRun", kind, 1)
