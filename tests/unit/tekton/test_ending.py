"""How a PipelineRun ends when someone or the clock wants it to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mltk.tekton.child import CANCELLED_BY_PIPELINE, TIMED_OUT_BY_PIPELINE
from mltk.tekton.reconcile import Cancel

from .tekton_simulation import START, STEPS, Simulation, task

PIPELINE = {"tasks": [task("a"), task("b", after=("a",))], "finally": [task("f")]}


def test_a_pending_run_waits() -> None:
    sim = Simulation(PIPELINE, status="PipelineRunPending")
    sim.step()
    assert (sim.running, sim.reason) == ([], "PipelineRunPending")
    assert "startTime" not in sim.run["status"]
    del sim.run["spec"]["status"]
    assert sim.drive() == "Succeeded"


def test_a_cancel_ends_the_run_at_once_and_runs_no_finally() -> None:
    sim = Simulation(PIPELINE)
    sim.step()
    sim.run["spec"]["status"] = "Cancelled"
    decision = sim.step()
    assert decision.cancel == (Cancel("run-a", CANCELLED_BY_PIPELINE),)
    assert (sim.reason, sim.message) == ("Cancelled", 'PipelineRun "run" was cancelled')
    assert sim.run["status"]["childReferences"][0]["name"] == "run-a"
    sim.end_cancelled()
    assert sim.step().create == ()


@pytest.mark.parametrize("how", ["CancelledRunFinally", "StoppedRunFinally"])
def test_a_graceful_end_runs_finally(how: str) -> None:
    sim = Simulation(PIPELINE)
    sim.step()
    sim.run["spec"]["status"] = how
    decision = sim.step()
    assert bool(decision.cancel) == (how == "CancelledRunFinally")
    assert sim.reason == how.replace("Run", "Running")
    if decision.cancel:
        sim.end_cancelled()
    else:
        sim.finish("a")
    sim.step()
    assert sim.running == ["f"]
    sim.finish("f")
    sim.step()
    assert sim.reason == "Cancelled"
    expected = {
        # The cancelled TaskRun is a failure, so the run was stopping before anything else.
        "CancelledRunFinally": "PipelineRun was stopping",
        "StoppedRunFinally": "PipelineRun was gracefully stopped",
    }
    assert sim.skipped == {"b": expected[how]}


def test_a_task_cancelled_by_its_user_cancels_the_run() -> None:
    sim = Simulation({"tasks": [task("a"), task("b", after=("a",))]})
    sim.step()
    sim.finish("a", ok=False, reason="TaskRunCancelled")
    sim.step()
    assert sim.reason == "Cancelled"
    assert sim.message == "Tasks Completed: 1 (Failed: 0, Cancelled 1), Skipped: 1"


def test_the_run_takes_an_hour_unless_it_says_otherwise() -> None:
    sim = Simulation(PIPELINE)
    assert sim.step().wake_at == START + timedelta(hours=1)
    decision = sim.step(3600)
    assert decision.cancel == (Cancel("run-a", TIMED_OUT_BY_PIPELINE),)
    assert sim.reason == "PipelineRunTimeout"
    assert sim.message == 'PipelineRun "run" failed to finish within "1h0m0s"'
    assert sim.skipped == {}  # `b` still waits for `a`, so it is not yet its turn to be skipped


def test_zero_is_no_limit() -> None:
    sim = Simulation(PIPELINE, timeouts={"pipeline": "0"})
    assert sim.step().wake_at is None
    sim.step(10**7)
    assert sim.running == ["a"]


def test_tasks_out_of_time_leave_finally_its_own() -> None:
    sim = Simulation(PIPELINE, timeouts={"pipeline": "30m", "finally": "10m"})
    assert sim.step().wake_at == START + timedelta(minutes=20)
    decision = sim.step(1200)
    assert decision.cancel == (Cancel("run-a", TIMED_OUT_BY_PIPELINE),)
    assert sim.reason == "PipelineRunTimeoutRunningFinally"
    sim.end_cancelled()
    assert sim.step(5).wake_at == START + timedelta(minutes=30)
    assert sim.running == ["f"]
    sim.finish("f")
    sim.step()
    assert sim.reason == "PipelineRunTimeout"
    assert sim.message == ('PipelineRun "run" failed due to tasks failed to finish within "20m0s"')
    assert sim.skipped == {"b": "PipelineRun was stopping"}


def test_time_that_finally_takes_is_not_time_of_the_tasks() -> None:
    sim = Simulation(PIPELINE, timeouts={"pipeline": "30m", "tasks": "10m", "finally": "20m"})
    sim.step()
    sim.finish("a")
    sim.step(60)
    sim.finish("b")
    sim.step(60)
    sim.finish("f")
    sim.step(900)
    assert sim.reason == "Succeeded"


def test_finally_out_of_time_fails_the_run() -> None:
    sim = Simulation(PIPELINE, timeouts={"pipeline": "30m", "finally": "10m"})
    sim.step()
    sim.finish("a")
    sim.step()
    sim.finish("b")
    assert sim.step(60).wake_at == START + timedelta(seconds=660)
    decision = sim.step(600)
    assert decision.cancel == (Cancel("run-f", TIMED_OUT_BY_PIPELINE),)
    sim.end_cancelled()
    sim.step()
    assert sim.reason == "Failed"
    assert sim.message == "Tasks Completed: 3 (Failed: 1, Cancelled 0), Skipped: 0"


@pytest.mark.parametrize(
    ("own", "spec", "timeouts", "expected"),
    [
        (None, None, None, "1h0m0s"),
        ("5m", None, None, "5m0s"),
        ("5m", "90s", None, "1m30s"),
        ("0", None, None, "0s"),
        (None, None, {"pipeline": "3h", "tasks": "2h"}, "2h0m0s"),
        (None, None, {"pipeline": "1h", "tasks": "20m"}, "1h0m0s"),
        (None, None, {"pipeline": "0", "tasks": "0"}, "0s"),
    ],
)
def test_the_timeout_of_a_task(own: str, spec: str, timeouts: object, expected: str) -> None:
    run = {"timeouts": timeouts} if timeouts else {}
    if spec:
        run["taskRunSpecs"] = [{"pipelineTaskName": "a", "timeout": spec}]
    sim = Simulation({"tasks": [task("a", **({"timeout": own} if own else {}))]}, **run)
    sim.step()
    assert sim.task_runs["a"]["spec"]["timeout"] == expected


def test_results_of_the_run_come_from_what_ran() -> None:
    tasks = {"producer": {"steps": STEPS, "results": [{"name": "r"}, {"name": "q"}]}}
    a = task("a", taskRef={"name": "producer"}, onError="continue")
    b = task(
        "b", taskRef={"name": "producer"}, when=[{"input": "", "operator": "in", "values": ["x"]}]
    )
    pipeline = {
        "tasks": [a, b],
        "results": [
            {"name": "from-failed", "value": "<$(tasks.a.results.r)>"},
            {"name": "not-written", "value": "$(tasks.a.results.q)"},
            {"name": "skipped", "value": "$(tasks.b.results.r)"},
        ],
    }
    sim = Simulation(pipeline, tasks)
    sim.step()
    sim.finish("a", ok=False, results={"r": "1"})
    sim.step()
    assert sim.results == {"from-failed": "<1>"}
    assert sim.reason == "Completed"


def test_results_of_the_run_have_parts_and_types() -> None:
    declared = [{"name": "l", "type": "array"}, {"name": "o", "properties": {"k": {}}}]
    tasks = {"producer": {"steps": STEPS, "results": declared}}
    values = {
        "second": "$(tasks.a.results.l[1])",
        "whole": "$(tasks.a.results.l[*])",
        "key": "$(tasks.a.results.o.k)",
        "final": "$(finally.f.results.l[*])",
        "beyond": "$(tasks.a.results.l[2])",
    }
    pipeline = {
        "tasks": [task("a", taskRef={"name": "producer"})],
        "finally": [task("f", taskRef={"name": "producer"})],
        "results": [{"name": name, "value": value} for name, value in values.items()],
    }
    sim = Simulation(pipeline, tasks)
    for name in ("a", "f"):
        sim.step()
        sim.finish(name)
        sim.task_runs[name]["status"]["results"] = [
            {"name": "l", "type": "array", "value": ["1", "2"]},
            {"name": "o", "type": "object", "value": {"k": "v"}},
        ]
    sim.step()
    assert sim.results == {"second": "2", "whole": ["1", "2"], "key": "v", "final": ["1", "2"]}
    assert sim.reason == "CouldntGetPipelineResult"
    assert "invalid pipelineresults [beyond]" in sim.message


def test_a_result_that_a_good_task_did_not_write_fails_the_run() -> None:
    tasks = {"producer": {"steps": STEPS, "results": [{"name": "r"}]}}
    pipeline = {
        "tasks": [task("a", taskRef={"name": "producer"})],
        "results": [{"name": "out", "value": "$(tasks.a.results.r)"}],
    }
    sim = Simulation(pipeline, tasks)
    assert sim.drive() == "CouldntGetPipelineResult"
    assert "invalid pipelineresults [out], the referenced results don't exist" in sim.message


def test_a_run_that_ended_stays_as_it_is() -> None:
    sim = Simulation(PIPELINE)
    sim.drive()
    before = sim.run["status"]
    decision = sim.step(10**6)
    assert (decision.status, decision.create, decision.wake_at) == (before, (), None)
