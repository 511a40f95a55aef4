"""What is refused before anything runs: by name, with its path and what was probably meant."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from mltk.errors import AdmissionError, UsageError
from mltk.project.compile import manifests
from mltk.tekton.admission import admit
from mltk.tekton.kinds import find_kind
from mltk.tekton.manifest import parse
from mltk.tekton.notyet import NOT_YET
from mltk.tekton.schema import SHAPES, Of

from .tekton_simulation import STEPS, param, task, when

Obj = dict[str, Any]


def obj(kind: str, spec: Any, **fields: Any) -> Obj:
    metadata = {"name": "x"}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
        **fields,
    }


def task_obj(**spec: Any) -> Obj:
    return obj("Task", {"steps": copy.deepcopy(STEPS), **spec})


def step(**fields: Any) -> Obj:
    return task_obj(steps=[{**STEPS[0], **fields}])


def step_action(**spec: Any) -> Obj:
    return obj("StepAction", {"image": "i", **spec}, apiVersion="tekton.dev/v1beta1")


def pipeline(*tasks: Obj, **spec: Any) -> Obj:
    return obj("Pipeline", {"tasks": list(tasks) or [task("a")], **spec})


def run(**spec: Any) -> Obj:
    return obj("PipelineRun", {"pipelineRef": {"name": "p"}, **spec})


def test_what_ships_is_admitted() -> None:
    for each in manifests():
        for warning in admit(each):
            assert "has no effect here" in warning


@pytest.mark.parametrize(
    ("refused", "where", "what"),
    [
        (step(comand=["x"]), "spec.steps[0].comand", "did you mean 'command'"),
        (task_obj(Steps=[]), "spec.Steps", "did you mean 'steps'"),
        (obj("Task", {"steps": STEPS}, sepc={}), "sepc", "did you mean 'spec'"),
        (obj("Tsk", {}), "kind", "did you mean 'Task'"),
        (obj("StepAction", {}), "apiVersion", "use tekton.dev/v1beta1"),
        (obj("Task", {}, apiVersion="tekton.dev/v1beta1"), "apiVersion", "use tekton.dev/v1"),
        (obj("Task", {}, metadata={"name": "Upper"}), "metadata.name", "lower-case"),
        (obj("Task", {}, metadata={"name": "x" * 64}), "metadata.name", "64 characters"),
        (obj("Task", {}), "spec.steps", "at least one step"),
        (step(image=""), "spec.steps[0].Image", "missing field(s)"),
        (step(script="x"), "spec.steps[0].script", "script cannot be used with command"),
        (step(onError="ignore"), "spec.steps[0].onError", 'invalid value: "ignore" (Task step'),
        (
            step(computeResources={"limits": {"memory": "1 gig"}}),
            "spec.steps[0].computeResources.limits",
            "must hold amounts such as 500m, 2 or 1Gi",
        ),
        (step(timeout="soon"), "spec.steps[0].timeout", "must be a duration"),
        (step(timeout="-1s"), "spec.steps[0].timeout", "zero or more"),
        (step(args="x"), "spec.steps[0].args", "must be a list of texts, but is 'x'"),
        (step(env=[{"name": "A", "value": 1}]), "spec.steps[0].env[0].value", "must be text"),
        (step(args=["$(params.gone)"]), "spec.steps[0].args[0]", "non-existent variable in"),
        (step(args=["$(context.taskRun.nme)"]), "spec.steps[0].args[0]", "did you mean 'name'"),
        (
            task_obj(
                params=[{"name": "l", "type": "array"}],
                steps=[{"image": "i", "script": "$(params.l[*])"}],
            ),
            "spec.steps[0].script",
            'variable type invalid in "$(params.l[*])"',
        ),
        (
            task_obj(params=[{"name": "p", "type": "array", "default": "x"}]),
            "spec.params.p.default.type, spec.params.p.type",
            '"array" type does not match default value\'s type: "string"',
        ),
        (
            task_obj(params=[{"name": "o", "type": "object"}]),
            "spec.o.properties",
            "missing field(s)",
        ),
        (
            task_obj(params=[{"name": "o", "properties": {"k": {"type": "array"}}}]),
            "spec.params.o.properties",
            "The value type specified for these keys [k] is invalid",
        ),
        (
            task_obj(params=[{"name": "a.b", "properties": {}}]),
            "spec.params",
            "Object param name and key name format is invalid: map[a.b:[]]",
        ),
        (
            task_obj(params=[{"name": "a b"}]),
            "spec.params",
            "The format of following array and string variable names is invalid: [a b]",
        ),
        (
            task_obj(params=[{"name": "p", "type": "int"}]),
            "spec.params.p.type",
            "invalid value: int",
        ),
        (task_obj(params=[{"type": "string"}]), "spec.params[0]", "'name' is missing"),
        (task_obj(results=[{"name": "-"}]), "spec.results[0].name", 'invalid key name "-"'),
        (
            task_obj(results=[{"name": "o", "type": "object"}]),
            "spec.results[0].o.properties",
            "missing field(s)",
        ),
        (
            task_obj(
                params=[{"name": "o", "properties": {"k": {}}}],
                steps=[{"image": "i", "command": ["c"], "args": ["$(params.o[*])"]}],
            ),
            "spec.steps[0].args[0]",
            'variable type invalid in "$(params.o[*])"; name one of its keys',
        ),
        (
            task_obj(steps=[{"image": "i", "script": "date > $(results.day.path)"}]),
            "spec.steps[0].script",
            'non-existent variable in "date > $(results.day.path)"',
        ),
        (
            task_obj(steps=[{"image": "i", "script": "#!win pwsh"}]),
            "spec.steps[0].script",
            'windows script support requires "enable-api-fields" feature gate to be "alpha"',
        ),
        (obj("Task", []), "spec", "must hold keys and values, but is a list"),
        (obj("Task", {"steps": {}}), "spec.steps", "must be a list, but is keys and values"),
        (obj("Task", {}, metadata=None), "metadata", "is missing"),
        (obj("Task", {}, metadata={}), "metadata", "'name' or 'generateName'"),
        (obj("Task", {}, metadata={"generateName": "A"}), "metadata.generateName", "lower-case"),
        (
            obj("Task", {}, metadata={"name": "x", "labels": {"l": "not one"}}),
            "metadata.labels.l",
            "not a label's value",
        ),
        (
            obj("Task", {}, metadata={"name": "x", "annotations": {"a": 1}}),
            "metadata.annotations.a",
            "must be text",
        ),
        (obj("Pipeline", {}), "spec.tasks", "at least one task"),
        (
            pipeline({"name": "a", "taskRef": {"name": "w", "kind": "Wait"}}),
            "spec.tasks[0].taskRef.apiVersion",
            "invalid value: custom task ref must specify apiVersion",
        ),
        (
            pipeline({"name": "a", "taskRef": {"name": "https://x"}}),
            "spec.tasks[0].taskRef",
            "feature flag enable-concise-resolver-syntax should be set to true",
        ),
        (pipeline({"name": "a", "taskRef": {}}), "spec.tasks[0].taskRef.name", "missing field(s)"),
        (
            pipeline(results=[{"name": "r", "value": "$(tasks.a.results.r.k.z)"}]),
            "spec.results[0].value",
            "expected all of the expressions [tasks.a.results.r.k.z] to be result expressions",
        ),
        (
            pipeline(task("a", params=[param("x", "1"), param("x", "2")])),
            "spec.tasks[0].params[1].name",
            'parameter names must be unique, the parameter "x" is also defined at',
        ),
        (
            pipeline(task("a", params=[param("x", "$(context.pipelineRun.nme)")])),
            "spec.tasks.value",
            'non-existent variable in "$(context.pipelineRun.nme)"',
        ),
        (
            pipeline(workspaces=[{"name": "w"}, {"name": "w"}]),
            "spec.workspaces[1]",
            'workspace with name "w" appears more than once',
        ),
        (
            pipeline(task("a", onError="ignore")),
            "spec.tasks[0].OnError",
            'must be either "continue" or "stopAndFail"',
        ),
        (
            obj("Pipeline", {"finally": [task("f")]}),
            "spec.finally",
            "spec.tasks is empty but spec.finally has 1 tasks",
        ),
        (
            run(workspaces=[{"name": "w", "emptyDir": {}}] * 2),
            "spec.workspaces[1].name",
            'workspace "w" provided by pipelinerun more than once, at index 0 and 1',
        ),
        (
            run(
                timeouts={"tasks": "10m"},
                taskRunSpecs=[{"pipelineTaskName": "a", "timeout": "20m"}],
            ),
            "spec.taskRunSpecs[0].timeout",
            "20m0s should be <= pipeline tasks duration 10m0s",
        ),
        (run(timeouts={"tasks": "0"}), "spec.timeouts.tasks", "0s (no timeout) should be <="),
        (
            run(
                taskRunSpecs=[
                    {
                        "pipelineTaskName": "a",
                        "computeResources": {"requests": {"cpu": "1"}},
                        "stepSpecs": [{"name": "s", "computeResources": {"limits": {"cpu": "1"}}}],
                    }
                ]
            ),
            "spec.taskRunSpecs[0].computeResources, spec.taskRunSpecs[0].stepSpecs.resources",
            "expected exactly one, got both",
        ),
        (
            run(taskRunSpecs=[{"pipelineTaskName": "a", "stepSpecs": [{"name": "s"}] * 2}]),
            "spec.taskRunSpecs[0].stepSpecs[1].name",
            "expected exactly one, got both",
        ),
        (
            obj("TaskRun", {"taskRef": {"name": "t"}, "retries": -1, "statusMessage": "m"}),
            "spec.statusMessage",
            "statusMessage should not be set if status is not set, but it is currently set to m",
        ),
        (obj("TaskRun", {"taskSpec": {}}), "spec.taskSpec.steps", "at least one step"),
        (
            task_obj(params=[{"name": "a"}, {"name": "a"}]),
            "spec.params[a]",
            "parameter appears more than once",
        ),
        (
            task_obj(results=[{"name": "r", "type": "number"}]),
            "spec.results[0].type",
            "invalid value: number (type must be string)",
        ),
        (pipeline(task("A")), "spec.tasks[0].name", "must be a valid DNS Label"),
        (pipeline(task("a"), task("a")), "spec.tasks[1].name", "exactly one, got both"),
        (
            pipeline({"name": "a"}),
            "spec.tasks[0].taskRef, spec.tasks[0].taskSpec",
            "expected exactly one, got neither",
        ),
        (pipeline(task("a", after=("b",)), task("b", after=("a",))), "spec.tasks", "cycle"),
        (pipeline(task("abc"), task("b", after=("abd",))), "spec.tasks", "did you mean 'abc'"),
        (
            pipeline(task("a", retries=1, onError="continue")),
            "spec.tasks[0].onError",
            "when Retries is",
        ),
        (pipeline(task("a", retries=-1)), "spec.tasks[0].retries", "zero or more"),
        (
            pipeline(task("a", when=when("x", "y", operator="is"))),
            "spec.tasks[0].when[0]",
            'operator "is" is not recognized. valid operators: in,notin',
        ),
        (pipeline(task("a", when=when("x"))), "spec.tasks[0].when[0]", "non-empty values"),
        (
            pipeline(task("a", workspaces=[{"name": "w"}])),
            "spec.tasks[0].workspaces[0]",
            "but none",
        ),
        (
            pipeline(task("a", params=[param("x", "$(params.y)")])),
            "spec.tasks[0].params[x]",
            'non-existent variable in "$(params.y)"',
        ),
        (
            pipeline(task("a", params=[param("x", "$(tasks.status)")])),
            "spec.tasks[0].params[x].value",
            "pipeline tasks can not refer to execution status",
        ),
        (
            pipeline(**{"finally": [task("f", params=[param("x", "$(tasks.b.status)")])]}),
            "spec.finally[0].params[x].value",
            "pipeline task b is not defined in the pipeline",
        ),
        (pipeline(**{"finally": [task("f", after=("a",))]}), "spec.finally[0]", "no runAfter"),
        (
            pipeline(**{"finally": [task("f", params=[param("x", "$(tasks.f.results.r)")])]}),
            "spec.finally[0].params[x].value",
            "final task has task result reference from a final task f",
        ),
        (
            pipeline(results=[{"name": "r", "value": "x"}]),
            "spec.results[0].value",
            "no expressions",
        ),
        (
            pipeline(results=[{"name": "r", "value": "$(tasks.b.results.r)"}]),
            "spec.results[0].value",
            "referencing a nonexistent task",
        ),
        (
            run(pipelineSpec={"tasks": [task("a")]}),
            "spec.pipelineRef, spec.pipelineSpec",
            "expected exactly one, got both",
        ),
        (run(status="Canceled"), "spec.status", "should be Cancelled"),
        (run(params=[param("a", "1"), param("a", "2")]), "spec.params[a].name", "got both"),
        (run(params=[{"name": "a"}]), "spec.params[0]", "'value' is missing"),
        (run(params=[param("a", "$(tasks.a.results.r)")]), "spec.params[a].value", "cannot use"),
        (
            run(workspaces=[{"name": "w"}]),
            "spec.workspaces[0].configmap, spec.workspaces[0].emptydir,"
            " spec.workspaces[0].persistentvolumeclaim, spec.workspaces[0].secret,"
            " spec.workspaces[0].volumeclaimtemplate",
            "expected exactly one, got neither",
        ),
        (
            run(workspaces=[{"name": "w", "persistentVolumeClaim": {}}]),
            "spec.workspaces[0].persistentvolumeclaim.claimname",
            "missing field(s)",
        ),
        (run(timeouts={"tasks": "2h"}), "spec.timeouts.tasks", "2h0m0s should be <="),
        (
            run(timeouts={"pipeline": "1h", "tasks": "40m", "finally": "30m"}),
            "spec.timeouts.finally, spec.timeouts.tasks",
            "40m0s + 30m0s should be <= pipeline duration",
        ),
        (
            obj("TaskRun", {"taskRef": {"name": "t"}, "status": "Stop"}),
            "spec.status",
            "invalid value: Stop should be TaskRunCancelled or TaskRunPending",
        ),
    ],
)
def test_invalid_objects(refused: Obj, where: str, what: str) -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit(refused)
    error = refusal.value
    assert error.where is not None
    problems = [(error.where.split(": ", 1)[1], error.what)]
    for line in (error.hint or "").splitlines()[1:]:
        path, _, found = line.strip().partition(": ")
        problems.append((path, found))
    assert any(path == where and what in found for path, found in problems), problems


SIDECAR = {"name": "s", "image": "i", "script": "x"}


def holders() -> dict[str, tuple[Obj, str]]:
    """An admissible object for each shape, and the path at which the shape stands."""
    embedded = {"name": "a", "taskSpec": {"steps": STEPS}}
    env = [{"name": "A", "valueFrom": {}}]
    return {
        "ParamSpec": (task_obj(params=[{"name": "p"}]), "spec.params[0]"),
        "Task": (task_obj(), "spec"),
        "EmbeddedTask": (pipeline(embedded), "spec.tasks[0].taskSpec"),
        "TaskResult": (task_obj(results=[{"name": "r"}]), "spec.results[0]"),
        "WorkspaceDeclaration": (task_obj(workspaces=[{"name": "w"}]), "spec.workspaces[0]"),
        "Step": (task_obj(), "spec.steps[0]"),
        "StepTemplate": (task_obj(stepTemplate={}), "spec.stepTemplate"),
        "Sidecar": (task_obj(sidecars=[SIDECAR]), "spec.sidecars[0]"),
        "Probe": (
            task_obj(sidecars=[{**SIDECAR, "startupProbe": {}}]),
            "spec.sidecars[0].startupProbe",
        ),
        "Lifecycle": (
            task_obj(sidecars=[{**SIDECAR, "lifecycle": {}}]),
            "spec.sidecars[0].lifecycle",
        ),
        "StepRef": (task_obj(steps=[{"ref": {"name": "a"}}]), "spec.steps[0].ref"),
        "StepAction": (step_action(), "spec"),
        "Resources": (step(computeResources={}), "spec.steps[0].computeResources"),
        "EnvSource": (step(env=env), "spec.steps[0].env[0].valueFrom"),
        "Volume": (task_obj(volumes=[{"name": "v"}]), "spec.volumes[0]"),
        "ProjectedSource": (
            task_obj(volumes=[{"name": "v", "projected": {"sources": [{}]}}]),
            "spec.volumes[0].projected.sources[0]",
        ),
        "PipelineTask": (pipeline(), "spec.tasks[0]"),
        "When": (pipeline(task("a", when=when("x", "y"))), "spec.tasks[0].when[0]"),
        "TaskRef": (pipeline(), "spec.tasks[0].taskRef"),
        "PipelineRef": (run(), "spec.pipelineRef"),
        "PipelineRun": (run(), "spec"),
        "TaskRun": (obj("TaskRun", {"taskRef": {"name": "t"}}), "spec"),
        "TaskRunSpec": (run(taskRunSpecs=[{"pipelineTaskName": "a"}]), "spec.taskRunSpecs[0]"),
        "WorkspaceBinding": (
            run(workspaces=[{"name": "w", "emptyDir": {}}]),
            "spec.workspaces[0]",
        ),
    }


@pytest.mark.parametrize(("shape", "field"), NOT_YET, ids="{0[0]}.{0[1]}".format)
def test_what_is_not_done_yet_is_refused_by_name(shape: str, field: str) -> None:
    holder, path = holders()[shape]
    admit(holder)
    changed = copy.deepcopy(holder)
    at: Any = changed
    for part in path.replace("[", ".").replace("]", "").split("."):
        at = at[int(part)] if part.isdigit() else at[part]
    at[field] = {"any": "thing"}
    with pytest.raises(AdmissionError) as refusal:
        admit(changed)
    assert refusal.value.where == f"{changed['kind'].lower()}/x: {path}.{field}"
    assert refusal.value.what == f"'{field}': {NOT_YET[shape, field]}"


def test_a_step_action_of_the_older_version_is_admitted() -> None:
    admit({**step_action(command=["c"]), "apiVersion": "tekton.dev/v1alpha1"})


@pytest.mark.parametrize(
    ("refused", "where", "what"),
    [
        ({"image": ""}, "Image", "missing field(s)"),
        ({"script": "x", "command": ["c"]}, "script", "script cannot be used with command"),
        (
            {"script": "$(params.p)", "params": [{"name": "p"}]},
            "script",
            "param substitution in scripts is not allowed.",
        ),
        ({"args": ["$(params.p)"]}, "args[0]", 'non-existent variable in "$(params.p)"'),
        ({"env": [{"name": "A", "value": "$(params.p)"}]}, "env[A]", "non-existent variable in"),
        (
            {"args": ["-$(params.l[*])"], "params": [{"name": "l", "type": "array"}]},
            "args[0]",
            'variable is not properly isolated in "-$(params.l[*])"',
        ),
        (
            {"image": "$(params.l)", "params": [{"name": "l", "type": "array"}]},
            "image",
            'variable type invalid in "$(params.l)"',
        ),
        (
            {"args": ["$(params.o.z)"], "params": [{"name": "o", "properties": {"k": {}}}]},
            "args[0]",
            'non-existent variable in "$(params.o.z)"',
        ),
        (
            {"args": ["$(params.o[*])"], "params": [{"name": "o", "properties": {"k": {}}}]},
            "args[0]",
            'variable type invalid in "$(params.o[*])"',
        ),
        (
            {"args": ["$(params.a.b.c)"], "params": [{"name": "a"}]},
            "args[0]",
            "Only two dot-separated components",
        ),
        ({"script": "> $(step.results.r.path)"}, "script", "non-existent variable"),
        ({"results": [{"name": "a b"}]}, "results[0].name", 'invalid key name "a b"'),
        ({"results": [{"name": "r", "type": "x"}]}, "results[0].type", "invalid type x"),
        (
            {"results": [{"name": "r", "type": "object"}]},
            "results[0].r.properties",
            "missing field(s)",
        ),
        (
            {"results": [{"name": "r", "properties": {"k": {"type": "array"}}}]},
            "results[0].r.properties",
            "the value type specified for these keys [k] is invalid, the type must be string",
        ),
    ],
)
def test_step_actions_that_tekton_refuses(refused: Obj, where: str, what: str) -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit(step_action(**refused))
    error = refusal.value
    assert error.where == f"stepaction/x: spec.{where}"
    assert what in error.what


@pytest.mark.parametrize(
    ("refused", "where", "what"),
    [
        ({"image": "i"}, "image", "image cannot be used with Ref"),
        ({"workingDir": "/w"}, "workingDir", "working dir cannot be used with Ref"),
        ({"env": [{"name": "A"}]}, "env", "env cannot be used with Ref"),
        ({"results": [{"name": "r"}]}, "results", "results cannot be used with Ref"),
        ({"ref": {}}, "name", "missing field(s)"),
        ({"ref": {"name": "no name"}}, "name", "invalid value"),
        (
            {"ref": None, "image": "i", "script": "x", "params": [param("p", "1")]},
            "params",
            "params cannot be used without Ref",
        ),
        ({"when": [{}]}, "when[0]", "missing field(s)"),
        (
            {"when": when("x", "y", operator="is")},
            "when[0]",
            'invalid value: operator "is" is not recognized. valid operators: in,notin',
        ),
        ({"when": when("x")}, "when[0]", "invalid value: expecting non-empty values field"),
        (
            {"ref": None, "image": "i", "script": "$(steps.a.results.r)"},
            "script",
            "stepResult substitutions are only allowed in env, command and args. Found usage in",
        ),
        (
            {
                "ref": None,
                "image": "i",
                "script": "> $(step.results.x.path)",
                "results": [{"name": "r"}],
            },
            "script",
            "non-existent variable in",
        ),
    ],
)
def test_steps_that_tekton_refuses(refused: Obj, where: str, what: str) -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit(task_obj(steps=[{"ref": {"name": "a"}, **refused}]))
    error = refusal.value
    assert error.where == f"task/x: spec.steps[0].{where}"
    assert what in error.what


@pytest.mark.parametrize(
    ("value", "where", "what"),
    [
        (["$(steps.a.results.r)"], "type", 'Invalid Type. Wanted string but got: "array"'),
        ("$(step.a.results.r)", "value", "Could not extract step name and result name."),
        ("$(steps.A.results.r)", "value", 'invalid extracted step name "A"'),
        ("$(steps.a.results.r[0])", "value", 'invalid extracted result name "r[0]"'),
    ],
)
def test_results_that_are_no_results_of_steps(value: Any, where: str, what: str) -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit(task_obj(results=[{"name": "x", "value": value}]))
    assert refusal.value.where == f"task/x: spec.results[0].x.{where}"
    assert what in refusal.value.what


def test_the_tables_fit_together() -> None:
    assert {shape for shape, _ in NOT_YET} <= set(SHAPES)
    assert all(field in SHAPES[shape] for shape, field in NOT_YET)
    kinds = [kind for shape in SHAPES.values() for kind in shape.values() if isinstance(kind, Of)]
    assert all(kind.shape in SHAPES for kind in kinds)


def test_an_embedded_task_may_use_what_the_run_brings() -> None:
    steps = [{"image": "i", "command": ["c"], "args": ["$(params.x)"]}]
    made = run(
        pipelineRef=None,
        pipelineSpec={"tasks": [{"name": "a", "taskSpec": {"steps": steps}}]},
        params=[param("x", "1")],
    )
    admit(made)
    made["spec"]["params"] = [param("y", "1")]
    with pytest.raises(AdmissionError, match=r'non-existent variable in "\$\(params.x\)"'):
        admit(made)
    alone = {"taskSpec": {"steps": steps}}
    with pytest.raises(AdmissionError, match=r'non-existent variable in "\$\(params.x\)"'):
        admit(obj("TaskRun", alone))


def test_variables_of_a_shell_are_none_of_a_pipeline() -> None:
    for fields in ({"params": [param("p", "$(HOME)")]}, {"when": when("$(HOME)", "x")}):
        with pytest.raises(AdmissionError, match="if you meant a shell variable"):
            admit(pipeline(task("a", **fields)))


def test_a_step_that_leaves_its_command_to_the_image_is_taken_with_a_warning() -> None:
    (warning,) = admit(step(command=[]))
    assert warning.startswith("task/x: spec.steps[0]: what runs a step without 'command'")
    assert warning.endswith("it takes --runtime container")


def test_a_security_context_is_taken_and_what_the_kernel_rules_warns() -> None:
    assert not admit(step(securityContext={"runAsUser": 1, "capabilities": {"drop": ["ALL"]}}))
    (warning,) = admit(step(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}))
    assert warning == (
        "task/x: spec.steps[0].securityContext.seccompProfile: 'seccompProfile' has no effect here:"
        " the kernel's rules for steps are those of this machine"
    )
    with pytest.raises(AdmissionError, match="unknown field 'runAs'; did you mean 'runAs"):
        admit(step(securityContext={"runAs": 1}))


def test_the_bounds_of_a_volume_are_amounts_and_taken_with_a_warning() -> None:
    def with_volume(**source: Any) -> dict[str, Any]:
        return {**step(), "spec": {**step()["spec"], "volumes": [{"name": "v", **source}]}}

    (warning,) = admit(with_volume(emptyDir={"sizeLimit": "1Gi"}))
    assert "'sizeLimit' has no effect here: a volume may fill the disk" in warning
    for wrong, why in (
        ({"sizeLimit": "much"}, "must be an amount such as 500m, 2 or 1Gi, but is 'much'"),
        ({"size": "1Gi"}, "unknown field 'size'"),
        (5, "must hold keys and values, but is 5"),
    ):
        with pytest.raises(AdmissionError, match=why):
            admit(with_volume(emptyDir=wrong))


def test_secrets_and_config_maps_are_no_concern_of_tekton() -> None:
    assert (
        admit({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {}}) == []
    )


def test_manifests_are_read_with_their_lines() -> None:
    text = (
        "# first\n---\napiVersion: v1\nkind: Secret\n---\n---\n"
        "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: ConfigMap}\n"
    )
    found = parse(text, "a.yaml")
    assert [(each.obj["kind"], each.line) for each in found] == [("Secret", 3), ("ConfigMap", 7)]
    assert parse("", "a.yaml") == []


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: [1\n", "a.yaml:2", "not YAML"),
        ("kind: Task\nkind: Task\n", "a.yaml:2", "'kind' stands here twice"),
        ("- 1\n", "a.yaml:1", "an object with apiVersion and kind is expected"),
        ("apiVersion: v1\n", "a.yaml:1", "'kind' is missing"),
        ("a: \x01", "a.yaml", "not YAML"),
        ("? [1]\n: 2\n", "a.yaml:1", "not YAML"),
        ("[" * 5000, "a.yaml", "nested too deeply"),
        ("a: !!python/object:os.system {}\n", "a.yaml:1", "not YAML"),
    ],
)
def test_text_that_is_no_manifest(text: str, where: str, what: str) -> None:
    with pytest.raises(AdmissionError, match=r"(?s).*") as refusal:
        parse(text, "a.yaml")
    assert (refusal.value.where, what in refusal.value.what) == (where, True)


def test_a_date_in_a_manifest_stays_text() -> None:
    (found,) = parse("apiVersion: v1\nkind: ConfigMap\ndata: {day: 2026-01-01}\n", "a.yaml")
    assert found.obj["data"]["day"] == "2026-01-01"
    assert yaml.safe_load("2026-01-01") != "2026-01-01"


@pytest.mark.parametrize("name", ["pr", "PipelineRun", "pipelineruns", "pipelinerun"])
def test_kinds_have_the_names_that_kubectl_takes(name: str) -> None:
    assert find_kind(name).kind == "PipelineRun"


def test_an_unknown_kind_is_a_matter_of_usage() -> None:
    with pytest.raises(UsageError, match="did you mean 'pipelinerun'"):
        find_kind("piplinerun")
