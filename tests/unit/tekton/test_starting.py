"""Runs that cannot start, by Tekton's reason; and what the TaskRuns of a run look like."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from mltk.tekton.creation import claims

from .tekton_simulation import STEPS, Simulation, param, task

TASKS = {
    "producer": {"steps": STEPS, "results": [{"name": "r"}, {"name": "l", "type": "array"}]},
    "consumer": {"steps": STEPS, "params": [{"name": "x"}]},
    "lister": {"steps": STEPS, "params": [{"name": "x", "type": "array"}]},
    "needy": {"steps": STEPS, "workspaces": [{"name": "w"}]},
}
PARAMS = [{"name": "p"}, {"name": "o", "type": "object", "properties": {"k": {}}, "default": {}}]


def use(kind: str, name: str = "a", **fields: Any) -> dict[str, Any]:
    return task(name, **{"taskRef": {"name": kind}, **fields})


@pytest.mark.parametrize(
    ("reason", "pipeline", "run"),
    [
        ("PipelineInvalidGraph", {"tasks": [task("a", after=("b",)), task("b", after=("a",))]}, {}),
        ("PipelineInvalidGraph", {"tasks": [task("a", after=("gone",))]}, {}),
        ("PipelineInvalidGraph", {"tasks": [task("a"), task("a")]}, {}),
        ("ParameterMissing", {"params": [{"name": "p"}], "tasks": [task("a")]}, {}),
        (
            "ParameterTypeMismatch",
            {"params": [{"name": "p"}], "tasks": [task("a")]},
            {"params": [param("p", ["a", "list"])]},
        ),
        (
            "ObjectParameterMissKeys",
            {"params": PARAMS, "tasks": [task("a")]},
            {"params": [param("p", "1"), param("o", {"other": "1"})]},
        ),
        (
            "ParamArrayIndexingInvalid",
            {
                "params": [{"name": "l", "type": "array", "default": ["one"]}],
                "tasks": [use("consumer", params=[param("x", "$(params.l[1])")])],
            },
            {},
        ),
        ("InvalidWorkspaceBindings", {"workspaces": [{"name": "w"}], "tasks": [task("a")]}, {}),
        (
            "InvalidTaskRunSpecs",
            {"tasks": [task("a")]},
            {"taskRunSpecs": [{"pipelineTaskName": "b"}]},
        ),
        (
            "PipelineValidationFailed",
            {
                "params": [
                    {"name": "x", "default": "$(params.y)"},
                    {"name": "y", "default": "$(params.x)"},
                ],
                "tasks": [task("a")],
            },
            {},
        ),
        ("CouldntGetTask", {"tasks": [use("gone")]}, {}),
        ("PipelineValidationFailed", {"tasks": [use("consumer")]}, {}),
        (
            "PipelineValidationFailed",
            {"tasks": [use("lister", params=[param("x", "text")])]},
            {},
        ),
        (
            "InvalidTaskResultReference",
            {
                "tasks": [
                    use("producer"),
                    use("consumer", "b", params=[param("x", "$(tasks.a.results.other)")]),
                ]
            },
            {},
        ),
        (
            "InvalidPipelineResultReference",
            {
                "tasks": [use("producer")],
                "results": [{"name": "out", "value": "$(tasks.a.results.other)"}],
            },
            {},
        ),
        (
            "RequiredWorkspaceMarkedOptional",
            {
                "workspaces": [{"name": "outer", "optional": True}],
                "tasks": [use("needy", workspaces=[{"name": "w", "workspace": "outer"}])],
            },
            {},
        ),
        ("CreateRunFailed", {"tasks": [use("needy", workspaces=[{"name": "w"}])]}, {}),
        (
            "PipelineValidationFailed",
            {
                "params": [{"name": "p", "default": "continue"}],
                "tasks": [task("a", onError="$(params.p)", retries=1)],
            },
            {},
        ),
    ],
)
def test_a_run_that_cannot_start_says_why(
    reason: str, pipeline: dict[str, Any], run: dict[str, Any]
) -> None:
    sim = Simulation(pipeline, TASKS, **run)
    decision = sim.step()
    assert (sim.reason, decision.create) == (reason, ())
    assert sim.run["status"]["completionTime"]


def test_messages_are_those_of_tekton() -> None:
    sim = Simulation({"params": [{"name": "p"}, {"name": "q"}], "tasks": [task("a")]})
    sim.step()
    assert sim.message == (
        "[User error] PipelineRun lab/run is missing some parameters required by Pipeline "
        "lab/pipe: pipelineRun missing parameters: [p q]"
    )


def test_a_run_that_turns_out_to_be_wrong_stops_what_runs() -> None:
    index = use("consumer", "c", params=[param("x", "$(tasks.a.results.l[2])")])
    sim = Simulation({"tasks": [use("producer"), task("b"), index]}, TASKS)
    sim.step()
    sim.finish("a")
    sim.task_runs["a"]["status"]["results"] = [{"name": "l", "type": "array", "value": ["1"]}]
    decision = sim.step()
    assert sim.reason == "PipelineValidationFailed"
    assert "array Result Index 2 for Task a Result l is out of bound of size 1" in sim.message
    assert [cancel.name for cancel in decision.cancel] == ["run-b"]


def test_a_list_result_becomes_a_list_param() -> None:
    b = use("lister", "b", params=[param("x", "$(tasks.a.results.l[*])")])
    sim = Simulation({"tasks": [use("producer"), b]}, TASKS)
    sim.step()
    sim.finish("a")
    sim.task_runs["a"]["status"]["results"] = [{"name": "l", "type": "array", "value": ["1", "2"]}]
    sim.step()
    assert sim.params_of("b") == {"x": ["1", "2"]}


def test_the_pipeline_is_pinned_when_the_run_starts() -> None:
    sim = Simulation({"tasks": [task("a"), task("b", after=("a",))]})
    sim.step()
    sim.pipeline = {"tasks": [task("other")]}
    sim.drive()
    assert sim.order == ["a", "b"]


def test_what_single_steps_ask_for_goes_to_the_task_run() -> None:
    asked = [{"name": "train", "computeResources": {"limits": {"nvidia.com/gpu": "1"}}}]
    sim = Simulation(
        {"tasks": [task("a"), task("b")]},
        taskRunSpecs=[{"pipelineTaskName": "a", "stepSpecs": asked}],
    )
    sim.step()
    assert sim.task_runs["a"]["spec"]["stepSpecs"] == asked
    assert "stepSpecs" not in sim.task_runs["b"]["spec"]


def test_a_task_run_names_its_place() -> None:
    sim = Simulation(
        {"tasks": [task("a", retries=2, displayName="A $(params.p)")], "params": [{"name": "p"}]},
        params=[param("p", "one")],
        taskRunTemplate={
            "serviceAccountName": "robot",
            "podTemplate": {"nodeSelector": {"a": "b"}},
        },
        taskRunSpecs=[
            {
                "pipelineTaskName": "a",
                "metadata": {"labels": {"mine": "yes"}},
                "computeResources": {"requests": {"cpu": "2"}},
                "podTemplate": {"schedulerName": "s"},
            }
        ],
    )
    sim.run["metadata"] |= {
        "labels": {"mltk.dev/model": "wine", "mine": "no"},
        "annotations": {"note": "kept", "chains.tekton.dev/signed": "true"},
    }
    sim.step()
    made = sim.task_runs["a"]
    assert made["metadata"]["name"] == "run-a"
    assert made["metadata"]["labels"] == {
        "mltk.dev/model": "wine",
        "mine": "yes",
        "app.kubernetes.io/managed-by": "tekton-pipelines",
        "tekton.dev/pipeline": "pipe",
        "tekton.dev/pipelineRun": "run",
        "tekton.dev/pipelineRunUID": "u-1",
        "tekton.dev/pipelineTask": "a",
        "tekton.dev/memberOf": "tasks",
        "tekton.dev/task": "plain",
    }
    assert made["metadata"]["annotations"] == {"note": "kept"}
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("PipelineRun", "run", "u-1")
    assert made["spec"] == {
        "taskRef": {"kind": "Task", "name": "plain"},
        "retries": 2,
        "serviceAccountName": "robot",
        "timeout": "1h0m0s",
        "computeResources": {"requests": {"cpu": "2"}},
        "podTemplate": {"nodeSelector": {"a": "b"}, "schedulerName": "s"},
    }
    assert sim.run["status"]["childReferences"] == [
        {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "name": "run-a",
            "displayName": "A one",
            "pipelineTaskName": "a",
        }
    ]


def test_a_volume_claim_template_becomes_a_claim_of_the_run() -> None:
    needy = use("needy", workspaces=[{"name": "w", "workspace": "outer", "subPath": "in"}])
    sim = Simulation(
        {"workspaces": [{"name": "outer"}], "tasks": [needy]},
        TASKS,
        workspaces=[
            {
                "name": "outer",
                "subPath": "$(context.pipelineRun.name)/",
                "volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}},
            }
        ],
    )
    sim.step()
    digest = hashlib.sha256(b"outeru-1").hexdigest()[:10]
    (claim,) = claims(sim.run)
    assert claim["metadata"]["name"] == f"pvc-{digest}"
    assert claim["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"]}
    assert sim.task_runs["a"]["spec"]["workspaces"] == [
        {
            "name": "w",
            "subPath": "run/in",
            "persistentVolumeClaim": {"claimName": f"pvc-{digest}"},
        }
    ]


def test_a_binding_of_the_run_takes_params_and_results() -> None:
    binding = {"name": "w", "subPath": "$(params.p)/$(tasks.a.results.r)"}
    sim = Simulation(
        {
            "workspaces": [{"name": "w"}],
            "tasks": [
                use("producer"),
                use("needy", "b", runAfter=["a"], workspaces=[{"name": "w"}]),
            ],
        },
        TASKS,
        params=[param("p", "$(in)")],
        workspaces=[{**binding, "persistentVolumeClaim": {"claimName": "$(params.p)"}}],
    )
    sim.step()
    sim.finish("a", results={"r": "1"})
    sim.step()
    assert sim.task_runs["b"]["spec"]["workspaces"] == [
        {"name": "w", "subPath": "$(in)/1", "persistentVolumeClaim": {"claimName": "$(in)"}}
    ]


def test_an_embedded_task_takes_params_and_workspaces_of_the_run() -> None:
    args = ["$(params.p)", "$(params.own)", "$(workspaces.w.path)", "$(tasks.a.results.r)"]
    spec = {
        "params": [{"name": "own", "default": "d"}, {"name": "q", "default": "default"}],
        "steps": [{"name": "s", "image": "i", "command": ["c"], "args": [*args, "$(params.q)"]}],
    }
    embedded = {"name": "b", "taskSpec": spec, "params": [param("own", "inner")]}
    sim = Simulation(
        {"params": [{"name": "q"}], "tasks": [use("producer"), embedded]},
        TASKS,
        params=[param("p", "run's"), param("own", "outer"), param("q", "given")],
        workspaces=[{"name": "w", "emptyDir": {}}],
    )
    sim.step()
    sim.finish("a", results={"r": "1"})
    sim.step()
    made = sim.task_runs["b"]["spec"]
    # The task's own param hides the run's; the run's hides a default of the Task.
    assert made["taskSpec"]["steps"][0]["args"] == [
        "run's", "inner", "$(workspaces.w.path)", "1", "given"
    ]  # fmt: skip
    assert made["workspaces"] == [{"name": "w", "emptyDir": {}}]


def test_variables_of_the_run_reach_its_tasks() -> None:
    value = (
        "$(context.pipelineRun.name) $(context.pipelineRun.namespace) $(context.pipelineRun.uid) "
        "$(context.pipeline.name) $(context.pipelineTask.retries) $(workspaces.w.bound) "
        "$(workspaces.v.bound) $(unknown.variable)"
    )
    sim = Simulation(
        {
            "workspaces": [{"name": "w"}, {"name": "v", "optional": True}],
            "tasks": [use("consumer", retries=3, params=[param("x", value)])],
        },
        TASKS,
        workspaces=[{"name": "w", "emptyDir": {}}],
    )
    sim.step()
    assert sim.params_of("a") == {"x": "run lab u-1 pipe 3 true false $(unknown.variable)"}


def test_an_optional_workspace_may_stay_unbound() -> None:
    tasks = {"maybe": {"steps": STEPS, "workspaces": [{"name": "w", "optional": True}]}}
    pipeline = {
        "workspaces": [{"name": "w", "optional": True}],
        "tasks": [use("maybe", workspaces=[{"name": "w"}])],
    }
    sim = Simulation(pipeline, tasks)
    sim.step()
    assert "workspaces" not in sim.task_runs["a"]["spec"]


def test_an_embedded_task_of_finally_that_names_a_param_nobody_has() -> None:
    steps = [{"name": "s", "image": "i", "script": "echo $(params.gone)"}]
    last = {"name": "last", "taskSpec": {"steps": steps}}
    sim = Simulation({"tasks": [task("a")], "finally": [last]})
    assert sim.drive() == "CreateRunFailed"
    assert 'denied the request: validation failed: non-existent variable in "echo' in sim.message
    assert sim.message.endswith("spec.steps[0].script")
    assert sim.run["status"]["finallyStartTime"]


def test_an_object_is_handed_on_as_the_run_gave_it() -> None:
    declared = [{"name": "o", "properties": {"a": {}, "b": {}}, "default": {"a": "1", "b": "2"}}]
    given = [param("whole", "$(params.o[*])"), param("key", "$(params.o.b)")]
    sim = Simulation({"params": declared, "tasks": [task("a", params=given)]})
    sim.run["spec"]["params"] = [param("o", {"a": "x"})]
    sim.step()
    assert sim.params_of("a") == {"whole": {"a": "x"}, "key": "2"}
