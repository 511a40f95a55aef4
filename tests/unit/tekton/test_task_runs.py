"""A TaskRun: what it starts, what its steps wrote, and its status from first to last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mltk.tekton import attempts
from mltk.tekton.attempts import StepState
from mltk.tekton.environment import environment, expand_env
from mltk.tekton.fixedpaths import fixed_paths
from mltk.tekton.resolved import ResolvedTask, TaskPaths
from mltk.tekton.results import ResultSpec, ResultsRejected, collect_results, task_values, told
from mltk.tekton.security import Security
from mltk.tekton.taskrun import resolve
from mltk.tekton.verdicts import TaskRunRejected

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATHS = TaskPaths("/r", "/s", {"run": "/w/run"}, "/h")


def run(spec: dict[str, Any], **fields: Any) -> ResolvedTask:
    task_run = {
        "metadata": {"name": "tr", "namespace": "lab", "uid": "u"},
        "spec": {"taskRef": {"name": "t"}, **fields},
        "status": {"retriesStatus": [{}]},
    }
    return resolve(task_run, spec, PATHS)


def with_args(*args: str, **spec: Any) -> dict[str, Any]:
    return {"steps": [{"name": "s", "image": "i", "command": ["c"], "args": list(args)}], **spec}


def test_variables_of_a_task() -> None:
    spec = with_args(
        "$(params.p)", "$(params.l[*])", "$(context.taskRun.name)", "$(context.task.name)",
        "$(context.task.retry-count)", "$(results.out.path)", "$(workspaces.run.path)",
        "$(workspaces.run.claim)", "$(workspaces.cache.bound)", "[$(workspaces.cache.path)]",
        "$(steps.step-s.exitCode.path)", "$(credentials.path)",
        params=[{"name": "p"}, {"name": "l", "type": "array"}],
        results=[{"name": "out"}],
        workspaces=[{"name": "run"}, {"name": "cache", "optional": True}],
    )  # fmt: skip
    task = run(
        spec,
        params=[
            # A param may bring in a variable of the Task.
            {"name": "p", "value": "$(workspaces.run.path)/x"},
            {"name": "l", "value": ["1", "2"]},
        ],
        workspaces=[{"name": "run", "persistentVolumeClaim": {"claimName": "pvc"}}],
    )
    assert task.steps[0].args == (
        "/w/run/x", "1", "2", "tr", "t", "1", "/r/out", "/w/run", "pvc", "false", "[]",
        "/s/step-s/exitCode", "/h",
    )  # fmt: skip
    assert task.results == (ResultSpec("out"),)


def test_what_a_step_asks_for_is_merged_with_the_template() -> None:
    template = {"securityContext": {"runAsUser": 1, "capabilities": {"drop": ["ALL"]}}}
    own = {"runAsUser": 2, "capabilities": {"add": ["CHOWN"]}}
    (step,) = run(
        {"stepTemplate": template, "steps": [{"image": "i", "securityContext": own}]}
    ).steps
    assert step.security == Security(user=2, dropped=("ALL",), added=("CHOWN",))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"onError": "$(params.p)"},
            'invalid value: "bogus": steps[0].onError\n'
            'Task step onError must be either "continue" or "stopAndFail"',
        ),
        ({"image": "$(params.none)"}, "missing field(s): steps[0].Image"),
        (
            {"script": "echo $(params.result)"},
            "stepResult substitutions are only allowed in env, command and args. Found usage in: "
            "steps[0].script",
        ),
    ],
)
def test_what_params_make_of_a_task_is_looked_at_again(
    fields: dict[str, Any], message: str
) -> None:
    params = [{"name": "p", "default": "bogus"}, {"name": "none", "default": ""},
              {"name": "result", "default": "$(steps.s.results.r)"}]  # fmt: skip
    with pytest.raises(TaskRunRejected) as refusal:
        run({"params": params, "steps": [{"name": "s", "image": "i", **fields}]})
    assert (refusal.value.reason, refusal.value.message) == (
        "PodCreationFailed",
        f'failed to create task run pod "tr": {message}. Maybe missing or invalid Task lab/t',
    )


def test_a_step_over_its_template() -> None:
    spec = {
        "stepTemplate": {
            "image": "base",
            "workingDir": "/x",
            "env": [{"name": "A", "value": "t"}, {"name": "B", "value": "t"}],
        },
        "steps": [
            {
                "script": "echo $(HOME)",
                "env": [{"name": "B", "value": "s"}],
                "timeout": "90s",
                "onError": "continue",
            }
        ],
    }
    (step,) = run(spec).steps
    assert (step.name, step.image, step.working_dir) == ("unnamed-0", "base", "/x")
    assert (step.script, step.timeout, step.on_error) == ("echo $(HOME)", 90, "continue")
    assert [(each.name, each.value) for each in step.env] == [("A", "t"), ("B", "s")]
    assert step.results_dir == "/s/step-unnamed-0/results"


@pytest.mark.parametrize(
    ("spec", "fields", "message"),
    [
        (
            with_args(
                stepTemplate={"computeResources": {"limits": {"cpu": "500m", "memory": "1Gi"}}},
                steps=[{"computeResources": {"requests": {"memory": "1Gi", "cpu": "0.6"}}}],
            ),
            {},
            "invalid request resource value: 600m must be less or equal to limit 500m",
        ),
        (with_args(params=[{"name": "p"}]), {}, r"missing values for .*: \[p\]"),
        (
            with_args(params=[{"name": "p"}]),
            {"params": [{"name": "p", "value": ["l"]}]},
            r"param types don't match the user-specified type: \[p\]",
        ),
        (
            with_args("$(params.l[3])", params=[{"name": "l", "default": ["x"]}]),
            {},
            r"non-existent param references:\[\$\(params.l\[3\]\)\]",
        ),
        (
            with_args(workspaces=[{"name": "w"}]),
            {},
            'declared workspace "w" is required but has not been bound',
        ),
        (
            with_args(),
            {"workspaces": [{"name": "w", "emptyDir": {}}]},
            'workspace binding "w" does not match any declared workspace',
        ),
        (
            with_args(),
            {"stepSpecs": [{"name": "gone", "computeResources": {"limits": {"a/gpu": "1"}}}]},
            "invalid StepOverride: No Step named gone",
        ),
    ],
)
def test_a_task_run_that_does_not_fit(
    spec: dict[str, Any], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskRunRejected, match=message) as refusal:
        run(spec, **fields)
    assert refusal.value.reason == "TaskRunValidationFailed"


def test_the_environment_as_kubernetes_makes_it() -> None:
    spec = with_args()
    spec["steps"][0] |= {
        "envFrom": [
            {"prefix": "P_", "secretRef": {"name": "s"}},
            {"configMapRef": {"name": "gone", "optional": True}},
        ],
        "env": [
            {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
            {
                "name": "NONE",
                "valueFrom": {"secretKeyRef": {"name": "s", "key": "x", "optional": True}},
            },
            {"name": "ALL", "value": "$(P_user) $(KEY) $(LATER) $$(KEY)"},
            {"name": "LATER", "value": "x"},
        ],
    }
    (step,) = run(spec).steps
    held = {("Secret", "s"): {"user": "u", "not a name": "x"}, ("ConfigMap", "c"): {"k": "v"}}
    made = environment(step.env_from, step.env, lambda kind, name: held.get((kind, name)))
    assert made == {"P_user": "u", "KEY": "v", "ALL": "u v $(LATER) $(KEY)", "LATER": "x"}
    assert expand_env("$(KEY)$$(KEY)$$x$(NO)", made) == "v$(KEY)$x$(NO)"
    with pytest.raises(TaskRunRejected, match='secret "s" not found'):
        environment(step.env_from, step.env, lambda kind, name: None)


def test_literal_paths_of_a_pod_are_named() -> None:
    spec = {
        "stepTemplate": {"env": [{"name": "X", "value": "/tekton/home"}]},
        "steps": [
            {
                "script": "cd /workspace && ls",
                "args": ["--out=/workspace/x", "$(workspaces.run.path)/workspace", "/workspaces"],
                "workingDir": "/home/workspace",
            }
        ],
    }
    assert fixed_paths(spec) == ["stepTemplate.env[X].value", "steps[0].script", "steps[0].args[0]"]


SPECS = (
    ResultSpec("text"),
    ResultSpec("list", "array"),
    ResultSpec("object", "object", ("url", "digest")),
)


def collect(raw: dict[str, str]) -> list[dict[str, Any]]:
    return collect_results(SPECS, task_values(SPECS, "s", raw, ()))


def test_results_by_their_type() -> None:
    raw = {"text": '["a"]\n', "list": '["a","b"]', "object": '{"url":"u","digest":"d"}', "z": "?"}
    found = {each["name"]: each["value"] for each in collect(raw)}
    assert found == {
        "text": '["a"]\n',
        "list": ["a", "b"],
        "object": {"url": "u", "digest": "d"},
    }
    assert collect({}) == []


def test_results_keep_the_order_in_which_steps_wrote_them() -> None:
    found = collect({"list": "[]", "text": ""})
    assert [each["name"] for each in found] == ["list", "text"]


def test_results_that_may_be_taken_though_others_may_not() -> None:
    with pytest.raises(ResultsRejected) as refusal:
        collect({"list": "no list", "text": "x"})
    assert refusal.value.results == [{"name": "text", "type": "string", "value": "x"}]


@pytest.mark.parametrize(
    ("size", "text", "large"),
    [
        (3999, "x", False),
        (4000, "x", True),
        (666, "<", False),  # as JSON of Go, six bytes
        (667, "<", True),
    ],
)
def test_results_fit_a_termination_message(size: int, text: str, large: bool) -> None:
    assert told({"r": text * size}, {}).too_large is large


def test_a_param_that_nobody_declared_is_named() -> None:
    wrong = with_args("$(params.p)", "$(params.gone)", params=[{"name": "p", "default": "x"}])
    with pytest.raises(
        TaskRunRejected, match=r'in "\$\(params.gone\)": steps\[0\].args\[1\]'
    ) as no:
        run(wrong)
    assert no.value.reason == "PodCreationFailed"
    # A value may name a declared one: it is text by then.
    run(with_args("$(params.p)", params=[{"name": "p", "default": "$(params.p)"}]))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"list": "not json"}, 'expected to be "array" type but .* type "string"'),
        ({"list": "[1]"}, 'expected to be "array" type'),
        ({"object": '{"url":"u"}'}, r"missing keys .* map\[object:\[digest\]\]"),
    ],
)
def test_results_that_are_refused(raw: dict[str, str], message: str) -> None:
    with pytest.raises(TaskRunRejected, match=message):
        collect(raw)


TASK_RUN: dict[str, Any] = {
    "metadata": {"name": "tr", "creationTimestamp": "2025-12-31T23:59:00Z"},
    "spec": {"retries": 1, "timeout": "90s"},
}
SPEC = {"steps": [{"name": "a"}, {"name": "b"}]}


def ended(name: str, code: int, **fields: Any) -> StepState:
    return StepState(name, NOW, NOW + timedelta(seconds=1), code, **fields)


def condition(status: dict[str, Any]) -> tuple[str, str, str]:
    (found,) = status["conditions"]
    return found["status"], found["reason"], found["message"]


def test_the_status_of_an_attempt_that_goes_well() -> None:
    status = attempts.started(TASK_RUN, SPEC, NOW)
    assert status["podName"] == "tr-pod"
    assert [step["waiting"] for step in status["steps"]]
    status = attempts.running(status, [StepState("a", NOW), StepState("b")], NOW)
    assert status["steps"][0]["running"] == {"startedAt": "2026-01-01T00:00:00Z"}
    assert condition(status)[:2] == ("Unknown", "Running")
    result = {"name": "r", "type": "string", "value": "1"}
    steps = [ended("a", 3, on_error="continue"), ended("b", 0)]
    status = attempts.finished(TASK_RUN, status, steps, [result], NOW)
    assert condition(status) == ("True", "Succeeded", "All Steps have completed executing")
    assert status["results"] == [result]
    first, second = status["steps"]
    assert (first["terminated"]["exitCode"], first["terminated"]["reason"]) == (3, "Completed")
    assert (first["terminationReason"], second["terminationReason"]) == ("Continued", "Completed")
    assert attempts.retries_left(TASK_RUN, status) == 0


@pytest.mark.parametrize(
    ("first", "termination", "message"),
    [
        (ended("a", 2), "Error", '"step-a" exited with code 2: Error'),
        (
            ended("a", 1, ended_by="timeout"),
            "TimeoutExceeded",
            '"step-a" exited because the step exceeded the specified timeout limit',
        ),
    ],
)
def test_a_step_that_fails_skips_those_after_it(
    first: StepState, termination: str, message: str
) -> None:
    steps = [first, ended("b", 1, ended_by="skipped")]
    status = attempts.finished(TASK_RUN, attempts.started(TASK_RUN, SPEC, NOW), steps, [], NOW)
    assert condition(status) == ("False", "StepFailed", message)
    assert [step["terminationReason"] for step in status["steps"]] == [termination, "Skipped"]
    assert status["steps"][1]["terminated"]["reason"] == "Error"


def test_a_failure_that_the_pipeline_ignores_says_so() -> None:
    ignoring = {
        **TASK_RUN,
        "metadata": {
            "name": "tr",
            "annotations": {"pipeline.tekton.dev/pipeline-task-on-error": "continue"},
        },
    }
    status = attempts.finished(ignoring, {}, [ended("a", 1)], [], NOW)
    assert condition(status)[1] == "FailureIgnored"


def test_retries_are_kept_in_the_status() -> None:
    status = attempts.started(TASK_RUN, SPEC, NOW)
    status = attempts.finished(TASK_RUN, status, [ended("a", 2)], [], NOW)
    assert attempts.retries_left(TASK_RUN, status) == 1
    between = attempts.retried(status, NOW)
    assert condition(between) == ("Unknown", "ToBeRetried", '"step-a" exited with code 2: Error')
    assert "podName" not in between
    again = attempts.started({**TASK_RUN, "status": between}, SPEC, NOW)
    assert again["podName"] == "tr-pod-retry1"
    (archived,) = again["retriesStatus"]
    assert (archived["podName"], condition(archived)[1]) == ("tr-pod", "StepFailed")
    failed = attempts.finished(TASK_RUN, again, [ended("a", 2)], [], NOW)
    assert attempts.retries_left(TASK_RUN, failed) == 0


def test_a_cancel_ends_what_runs_and_is_not_retried() -> None:
    cancelled = {
        **TASK_RUN,
        "spec": {"retries": 1, "status": "TaskRunCancelled", "statusMessage": "why"},
    }
    status = attempts.started(cancelled, SPEC, NOW)
    steps = [ended("a", 0), StepState("b", NOW), StepState("c")]
    status = attempts.cancelled(cancelled, status, steps, NOW)
    assert condition(status) == ("False", "TaskRunCancelled", 'TaskRun "tr" was cancelled. why')
    done, stopped, never = status["steps"]
    assert done["terminationReason"] == "Completed"
    assert stopped["terminated"]["message"] == "Step b terminated as pod tr-pod is terminated"
    assert never["terminated"]["startedAt"] == "2025-12-31T23:59:00Z"
    assert attempts.retries_left(cancelled, status) == 0


def test_a_cancel_between_two_attempts_tells_what_went_before() -> None:
    cancelled = {**TASK_RUN, "spec": {"status": "TaskRunCancelled", "statusMessage": "why"}}
    status = attempts.finished(TASK_RUN, {}, [ended("a", 2)], [], NOW)
    status = attempts.cancelled(cancelled, attempts.retried(status, NOW), [], NOW)
    assert condition(status)[2] == (
        'TaskRun "tr" was cancelled. why\n'
        'Previous status: [ToBeRetried] "step-a" exited with code 2: Error'
    )


def test_a_timeout_is_one_of_the_attempt() -> None:
    assert attempts.timeout_of(TASK_RUN) == 90
    assert attempts.timeout_of({"spec": {}}) == 3600
    assert attempts.timeout_of({"spec": {"timeout": "0s"}}) is None
    status = attempts.timed_out(TASK_RUN, {}, [StepState("a", NOW)], NOW)
    message = 'TaskRun "tr" failed to finish within "1m30s"'
    assert condition(status) == ("False", "TaskRunTimeout", message)
    assert attempts.retries_left(TASK_RUN, status) == 1


def test_a_rejection_keeps_its_reason() -> None:
    status = attempts.rejected({}, "TaskRunValidationFailed", "why", NOW)
    assert condition(status) == ("False", "TaskRunValidationFailed", "why")


def test_a_task_run_may_wait_to_be_let_go() -> None:
    waiting = attempts.pending(TASK_RUN, NOW)
    assert condition(waiting) == ("Unknown", "TaskRunPending", 'TaskRun "tr" is pending')
    assert "startTime" not in waiting
    ended = attempts.cancelled(TASK_RUN, waiting, [], NOW)
    assert condition(ended)[2] == 'TaskRun "tr" was cancelled. '
