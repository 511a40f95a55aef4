"""Tasks that make no TaskRuns: those that others run, and Pipelines in Pipelines."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.errors import AdmissionError, NotFound
from mltk.tekton.admission import admit
from mltk.tekton.config import Config, FeatureFlags
from mltk.tekton.defaults import with_defaults
from mltk.tekton.plan import Surroundings
from mltk.tekton.reconcile import Cancel

from .tekton_simulation import STEPS, Simulation, param, task, when

Obj = dict[str, Any]
ALPHA = Config(FeatureFlags(api_fields="alpha"))
WAIT = {"apiVersion": "wait.dev/v1", "kind": "Wait", "name": "w"}
INNER: Obj = {"tasks": [{"name": "i", "taskSpec": {"steps": STEPS}}]}


def custom(name: str, **fields: Any) -> Obj:
    return {"name": name, "taskRef": WAIT, **fields}


def nested(name: str, **fields: Any) -> Obj:
    return {"name": name, "pipelineSpec": INNER, **fields}


# Others


def test_a_custom_run_is_made_and_waited_for() -> None:
    sim = Simulation(
        {
            "tasks": [
                custom("c", params=[param("for", "1s")], retries=2, timeout="5m"),
                task("uses", params=[param("p", "$(tasks.c.results.word)")]),
            ],
            "results": [{"name": "word", "value": "$(tasks.c.results.word)"}],
        },
        taskRunSpecs=[{"pipelineTaskName": "c", "serviceAccountName": "bot"}],
    )
    sim.run["metadata"]["labels"] = {"mine": "yes"}
    sim.step()
    made = sim.task_runs["c"]
    assert made["apiVersion"] == "tekton.dev/v1beta1"
    assert made["kind"] == "CustomRun"
    assert made["metadata"]["name"] == "run-c"
    assert made["metadata"]["labels"] == {
        "mine": "yes",
        "tekton.dev/pipeline": "pipe",
        "tekton.dev/pipelineRun": "run",
        "tekton.dev/pipelineRunUID": "u-1",
        "tekton.dev/pipelineTask": "c",
        "tekton.dev/memberOf": "tasks",
    }
    assert made["spec"] == {
        "customRef": WAIT,
        "params": [param("for", "1s")],
        "retries": 2,
        "serviceAccountName": "bot",
        "timeout": "5m0s",
    }
    assert sim.run["status"]["childReferences"] == [
        {
            "apiVersion": "tekton.dev/v1beta1",
            "kind": "CustomRun",
            "name": "run-c",
            "pipelineTaskName": "c",
        }
    ]
    sim.finish("c", results={"word": "hi"})
    sim.step()
    assert sim.params_of("uses") == {"p": "hi"}
    sim.drive()
    assert (sim.reason, sim.results) == ("Succeeded", {"word": "hi"})


def test_what_is_embedded_goes_to_the_controller_as_it_is() -> None:
    spec = {"apiVersion": "wait.dev/v1", "kind": "Wait", "spec": {"for": "$(params.x)"}}
    sim = Simulation({"tasks": [{"name": "c", "taskSpec": spec}]})
    sim.step()
    assert sim.task_runs["c"]["spec"] == {"customSpec": spec, "serviceAccountName": "default"}


def test_a_list_in_json_is_a_list_for_other_tasks() -> None:
    uses = task("u", params=[param("l", "$(tasks.c.results.l[*])")])
    sim = Simulation({"tasks": [custom("c"), uses]})
    sim.step()
    sim.finish("c", results={"l": '["a", "b"]'})
    sim.step()
    assert sim.params_of("u") == {"l": ["a", "b"]}


def test_custom_runs_fan_out() -> None:
    over = {"params": [param("x", ["1", "2"])]}
    sim = Simulation({"tasks": [custom("c", matrix=over)]})
    sim.step()
    assert sim.order == ["c-0", "c-1"]
    assert sim.params_of("c-1") == {"x": "2"}


def test_without_a_controller_it_lasts_until_the_run_is_over_its_time() -> None:
    sim = Simulation({"tasks": [custom("c")]}, timeouts={"pipeline": "1h"})
    sim.step()
    sim.step(3599)
    assert sim.reason == "Running"
    decision = sim.step(1)
    why = "CustomRun cancelled as the PipelineRun it belongs to has timed out."
    assert decision.cancel == (Cancel("run-c", why, "CustomRun"),)
    assert decision.cancel[0].patch == {"spec": {"status": "RunCancelled", "statusMessage": why}}
    assert sim.reason == "PipelineRunTimeout"


def test_one_that_was_cancelled_counts_as_cancelled() -> None:
    sim = Simulation({"tasks": [custom("c"), custom("d", onError="continue")]})
    sim.step()
    sim.run["spec"]["status"] = "CancelledRunFinally"
    assert {each.kind for each in sim.step().cancel} == {"CustomRun"}
    sim.finish("c", "d", ok=False, reason="CustomRunCancelled")
    sim.step()
    assert sim.reason == "Cancelled"
    late = Simulation({"tasks": [custom("c"), task("after", after=("c",))]})
    late.step()
    late.finish("c", ok=False, reason="CustomRunCancelled")
    late.step()
    assert late.message == "Tasks Completed: 1 (Failed: 0, Cancelled 1), Skipped: 1"


@pytest.mark.parametrize(
    ("member", "where", "what"),
    [
        (
            {"taskRef": {"kind": "Wait", "name": "w"}},
            "taskRef.apiVersion",
            "invalid value: custom task ref must specify apiVersion",
        ),
        (
            {"taskRef": {"apiVersion": "v1", "kind": "Wait"}},
            "taskRef.apiVersion",
            'invalid value: invalid apiVersion format "v1", must be in the format "group/version"',
        ),
        (
            {"taskSpec": {"apiVersion": "wait.dev/v1", "spec": {}}},
            "taskSpec.kind",
            "invalid value: custom task spec must specify kind",
        ),
        (
            {"taskSpec": {"apiVersion": "a/v1", "kind": "B", "steps": STEPS}},
            "taskSpec.apiVersion",
            "taskSpec.apiVersion cannot be specified when using taskSpec.steps",
        ),
    ],
)
def test_custom_tasks_that_are_refused(member: Obj, where: str, what: str) -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit(pipeline({"name": "a", **member}))
    assert refusal.value.where == f"pipeline/x: spec.tasks[0].{where}"
    assert refusal.value.what == what


def test_a_reference_without_a_kind_is_to_one_that_is_called_task() -> None:
    ref = {"apiVersion": "wait.dev/v1", "name": "w"}
    admit(pipeline({"name": "a", "taskRef": ref}))
    sim = Simulation({"tasks": [{"name": "a", "taskRef": ref}]})
    (created,) = sim.step().create
    assert (created["kind"], created["spec"]["customRef"]) == ("CustomRun", {**ref, "kind": "Task"})


def custom_run(**spec: Any) -> Obj:
    return {
        "apiVersion": "tekton.dev/v1beta1",
        "kind": "CustomRun",
        "metadata": {"name": "x"},
        "spec": spec,
    }


def test_custom_runs_stand_alone_too() -> None:
    made = custom_run(customRef=WAIT, params=[param("a", "b")])
    admit(made)
    assert with_defaults(made, ALPHA.defaults)["spec"]["serviceAccountName"] == "default"
    for spec, where in (
        ({}, "spec.customRef, spec.customSpec"),
        ({"customRef": {"kind": "Wait"}}, "spec.customRef.apiVersion"),
        ({"customSpec": {"apiVersion": "a/v1"}}, "spec.customSpec.kind"),
        ({"customRef": WAIT, "statusMessage": "m"}, "spec.statusMessage"),
        ({"customRef": WAIT, "params": [param("a", "1")] * 2}, "spec.params[a].name"),
    ):
        with pytest.raises(AdmissionError) as refusal:
            admit(custom_run(**spec))
        assert refusal.value.where == f"customrun/x: {where}"


# Pipelines in Pipelines


def pipeline(*tasks: Obj, **spec: Any) -> Obj:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": "x"},
        "spec": {"tasks": list(tasks), **spec},
    }


def test_a_pipeline_within_is_a_run_of_its_own() -> None:
    sim = Simulation(
        {
            "params": [{"name": "p", "default": "v"}],
            "workspaces": [{"name": "w"}],
            "tasks": [
                nested(
                    "n",
                    params=[param("q", "$(params.p)")],
                    workspaces=[{"name": "inner", "workspace": "w", "subPath": "s"}],
                    retries=1,
                    timeout="1s",
                ),
                task("after", after=("n",)),
            ],
        },
        config=ALPHA,
        workspaces=[{"name": "w", "persistentVolumeClaim": {"claimName": "c"}}],
        taskRunTemplate={"serviceAccountName": "bot"},
    )
    sim.step()
    made = sim.task_runs["n"]
    assert (made["apiVersion"], made["kind"]) == ("tekton.dev/v1", "PipelineRun")
    assert made["spec"] == {
        "pipelineSpec": INNER,
        "params": [param("q", "v")],
        "taskRunTemplate": {"serviceAccountName": "bot"},
        "timeouts": {"pipeline": "1h0m0s"},
        "workspaces": [
            {
                "name": "inner",
                "persistentVolumeClaim": {"claimName": "c"},
                "subPath": "s",
            }
        ],
    }
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert sim.run["status"]["childReferences"][0]["kind"] == "PipelineRun"
    sim.finish("n")
    sim.step()
    assert sim.order == ["n", "after"]
    assert sim.drive() == "Succeeded"


def test_a_pipeline_within_that_fails_is_told_as_tekton_tells_it() -> None:
    told = [param("s", "$(tasks.n.status) $(tasks.n.reason)")]
    sim = Simulation(
        {
            "tasks": [nested("n"), task("after", after=("n",))],
            "finally": [task("f", params=told)],
        },
        config=ALPHA,
    )
    sim.step()
    sim.finish("n", ok=False, reason="Failed")
    sim.step()
    assert sim.params_of("f") == {"s": "Failed Failed"}
    sim.drive()
    assert sim.skipped == {
        "n": "PipelineRun was stopping",
        "after": "PipelineRun was stopping",
    }
    assert sim.message == "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1"


def test_as_in_tekton_nobody_waits_for_it_when_another_task_fails() -> None:
    sim = Simulation({"tasks": [nested("n"), task("a")]}, config=ALPHA)
    sim.step()
    sim.finish("a", ok=False)
    sim.step()
    assert sim.reason == "Failed"
    assert sim.message == "Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 1"
    assert sim.step().cancel == ()
    assert sim.running == ["n"]


@pytest.mark.parametrize("asked", ["Cancelled", "CancelledRunFinally"])
def test_a_cancel_reaches_it(asked: str) -> None:
    sim = Simulation({"tasks": [nested("n")]}, config=ALPHA)
    sim.step()
    sim.run["spec"]["status"] = asked
    (cancel,) = sim.step().cancel
    assert cancel.patch == {"spec": {"status": "Cancelled"}}
    sim.finish("n", ok=False, reason="Cancelled")
    sim.step()
    assert sim.running == []
    assert sim.run["status"]["conditions"][0]["status"] == "False"


def test_its_when_counts() -> None:
    sim = Simulation({"tasks": [nested("n", when=when("a", "b"))]}, config=ALPHA)
    assert sim.drive() == "Completed"


def test_one_that_is_not_there_ends_the_run() -> None:
    def missing(name: str) -> Obj:
        raise NotFound(f"there is no Pipeline '{name}'")

    sim = Simulation(
        {"tasks": [{"name": "n", "pipelineRef": {"name": "gone"}}]},
        config=ALPHA,
        around=Surroundings(pipeline=missing),
    )
    sim.step()
    assert sim.reason == "CouldntGetPipeline"
    assert sim.message == (
        "Pipeline lab/pipe can't be Run; it contains child Pipelines that don't exist: "
        "Couldn't retrieve Pipeline \"gone\": there is no Pipeline 'gone'"
    )


def test_one_that_runs_already_ends_the_run() -> None:
    sim = Simulation(
        {"tasks": [{"name": "n", "pipelineRef": {"name": "outer"}}]},
        config=ALPHA,
        around=Surroundings(lineage=lambda run: ["inner", "outer"]),
    )
    sim.step()
    assert sim.reason == "CreateRunFailed"
    assert sim.message == (
        'detected cycle in pipeline-in-pipeline: pipeline "outer" is already running in ancestor '
        "chain [inner]"
    )


def test_its_results_stay_in_it() -> None:
    uses = task("u", params=[param("p", "$(tasks.n.results.r)")])
    with pytest.raises(AdmissionError) as refusal:
        admit(pipeline(nested("n"), uses), ALPHA)
    assert refusal.value.where == "pipeline/x: spec.tasks[1]"
    assert 'result reference to pipelineTask "n" is not supported' in refusal.value.what
    sim = Simulation(
        {"tasks": [nested("n")], "results": [{"name": "r", "value": "$(tasks.n.results.r)"}]},
        config=ALPHA,
    )
    sim.step()
    assert sim.reason == "InvalidPipelineResultReference"
    assert 'result referencing pipeline task "n": task spec not found' in sim.message


def test_the_flag_must_allow_them() -> None:
    with pytest.raises(AdmissionError, match='pipelineSpec requires "enable-api-fields" feature'):
        admit(pipeline(nested("n")))
    admit(pipeline(nested("n")), ALPHA)
    bad = {"name": "n", "pipelineSpec": {"tasks": [{"name": "i"}]}}
    with pytest.raises(AdmissionError) as refusal:
        admit(pipeline(bad), ALPHA)
    inner = "spec.tasks[0].pipelineSpec.tasks[0]"
    fields = ("taskRef", "taskSpec", "pipelineRef", "pipelineSpec")
    assert refusal.value.where == f"pipeline/x: {', '.join(f'{inner}.{f}' for f in fields)}"
    with pytest.raises(AdmissionError, match="expected exactly one, got multiple"):
        admit(pipeline({**nested("n"), "taskRef": {"name": "t"}}), ALPHA)
