"""Which tasks run, which are skipped and why: Tekton's order of reasons."""

from __future__ import annotations

import pytest

from .tekton_simulation import STEPS, Simulation, param, task, when

PRODUCER = {"steps": STEPS, "results": [{"name": "r"}]}
CONSUMER = {"steps": STEPS, "params": [{"name": "x"}]}
TASKS = {"producer": PRODUCER, "consumer": CONSUMER}


def producer(name: str = "a", **fields: object) -> dict[str, object]:
    return task(name, **{"taskRef": {"name": "producer"}, **fields})


def consumer(name: str = "b", source: str = "a", **fields: object) -> dict[str, object]:
    value = f"$(tasks.{source}.results.r)"
    return task(name, **{"taskRef": {"name": "consumer"}, "params": [param("x", value)], **fields})


def test_tasks_start_when_all_that_they_run_after_has_ended() -> None:
    sim = Simulation({"tasks": [task("a"), task("b"), task("c", after=("a", "b"))]})
    sim.step()
    assert sim.running == ["a", "b"]
    sim.finish("a")
    sim.step()
    assert sim.running == ["b"]
    sim.finish("b")
    sim.step()
    assert sim.running == ["c"]
    assert sim.message == "Tasks Completed: 2 (Failed: 0, Cancelled 0), Incomplete: 1, Skipped: 0"
    sim.finish("c")
    sim.step()
    assert (sim.reason, sim.skipped) == ("Succeeded", {})
    assert sim.message == "Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0"


def test_a_skipped_task_makes_the_run_completed() -> None:
    sim = Simulation({"tasks": [task("a", when=when("x", "y")), task("b")]})
    assert sim.drive() == "Completed"
    assert sim.skipped == {"a": "When Expressions evaluated to false"}
    assert sim.message == "Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1"


def test_a_parent_skipped_by_its_when_does_not_skip_what_runs_after_it() -> None:
    sim = Simulation({"tasks": [task("a", when=when("x", "y")), task("b", after=("a",))]})
    sim.drive()
    assert sim.order == ["b"]


def test_a_result_of_a_task_skipped_by_its_when_is_missing_and_skips_on() -> None:
    pipeline = {"tasks": [producer(when=when("x", "y")), consumer(), task("c", after=("b",))]}
    sim = Simulation(pipeline, TASKS)
    assert sim.drive() == "Completed"
    assert sim.skipped == {
        "a": "When Expressions evaluated to false",
        "b": "Results were missing",
        "c": "Parent Tasks were skipped",
    }


def test_when_is_judged_before_missing_results() -> None:
    guarded = consumer(when=when("$(tasks.a.results.r)", "go"))
    sim = Simulation({"tasks": [producer(when=when("x", "y")), guarded]}, TASKS)
    sim.drive()
    assert sim.skipped["b"] == "When Expressions evaluated to false"


def test_a_when_sees_results() -> None:
    guarded = task("b", when=when("$(tasks.a.results.r)", "go"))
    sim = Simulation({"tasks": [producer(), guarded]}, TASKS)
    sim.step()
    sim.finish("a", results={"r": "go"})
    sim.step()
    assert sim.running == ["b"]
    shown = sim.run["status"]["childReferences"][1]["whenExpressions"]
    assert shown == when("go", "go")


def test_a_failure_stops_the_run_what_runs_goes_on() -> None:
    sim = Simulation(
        {"tasks": [task("a"), task("b"), task("c", after=("a",), when=when("1", "2"))]}
    )
    sim.step()
    sim.finish("a", ok=False)
    sim.step()
    assert (sim.running, sim.reason) == (["b"], "PipelineRunStopping")
    sim.finish("b")
    sim.step()
    assert sim.reason == "Failed"
    # Stopping comes before the task's own `when`.
    assert sim.skipped == {"c": "PipelineRun was stopping"}
    assert sim.message == "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1"


def test_a_failure_that_is_ignored_lets_the_run_go_on() -> None:
    sim = Simulation({"tasks": [task("a", onError="continue"), task("b", after=("a",))]})
    assert sim.drive(lambda name: name != "a") == "Succeeded"
    assert sim.message == "Tasks Completed: 2 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0"
    annotations = sim.task_runs["a"]["metadata"]["annotations"]
    assert annotations["pipeline.tekton.dev/pipeline-task-on-error"] == "continue"


