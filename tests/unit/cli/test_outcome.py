"""From objects to exit codes and last words."""

from __future__ import annotations

import json

import pytest

from mltk.cli.outcome import exit_code, last_words, outcome
from mltk.cli.parts import part

from .conftest import pipeline_run, task_run

WITHIN = {"tekton.dev/pipelineRun": "talk-abcde", "tekton.dev/pipelineTask": "inner"}


def _results(**values: str) -> dict[str, object]:
    return {"results": [{"name": n.replace("_", "-"), "value": v} for n, v in values.items()]}


def test_a_passed_model() -> None:
    found = outcome(
        pipeline_run(
            reason="Completed",
            labels={"mltk.dev/model": "wine"},
            spec={"params": [{"name": "tracking-uri", "value": "sqlite:////x"}]},
            status=_results(
                verdict="pass", model_version="3", metrics=json.dumps({"rmse": 0.5, "r2": 0.9})
            ),
        ),
        [],
    )
    assert (found.model, found.verdict, found.version, found.exit_code) == ("wine", "pass", "3", 0)
    assert next(iter(found.metrics)) == "rmse"
    assert found.tracking_uri == "sqlite:////x"


def test_a_refused_model_ends_with_4() -> None:
    found = outcome(
        pipeline_run(
            reason="Completed", status=_results(verdict="fail", reason="rmse 2 exceeds 1")
        ),
        [],
    )
    assert (found.exit_code, found.reason) == (4, "rmse 2 exceeds 1")


@pytest.mark.parametrize(("step", "code"), [(1, 1), (2, 1), (3, 3), (4, 1), (5, 5), (137, 1)])
def test_the_code_of_a_failing_step(step: int, code: int) -> None:
    failed = task_run("talk-abcde-first", "first", "Failed", exit_code=step)
    found = outcome(pipeline_run(reason="Failed"), [part(failed)])
    assert found.exit_code == code
    assert found.failure is not None
    assert (found.failure.task, found.failure.step) == ("first", "speak")


def test_the_task_that_failed_first_is_to_blame() -> None:
    first = task_run("x-gate", "gate", "Failed", exit_code=5)
    last = task_run("x-report", "report", "Failed", exit_code=1)
    last["status"]["completionTime"] = "2026-01-01T00:09:00Z"
    found = outcome(pipeline_run(reason="Failed"), [part(last), part(first)])
    assert found.failure is not None
    assert found.failure.task == "gate"


def test_a_task_of_a_run_within_is_to_blame_for_that_run() -> None:
    inner = pipeline_run("talk-abcde-inner", "Failed", labels=WITHIN)
    deep = task_run("talk-abcde-inner-deep", "deep", "Failed", exit_code=3)
    found = outcome(pipeline_run(reason="Failed"), [part(inner), part(deep, "inner/")])
    assert found.failure is not None
    assert (found.failure.task, found.failure.step) == ("inner/deep", "speak")


def test_a_run_within_that_has_no_tasks_is_to_blame_itself() -> None:
    inner = pipeline_run("talk-abcde-inner", "Failed", labels=WITHIN)
    found = outcome(pipeline_run(reason="Failed"), [part(inner)])
    assert found.failure is not None
    assert (found.failure.task, found.failure.message) == ("inner", "as it went")


def test_a_run_that_no_task_made_fail() -> None:
    found = outcome(pipeline_run(reason="CouldntGetPipeline"), [])
    assert found.exit_code == 1
    assert found.failure is not None
    assert found.failure.message == "as it went"


def test_several_runs() -> None:
    passed = outcome(pipeline_run(), [])
    refused = outcome(pipeline_run(status=_results(verdict="fail")), [])
    failed = part(task_run("t", "t", "Failed", exit_code=5))
    broken = outcome(pipeline_run(reason="Failed"), [failed])
    assert exit_code([]) == 0
    assert exit_code([passed, passed]) == 0
    assert exit_code([passed, refused]) == 4
    assert exit_code([refused, broken]) == 5


def test_last_words_begin_with_the_last_error() -> None:
    log = ["loading", "error: one", "retrying", "error: two", "where: row 3", "hint: fix it"]
    assert last_words(log) == ["error: two", "where: row 3", "hint: fix it"]
    assert last_words([str(i) for i in range(9)]) == ["4", "5", "6", "7", "8"]
