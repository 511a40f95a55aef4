"""What Kubernetes' Events say of a run when its status changes.

Rules: ``EmitK8sEvents`` in ``pkg/reconciler/events/k8sevent/event.go``, ``ReconcileKind`` of
TaskRuns and PipelineRuns, and knative's reconciler, which tells of the error that ended a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from mltk.tekton.objects import Obj, condition
from mltk.tekton.remote import RESOLVING
from mltk.tekton.verdicts import USER_ERROR

# Reasons of runs that end by an error of the reconciler, not by what their steps or time bring.
_ERRORS = frozenset(
    {
        "CELEvaluationFailed", "CouldntGetPipeline", "CouldntGetPipelineResult", "CouldntGetTask",
        "CreateRunFailed", "InvalidMatrixParameterTypes", "InvalidParamValue",
        "InvalidPipelineResultReference", "InvalidTaskResultReference", "InvalidTaskRunSpecs",
        "InvalidWorkspaceBindings", "ObjectParameterMissKeys", "ParamArrayIndexingInvalid",
        "ParameterMissing", "ParameterTypeMismatch", "PipelineInvalidGraph",
        "PipelineValidationFailed", "PodCreationFailed", "RequiredWorkspaceMarkedOptional",
        "TaskRunResolutionFailed", "TaskRunValidationFailed", "TaskValidationFailed",
    }
)  # fmt: skip
# A run whose tasks lack results has the reason of one that is refused, too.
_NO_ERROR = "Tasks Completed: "
# What a condition says in front of the error itself.
_IN_FRONT = re.compile(
    r"Error retrieving pipeline for pipelinerun [^:]*: "
    r"|Pipeline(?:Run)? \S+/\S+ (?:failed validation: )?[^:]*: "
    r"|Failed to (?:get PipelineResult|apply parameters) [^:]*: "
    r"|Validation failed for pipelinerun \S+ with error "
)


class Happening(NamedTuple):
    """What an Event says."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def happenings(kind: str, before: Obj, after: Obj) -> Iterator[Happening]:
    """What is told of a TaskRun or a PipelineRun of which this was and is the status."""
    old, new = condition({"status": before}), condition({"status": after})
    if new is None:
        return
    begins = bool(after.get("startTime")) and not before.get("startTime")
    if begins or old is None:
        yield Happening("Normal", "Started", "")
    if old is None and not begins:
        return  # it waits for somebody to let it go
    if begins or _told(old) != _told(new):
        yield from _of_condition(kind, new)


def _of_condition(kind: str, found: Obj) -> Iterator[Happening]:
    reason, message = found.get("reason", ""), found.get("message", "")
    if found["status"] == "True":
        yield Happening("Normal", "Succeeded", message)
    elif found["status"] == "False":
        yield Happening("Warning", "Failed", message)
        if reason in _ERRORS and not message.startswith(_NO_ERROR):
            yield Happening("Warning", "InternalError", _error(message))
    # Of a TaskRun that a resolver still works for Tekton says once more that it has started.
    elif reason != "Started" and not (kind == "TaskRun" and reason in RESOLVING):
        yield Happening("Normal", reason, message)


def _told(found: Obj | None) -> Obj | None:
    return found and {key: found.get(key) for key in ("status", "reason", "message")}


def _error(message: str) -> str:
    bare = message.removeprefix(USER_ERROR).lstrip()
    return _IN_FRONT.sub("", bare, count=1) if _IN_FRONT.match(bare) else bare
