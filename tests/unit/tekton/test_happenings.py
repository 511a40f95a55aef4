"""What Events say of runs, as a cluster's said it of the same changes."""

from __future__ import annotations

import pytest

from mltk.tekton.happenings import happenings
from mltk.tekton.objects import Obj

STARTED = ("Normal", "Started", "")


def status(value: str, reason: str, message: str = "m", *, began: bool = True) -> Obj:
    found = {"type": "Succeeded", "status": value, "reason": reason, "message": message}
    return {"conditions": [found], **({"startTime": "t"} if began else {})}


RUNNING = status("Unknown", "Running")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {}, []),
        ({}, RUNNING, [STARTED, ("Normal", "Running", "m")]),
        ({}, status("Unknown", "TaskRunPending", began=False), [STARTED]),
        (status("Unknown", "TaskRunPending", began=False), RUNNING,
         [STARTED, ("Normal", "Running", "m")]),
        (RUNNING, RUNNING, []),
        (RUNNING, status("Unknown", "Running", "n"), [("Normal", "Running", "n")]),
        (RUNNING, status("True", "Completed", "n"), [("Normal", "Succeeded", "n")]),
        (RUNNING, status("False", "StepFailed", "n"), [("Warning", "Failed", "n")]),
        (RUNNING, status("Unknown", "ToBeRetried", "n", began=False),
         [("Normal", "ToBeRetried", "n")]),
        (status("Unknown", "ToBeRetried", began=False), RUNNING,
         [STARTED, ("Normal", "Running", "m")]),
        ({}, status("Unknown", "ResolvingTaskRef"), [STARTED]),
    ],
)  # fmt: skip
def test_a_status_that_changes_is_told(before: Obj, after: Obj, told: list[Obj]) -> None:
    assert list(happenings("TaskRun", before, after)) == told


def test_a_pipeline_run_that_awaits_a_resolver_says_so() -> None:
    found = happenings("PipelineRun", {}, status("Unknown", "ResolvingTaskRef"))
    assert [each.reason for each in found] == ["Started", "ResolvingTaskRef"]


@pytest.mark.parametrize(
    ("reason", "message", "error"),
    [
        ("TaskRunValidationFailed", "[User error] no such thing", "no such thing"),
        ("CouldntGetTask", "Pipeline n/p can't be Run; it contains Tasks that don't exist: gone: x",
         "gone: x"),
        ("CouldntGetPipeline", "Error retrieving pipeline for pipelinerun n/r: gone", "gone"),
        ("ParameterMissing", "[User error] PipelineRun n/r is missing some parameters required by"
         " Pipeline n/p: pipelineRun missing parameters: [a]",
         "pipelineRun missing parameters: [a]"),
        ("ParamArrayIndexingInvalid", "[User error] PipelineRun n/r failed validation: failed to"
         " validate Pipeline n/p's parameter which has an invalid index while referring to an"
         " array: b: c", "b: c"),
        ("InvalidWorkspaceBindings", "[User error] PipelineRun n/r doesn't bind Pipeline n/p's"
         " Workspaces correctly: d", "d"),
        ("PipelineInvalidGraph", "[User error] PipelineRun n/r's Pipeline DAG is invalid: e", "e"),
        ("PipelineValidationFailed", "[User error] Validation failed for pipelinerun r with error"
         " f: g", "f: g"),
        ("CouldntGetPipelineResult", "Failed to get PipelineResult from TaskRun Results for"
         " PipelineRun r: h", "h"),
        ("InvalidTaskResultReference", "invalid result reference in pipeline task \"b\": i",
         "invalid result reference in pipeline task \"b\": i"),
    ],
)  # fmt: skip
def test_an_error_of_the_reconciler_is_told_once_more(
    reason: str, message: str, error: str
) -> None:
    found = list(happenings("PipelineRun", RUNNING, status("False", reason, message)))
    assert found == [("Warning", "Failed", message), ("Warning", "InternalError", error)]


def test_results_that_are_missing_in_the_end_are_no_error() -> None:
    message = "Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1, Failed Validation: 1 (x)"
    ended = status("False", "PipelineValidationFailed", message)
    found = list(happenings("PipelineRun", RUNNING, ended))
    assert found == [("Warning", "Failed", message)]