def test_a_result_that_a_good_task_did_not_write_fails_the_run() -> None:
    sim = Simulation({"tasks": [producer(), consumer(), task("c", after=("b",))]}, TASKS)
    sim.step()
    sim.finish("a")
    sim.step()
    assert sim.reason == "PipelineValidationFailed"
    assert sim.message == (
        "Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1, Failed Validation: 1 "
        '(task "a" completed successfully but did not emit the result "r", which is referenced '
        'by task "b")'
    )
    assert sim.skipped == {"c": "PipelineRun was stopping"}


def test_a_missing_result_skips_a_task_whose_failure_is_ignored() -> None:
    sim = Simulation({"tasks": [producer(), consumer(onError="continue")]}, TASKS)
    sim.step()
    sim.finish("a")
    sim.step()
    assert (sim.reason, sim.skipped) == ("Completed", {"b": "Results were missing"})


def test_a_result_of_a_task_that_failed_can_be_used() -> None:
    sim = Simulation({"tasks": [producer(onError="continue"), consumer()]}, TASKS)
    sim.step()
    sim.finish("a", ok=False, results={"r": "1"})
    sim.step()
    assert sim.params_of("b") == {"x": "1"}


def test_finally_runs_after_a_failure_and_knows_what_happened() -> None:
    text = "$(tasks.a.status) $(tasks.a.reason) $(tasks.b.status) $(tasks.status)"
    final = task("f", taskRef={"name": "consumer"}, params=[param("x", text)])
    sim = Simulation({"tasks": [task("a"), task("b", after=("a",))], "finally": [final]}, TASKS)
    sim.step()
    sim.finish("a", ok=False)
    sim.step()
    assert sim.params_of("f") == {"x": "Failed StepFailed None Failed"}
    assert "finallyStartTime" in sim.run["status"]
    assert sim.reason == "Running"
    sim.finish("f")
    sim.step()
    assert sim.reason == "Failed"


def test_the_status_of_all_tasks_counts_an_ignored_failure() -> None:
    final = task("f", taskRef={"name": "consumer"}, params=[param("x", "$(tasks.status)")])
    sim = Simulation({"tasks": [task("a", onError="continue")], "finally": [final]}, TASKS)
    sim.step()
    sim.finish("a", ok=False)
    sim.step()
    assert sim.params_of("f") == {"x": "Failed"}


def test_tasks_of_finally_are_skipped_by_missing_results_and_by_their_when() -> None:
    finals = [
        consumer("f"),
        task("g", when=when("$(tasks.a.status)", "Failed")),
        task("h", when=when("$(tasks.status)", "Completed")),
    ]
    pipeline = {"tasks": [producer(when=when("x", "y"))], "finally": finals}
    sim = Simulation(pipeline, TASKS)
    assert sim.drive() == "Completed"
    assert sim.order == ["h"]
    assert sim.skipped["f"] == "Results were missing"
    assert sim.skipped["g"] == "When Expressions evaluated to false"


@pytest.mark.parametrize(
    ("script", "shown"),
    [("echo $(params.x)", "told"), ("exit 0", "$(tasks.tells.results.r)")],
    ids=["used in a step", "used as a param only"],
)
def test_a_task_skipped_for_one_result_shows_those_that_another_task_used(
    script: str, shown: str
) -> None:
    uses = {"steps": [{"image": "x", "script": script}], "params": [{"name": "x"}]}
    told = "$(tasks.tells.results.r)"
    other = when(told, "other", operator="notin")
    pipeline = {
        "params": [{"name": "x", "default": "of the run"}],
        "tasks": [
            producer("never", when=when("x", "y")),
            producer("tells"),
            task("uses", taskSpec=uses, taskRef=None, params=[param("x", told)]),
            consumer("lacks", "never", runAfter=["uses"], when=other),
        ],
    }
    sim = Simulation(pipeline, TASKS)
    sim.step()
    sim.finish("tells", results={"r": "told"})
    sim.step()
    sim.finish("uses")
    sim.step()
    assert sim.skipped["lacks"] == "Results were missing"
    entry = next(each for each in sim.run["status"]["skippedTasks"] if each["name"] == "lacks")
    assert entry["whenExpressions"][0]["input"] == shown
