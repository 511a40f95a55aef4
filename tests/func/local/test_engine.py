"""Runs of real processes, judged by the statuses that a Tekton client would read."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import NotFound
from mltk.local.forkserver import WarmCommand
from mltk.local.process import ProcessRuntime
from mltk.local.store import Store
from mltk.tekton.objects import Obj, condition, message, reason, results

from .conftest import Local, pipeline_run, task

VOLUME = {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}


def reasons(run: Obj) -> tuple[str, str]:
    found = condition(run)
    assert found is not None
    return found["status"], found["reason"]


def steps(task_run: Obj) -> list[tuple[str, int, str]]:
    return [
        (step["name"], step["terminated"]["exitCode"], step["terminated"]["reason"])
        for step in task_run["status"]["steps"]
    ]


def test_results_pass_from_task_to_task_and_to_the_run(local: Local) -> None:
    run = local.run(
        pipeline_run(
            "r",
            task("b", "echo $A; printf %s $A$A > $(results.y.path)", results=["y"],
                 params=[{"name": "a", "value": "$(tasks.a.results.x)"}],
                 spec_params=[{"name": "a"}],
                 spec_stepTemplate={"env": [{"name": "A", "value": "$(params.a)"}]}),
            task("a", "printf %s one > $(results.x.path)", results=["x"]),
            pipeline_results=[{"name": "z", "value": "$(tasks.b.results.y)!"}],
        )
    )  # fmt: skip
    assert reasons(run) == ("True", "Succeeded")
    assert message(run) == "Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0"
    assert results(run) == {"z": "oneone!"}
    names = [child["name"] for child in run["status"]["childReferences"]]
    assert sorted(names) == ["r-a", "r-b"]
    assert local.log("r-b") == "one"
    b = local.task_run("r-b")
    assert reasons(b) == ("True", "Succeeded")
    assert steps(b) == [("s0", 0, "Completed")]
    assert b["metadata"]["labels"]["tekton.dev/pipelineTask"] == "b"
    assert not (local.root / "work" / "default" / "r-b").exists()


def test_independent_tasks_run_at_the_same_time(local: Local, tmp_path: Path) -> None:
    """Each end of a pipe waits for the other one."""
    pipe = tmp_path / "pipe"
    make = task("make", f"mkfifo {pipe}")
    run = local.run(
        pipeline_run(
            "r",
            make,
            task("write", f"echo through > {pipe}", runAfter=["make"]),
            task("read", f"cat {pipe}", runAfter=["make"]),
        )
    )
    assert reasons(run) == ("True", "Succeeded")
    assert local.log("r-read") == "through"


def test_no_more_tasks_at_a_time_than_asked_for(local: Local, tmp_path: Path) -> None:
    script = f"mkdir {tmp_path}/busy && rmdir {tmp_path}/busy"
    tasks = [task(f"t{number}", script) for number in range(6)]
    assert reasons(local.run(pipeline_run("r", *tasks), jobs=1)) == ("True", "Succeeded")


def test_when_skips_and_finally_reports(local: Local) -> None:
    run = local.run(
        pipeline_run(
            "r",
            task("ask", "printf %s no > $(results.x.path)", results=["x"]),
            task("act", "true", when=[
                {"input": "$(tasks.ask.results.x)", "operator": "in", "values": ["yes"]}]),
            finally_=[task("tell", {"command": ["echo"], "args": ["$(params.s)"]},
                           params=[{"name": "s", "value": "$(tasks.act.status)"}],
                           spec_params=[{"name": "s"}])],
        )
    )  # fmt: skip
    assert reasons(run) == ("True", "Completed")
    assert [skipped["name"] for skipped in run["status"]["skippedTasks"]] == ["act"]
    assert local.log("r-tell") == "None"


def test_failed_step_ends_the_task_and_finally_still_runs(local: Local) -> None:
    run = local.run(
        pipeline_run(
            "r",
            task("bad", "echo out; exit 3", "echo never"),
            task("after", "true", runAfter=["bad"]),
            finally_=[task("last", "true")],
        )
    )
    assert reasons(run) == ("False", "Failed")
    bad = local.task_run("r-bad")
    assert reasons(bad)[0] == "False"
    assert steps(bad) == [("s0", 3, "Error"), ("s1", 1, "Error")]
    assert reasons(local.task_run("r-last")) == ("True", "Succeeded")
    with pytest.raises(NotFound):
        local.task_run("r-after")


def test_step_may_fail_on_purpose(local: Local) -> None:
    run = local.run(
        pipeline_run("r", task("t", {"script": "exit 3", "onError": "continue"},
                               "cat $(steps.step-s0.exitCode.path)"))
    )  # fmt: skip
    assert reasons(run) == ("True", "Succeeded")
    first = local.task_run("r-t")["status"]["steps"][0]
    assert first["terminated"]["exitCode"] == 3
    assert first["terminationReason"] == "Continued"
    assert local.log("r-t", "s1") == "3"


def test_retries_keep_what_each_attempt_said(local: Local, tmp_path: Path) -> None:
    count = f"echo x >> {tmp_path}/n; wc -l < {tmp_path}/n; [ $(wc -l < {tmp_path}/n) = 3 ]"
    run = local.run(pipeline_run("r", task("t", count, retries=3)))
    assert reasons(run) == ("True", "Succeeded")
    tried = local.task_run("r-t")["status"]["retriesStatus"]
    assert len(tried) == 2
    assert local.log("r-t") == "3"
    logs = local.root / "logs" / "default" / "r-t"
    assert [(logs / f"s0.{n}.log").read_text().strip() for n in (1, 2)] == ["1", "2"]


def test_retries_end(local: Local) -> None:
    run = local.run(pipeline_run("r", task("t", "exit 1", retries=1)))
    assert reasons(run) == ("False", "Failed")
    assert len(local.task_run("r-t")["status"]["retriesStatus"]) == 1


def test_step_timeout_fails_the_task(local: Local) -> None:
    local.run(pipeline_run("r", task("t", {"script": "sleep 600", "timeout": "200ms"}, "true")))
    t = local.task_run("r-t")
    assert t["status"]["steps"][0]["terminationReason"] == "TimeoutExceeded"
    assert "exceeded the specified timeout limit" in message(t)


def test_task_timeout_ends_its_steps(local: Local) -> None:
    run = local.run(pipeline_run("r", task("t", "sleep 600", "true", timeout="200ms")))
    assert reasons(local.task_run("r-t")) == ("False", "TaskRunTimeout")
    assert reasons(run) == ("False", "Failed")


def test_run_timeout_cancels_its_tasks(local: Local) -> None:
    run = local.run(pipeline_run("r", task("t", "sleep 600"), timeouts={"pipeline": "300ms"}))
    assert reasons(run) == ("False", "PipelineRunTimeout")
    assert reasons(local.task_run("r-t")) == ("False", "TaskRunCancelled")


def test_volume_of_a_run_is_one_folder_until_the_run_is_deleted(local: Local) -> None:
    use = {"workspaces": [{"name": "w", "workspace": "v"}], "spec_workspaces": [{"name": "w"}]}
    run = local.run(
        pipeline_run(
            "r",
            task("a", "echo hello > $(workspaces.w.path)/f", **use),
            task("b", "cat $(workspaces.w.path)/f", runAfter=["a"], **use),
            pipeline_workspaces=[{"name": "v"}],
            workspaces=[{"name": "v", **VOLUME}],
        )
    )
    assert reasons(run) == ("True", "Succeeded")
    assert local.log("r-b") == "hello"
    (claim,) = local.backend.list("pvc", "default")
    assert re.fullmatch("pvc-[0-9a-f]{10}", claim["metadata"]["name"])
    folder = local.root / "volumes" / "default" / claim["metadata"]["name"]
    assert (folder / "f").read_text() == "hello\n"
    local.backend.delete("pr", "r", "default")
    assert local.backend.list("pvc") == local.backend.list("tr") == []
    assert not folder.exists()
    assert not (local.root / "logs" / "default" / "r-a").exists()


def test_named_claim_and_sub_path_outlive_the_run(local: Local) -> None:
    bound = {"name": "v", "persistentVolumeClaim": {"claimName": "mine"}, "subPath": "sub"}
    use = {"workspaces": [{"name": "w", "workspace": "v"}], "spec_workspaces": [{"name": "w"}]}
    local.run(
        pipeline_run("r", task("a", "touch $(workspaces.w.path)/f", **use),
                     pipeline_workspaces=[{"name": "v"}], workspaces=[bound])
    )  # fmt: skip
    local.backend.delete("pr", "r", "default")
    assert (local.root / "volumes" / "default" / "mine" / "sub" / "f").exists()
    assert local.backend.get("pvc", "mine", "default")


def test_sub_path_stays_within_its_volume(local: Local) -> None:
    bound = {"name": "w", "persistentVolumeClaim": {"claimName": "m"}, "subPath": "../../logs"}
    spec = {"steps": [{"name": "s0", "image": "none", "script": "true"}],
            "workspaces": [{"name": "w"}]}  # fmt: skip
    run = local.run(task_run("t", spec, workspaces=[bound]))
    assert "leads out of its volume" in message(run)


def task_run(name: str, task_spec: Obj, **spec: Any) -> Obj:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"taskSpec": task_spec, **spec},
    }


def test_task_run_of_its_own(local: Local) -> None:
    spec = task("t", "echo $0 $1; pwd", results=["r"])["taskSpec"]
    run = local.run(task_run("t", spec))
    assert reasons(run) == ("True", "Succeeded")


def test_scripts_commands_and_variables_as_kubernetes_reads_them(local: Local) -> None:
    steps = [
        {"name": "plain", "script": "false\necho not reached"},
        {"name": "python", "script": "#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:])",
         "args": ["$(X)", "$$(X)", "$(NOPE)"]},
        {"name": "command", "command": ["sh", "-c"], "args": ["echo $(Y); pwd"],
         "workingDir": "some/where"},
        {"name": "missing", "command": ["no-such-command"]},
    ]  # fmt: skip
    for step in steps:
        step |= {"image": "none", "onError": "continue"}
    steps.append({"name": "never", "image": "none", "script": "true"})
    template = {"env": [{"name": "X", "value": "x"}, {"name": "Y", "value": "$(X)-y"}]}
    local.run(task_run("t", {"steps": steps, "stepTemplate": template}))
    assert local.log("t", "plain") == ""
    assert local.log("t", "python") == "['x', '$(X)', '$(NOPE)']"
    said = local.log("t", "command").splitlines()
    assert said[0] == "x-y"
    assert said[1].endswith("some/where")
    assert "No such file or directory" in local.log("t", "missing")
    codes = [step["terminated"]["exitCode"] for step in local.task_run("t")["status"]["steps"]]
    # What cannot be started is no failure of its own, which `onError` could let pass.
    assert codes == [1, 0, 0, 1, 1]


def secret(name: str, **fields: Any) -> Obj:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields}


def test_environment_from_secrets(local: Local) -> None:
    local.backend.create(secret("s", data={"USER": "bWU="}, stringData={"TOKEN": "t0k"}))
    step = {
        "name": "s0",
        "image": "none",
        "script": "echo $P_USER $TOKEN $WHOLE ${NONE-unset}",
        "envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}},
                    {"secretRef": {"name": "absent", "optional": True}}],
        "env": [
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "TOKEN"}}},
            {"name": "WHOLE", "value": "$(TOKEN)!"},
            {"name": "NONE", "valueFrom": {
                "configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
        ],
    }  # fmt: skip
    assert reasons(local.run(task_run("t", {"steps": [step]}))) == ("True", "Succeeded")
    assert local.log("t") == "me t0k t0k! unset"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"name": "gone", "key": "k"}, 'secret "gone" not found'),
        ({"name": "s", "key": "k"}, "couldn't find key k in Secret s"),
    ],
)
def test_missing_secret_fails_with_the_reason_of_the_kubelet(
    local: Local, source: Obj, says: str
) -> None:
    local.backend.create(secret("s"))
    step = {"name": "s0", "image": "none", "script": "true",
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": source}}]}  # fmt: skip
    run = local.run(task_run("t", {"steps": [step]}))
    assert reasons(run) == ("False", "CreateContainerConfigError")
    assert says in message(run)


def test_results_beyond_the_limit_fail_the_task(local: Local) -> None:
    script = "head -c 5000 /dev/zero | tr '\\0' x > $(results.big.path)"
    run = local.run(pipeline_run("r", task("t", script, results=["big"])))
    assert reasons(run) == ("False", "Failed")
    assert message(local.task_run("r-t")) == '"step-s0" exited with code 1: Error'
    assert "above max allowed size 4096" in local.log("r-t")


def test_missing_pipeline_and_task_fail_the_run(local: Local) -> None:
    run = pipeline_run("r")
    run["spec"] = {"pipelineRef": {"name": "gone"}}
    assert reasons(local.run(run)) == ("False", "CouldntGetPipeline")
    other = pipeline_run("q", {"name": "t", "taskRef": {"name": "gone"}})
    assert reasons(local.run(other)) == ("False", "CouldntGetTask")


def test_missing_task_fails_a_task_run(local: Local) -> None:
    run = task_run("t", {})
    run["spec"] = {"taskRef": {"name": "gone"}}
    done = local.run(run)
    assert reasons(done) == ("False", "TaskRunResolutionFailed")
    assert "there is no Task 'gone'" in message(done)


def test_task_of_the_store_gives_its_labels_and_annotations(local: Local) -> None:
    spec = task("x", "echo $(params.p)", spec_params=[{"name": "p", "default": "d"}])["taskSpec"]
    metadata = {"name": "x", "labels": {"l": "1"}, "annotations": {"a": "1"}}
    kind = {"apiVersion": "tekton.dev/v1", "kind": "Task"}
    local.backend.create({**kind, "metadata": metadata, "spec": spec})
    run = local.run(pipeline_run("r", {"name": "t", "taskRef": {"name": "x"}}))
    assert reasons(run) == ("True", "Succeeded")
    metadata = local.task_run("r-t")["metadata"]
    assert metadata["labels"]["l"] == metadata["annotations"]["a"] == "1"
    assert local.log("r-t") == "d"


def test_path_that_only_a_pod_has_is_refused(local: Local) -> None:
    done = local.run(task_run("t", task("x", "ls /workspace/source")["taskSpec"]))
    assert reasons(done) == ("False", "TaskRunValidationFailed")
    assert "steps[0].script" in message(done)


def test_volume_claim_template_of_a_task_run(local: Local) -> None:
    spec = task("x", "touch $(workspaces.w.path)/f", spec_workspaces=[{"name": "w"}])["taskSpec"]
    done = local.run(task_run("t", spec, workspaces=[{"name": "w", **VOLUME}]))
    assert reasons(done) == ("True", "Succeeded")
    (claim,) = local.backend.list("pvc")
    assert (local.root / "volumes" / "default" / claim["metadata"]["name"] / "f").exists()
    local.backend.delete("tr", "t", "default")
    assert local.backend.list("pvc") == []


def test_steps_start_warm_where_the_runtime_can(local: Local) -> None:
    path = os.pathsep.join((str(Path(__file__).parent), *sys.path))
    warm = WarmCommand(("facts",), "warm_module:facts", ("warm_module",))
    step = {"command": ["facts", "0"], "env": [{"name": "COLOUR", "value": "red"}]}
    with ProcessRuntime([warm], {**os.environ, "PYTHONPATH": path}) as runtime:
        local.runtime = runtime
        assert reasons(local.run(pipeline_run("r", task("t", step))))[0] == "True"
    assert "warm True" in local.log("r-t")
    assert "colour red" in local.log("r-t")


def test_cancel_does_not_wait_for_a_server_that_still_imports(local: Local, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "slow_module.py").write_text(f"open({str(tmp_path / 'pipe')!r}).read()")
    path = os.pathsep.join((str(tmp_path), *sys.path))
    warm = WarmCommand(("never",), "slow_module:main", ("slow_module",))
    with ProcessRuntime([warm], {**os.environ, "PYTHONPATH": path}) as runtime:
        local.runtime = runtime
        run = pipeline_run("r", task("t", {"command": ["never"]}, timeout="200ms"))
        assert reasons(local.run(run)) == ("False", "Failed")
    assert reasons(local.task_run("r-t")) == ("False", "TaskRunTimeout")


def test_engine_that_cannot_write_ends_the_run_with_the_reason(local: Local) -> None:
    (local.root / "logs").write_text("a file where a folder should be")
    run = local.run(pipeline_run("r", task("t", "true")))
    assert reasons(run) == ("False", "Failed")
    assert reason(local.task_run("r-t")) == "EngineFailed"
    assert "the engine could not go on: [Errno" in message(local.task_run("r-t"))


def test_observer_sees_progress(local: Local) -> None:
    seen: list[tuple[str, str]] = []
    local.run(
        pipeline_run("r", task("t", "true")),
        observer=lambda obj: seen.append((obj["kind"], reason(obj))),
    )
    assert ("TaskRun", "Running") in seen
    assert seen[-1] == ("PipelineRun", "Succeeded")


def test_logs_are_followed_to_the_end(local: Local) -> None:
    run = local.run(pipeline_run("r", task("t", "echo one; printf two", "echo three")))
    assert reasons(run) == ("True", "Succeeded")
    assert list(local.backend.logs("r-t", follow=True)) == ["one", "two", "three"]
    with pytest.raises(NotFound, match=r"no step 's9'(.|\n)*s0, s1"):
        local.backend.logs("r-t", step="s9")
    with pytest.raises(NotFound, match="no TaskRun 'gone'"):
        local.backend.logs("gone")


def bare(value: Any) -> Any:
    """An object without what differs from run to run: times, uids, versions and folders."""
    volatile = {"uid", "resourceVersion", "creationTimestamp", "tekton.dev/pipelineRunUID"}
    if isinstance(value, dict):
        return {
            key: bare(held)
            for key, held in value.items()
            if key not in volatile and not key.lower().endswith(("time", "startedat", "finishedat"))
        }
    if isinstance(value, list):
        return [bare(held) for held in value]
    return value


def test_same_pipeline_gives_the_same_objects(local: Local) -> None:
    """However many run at a time, and whichever ends first."""
    run = pipeline_run(
        "r",
        task("a", "printf %s 1 > $(results.x.path)", results=["x"]),
        task("b", "exit 1", onError="continue"),
        task("c", "true", "true", runAfter=["a", "b"]),
        task("d", "true", when=[
            {"input": "$(tasks.a.results.x)", "operator": "notin", "values": ["1"]}]),
        finally_=[task("e", "true"), task("f", "exit 2")],
    )  # fmt: skip
    found = []
    for jobs in (1, 4):
        done = local.run(run, jobs=jobs)
        task_runs = sorted(local.backend.list("tr"), key=lambda obj: str(obj["metadata"]["name"]))
        found.append(bare([done, *task_runs]))
        local.backend.delete("pr", "r", "default")
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda store: store.delete("Task", "b"), ("False", "CouldntGetTask")),
        (
            lambda store: store.patch(
                "Task", "b", "default", {"spec": {"steps": [{"image": "none", "script": "exit 1"}]}}
            ),
            ("False", "Failed"),
        ),
    ],
    ids=["deleted", "changed"],
)
def test_task_counts_as_it_is_when_its_turn_comes(
    local: Local, change: Callable[[Store], object], expected: tuple[str, str]
) -> None:
    for name in ("a", "b"):
        spec = {"steps": [{"image": "none", "script": "true"}]}
        local.backend.create(
            {
                "apiVersion": "tekton.dev/v1",
                "kind": "Task",
                "metadata": {"name": name, "namespace": "default"},
                "spec": spec,
            }
        )

    def meddle(obj: Obj) -> None:
        if obj["metadata"]["name"] == "r-a" and reason(obj) == "Running":
            change(local.backend.store)

    first: Obj = {"name": "a", "taskRef": {"name": "a"}}
    second: Obj = {"name": "b", "taskRef": {"name": "b"}, "runAfter": ["a"]}
    run = local.run(pipeline_run("r", first, second), observer=meddle)
    assert reasons(run) == expected


def test_steps_take_step_actions_and_hand_results_on(local: Local) -> None:
    action = {
        "apiVersion": "tekton.dev/v1alpha1",
        "kind": "StepAction",
        "metadata": {"name": "say"},
        "spec": {
            "image": "none",
            "params": [{"name": "word", "default": "hello"}],
            "results": [{"name": "said"}],
            "env": [{"name": "WORD", "value": "$(params.word)"}],
            "script": 'printf %s "$WORD" > $(step.results.said.path)',
        },
    }
    local.backend.create(action)
    kept = local.backend.get("stepactions", "say")
    assert kept["apiVersion"] == "tekton.dev/v1beta1"
    said = "$(steps.first.results.said)"
    spec = {
        "results": [{"name": "last", "value": "$(steps.second.results.said)"}],
        "steps": [
            {"name": "first", "ref": {"name": "say"}},
            {
                "name": "never",
                "image": "none",
                "when": [{"input": said, "operator": "notin", "values": ["hello"]}],
                "script": "exit 1",
            },
            {
                "name": "second",
                "ref": {"name": "say"},
                "params": [{"name": "word", "value": f"{said}"}],
            },
        ],
    }
    run = local.run(
        {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "metadata": {"name": "r"},
            "spec": {"taskSpec": spec},
        }
    )
    assert reasons(run) == ("True", "Succeeded")
    assert results(run) == {"last": "hello"}
    ended = [(step["terminationReason"], step.get("results")) for step in run["status"]["steps"]]
    assert "evaluated to false" in local.log("r", "never")
    told = [{"name": "said", "type": "string", "value": "hello"}]
    assert ended == [("Completed", told), ("Skipped", None), ("Completed", told)]


def test_a_step_action_that_is_not_there_is_tried_as_often_as_the_task(local: Local) -> None:
    step = {"ref": {"name": "gone"}, "image": None}
    run = local.run(pipeline_run("r", task("a", step, retries=2)))
    assert reasons(run) == ("False", "Failed")
    ended = local.task_run("r-a")
    assert reasons(ended) == ("False", "TaskRunResolutionFailed")
    assert message(ended) == (
        'failed to resolve step ref for step "s0" (index 0): '
        'stepactions.tekton.dev "gone" not found'
    )
    assert len(ended["status"]["retriesStatus"]) == 2
    assert "featureFlags" in ended["status"]["provenance"]


def test_an_element_that_a_result_of_a_step_does_not_have_fails_the_step(local: Local) -> None:
    make = {"results": [{"name": "r"}], "script": "printf '[\"a\"]' > $(step.results.r.path)"}
    use = {"command": ["echo"], "args": ["$(steps.s0.results.r[1])"], "onError": "continue"}
    run = local.run(pipeline_run("r", task("a", make, use, "exit 0")))
    assert reasons(run) == ("False", "Failed")
    failed = local.task_run("r-a")
    assert message(failed) == '"step-s1" exited with code 2: Error'
    assert local.log("r-a", "s1") == "mltk: there is no element $(steps.s0.results.r[1])"


def test_a_task_run_waits_until_it_is_let_go(local: Local) -> None:
    spec = {"status": "TaskRunPending", "taskSpec": {"steps": [{"image": "i", "script": "exit 0"}]}}
    held = {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": "r"}}
    seen: list[str] = []

    def let_go(obj: Obj) -> None:
        seen.append(reason(obj))
        if seen[-1] == "TaskRunPending":
            local.backend.patch("TaskRun", "r", "default", {"spec": {"status": None}})

    run = local.run({**held, "spec": spec}, observer=let_go)
    assert reasons(run) == ("True", "Succeeded")
    assert seen[0] == "TaskRunPending"


def test_a_task_run_that_is_cancelled_before_its_start_has_no_pod(local: Local) -> None:
    spec = {"status": "TaskRunCancelled", "statusMessage": "why",
            "taskSpec": {"steps": [{"image": "i", "script": "exit 0"}]}}  # fmt: skip
    held = {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": "r"}}
    run = local.run({**held, "spec": spec})
    assert reasons(run) == ("False", "TaskRunCancelled")
    assert message(run) == 'TaskRun "r" was cancelled. why'
    assert run["status"]["podName"] == ""
    assert "steps" not in run["status"]


def test_what_a_step_says_goes_to_files_too(local: Local, tmp_path: Path) -> None:
    flags = {"name": "feature-flags", "namespace": "tekton-pipelines"}
    alpha = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": flags,
             "data": {"enable-api-fields": "alpha"}}  # fmt: skip
    local.backend.apply([alpha])
    both = {"path": str(tmp_path / "deep" / "both")}
    streams = {"stdoutConfig": {"path": "$(results.out.path)"}, "stderrConfig": both}
    run = local.run(
        pipeline_run(
            "r",
            task(
                "a",
                {"script": "echo out; echo err >&2", **streams},
                {"script": "echo more >&2; exit 3", "stderrConfig": both, "onError": "continue"},
                {"script": "kill -11 $$", "stdoutConfig": both, "onError": "continue"},
                {"script": "kill -9 $$", "stdoutConfig": both},
                results=["out"],
            ),
        )
    )
    assert reasons(run) == ("False", "Failed")
    ended = local.task_run("r-a")
    assert results(ended) == {"out": "out\n"}
    assert Path(both["path"]).read_text() == "err\nmore\n"
    assert sorted(local.log("r-a").splitlines()) == ["err", "out"]
    assert [code for _, code, _ in steps(ended)] == [0, 3, -1, 255]


def test_a_step_whose_output_goes_to_files_ends_when_it_is_told_to(local: Local) -> None:
    flags = {"name": "feature-flags", "namespace": "tekton-pipelines"}
    alpha = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": flags,
             "data": {"enable-api-fields": "alpha"}}  # fmt: skip
    local.backend.apply([alpha])
    step = {"script": "sleep 600", "stdoutConfig": {"path": "/dev/null"}, "timeout": "1s"}
    run = local.run(pipeline_run("r", task("a", step)))
    assert reasons(run) == ("False", "Failed")
    assert "exceeded the specified timeout limit" in message(local.task_run("r-a"))


def test_results_that_are_logged_may_be_longer_together(local: Local) -> None:
    flags = {"name": "feature-flags", "namespace": "tekton-pipelines"}
    data = {"results-from": "sidecar-logs", "max-result-size": "5000"}
    logs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": flags, "data": data}
    local.backend.apply([logs])
    script = "head -c {} /dev/zero | tr '\\0' x > $(results.{}.path)"
    both = "; ".join(script.format(4000, name) for name in ("a", "b"))
    run = local.run(pipeline_run("r", task("t", both, results=["a", "b"])))
    assert reasons(run) == ("True", "Succeeded")
    assert {len(value) for value in results(local.task_run("r-t")).values()} == {4000}
    local.run(pipeline_run("long", task("t", script.format(5000, "a"), results=["a"])))
    ended = local.task_run("long-t")
    assert reasons(ended) == ("False", "TaskRunResultLargerThanAllowedLimit")
    assert message(ended) == (
        '[User error] TaskRun ""long-t"" failed: '
        "5037 bytes results size exceeds configured limit of 5000 bytes"
    )


def test_no_more_runs_at_a_time_than_asked_for_and_in_order(local: Local, tmp_path: Path) -> None:
    script = f"mkdir {tmp_path}/busy && printf %s $(context.pipelineRun.name) >> {tmp_path}/order"
    names = ["c", "a", "d", "b"]
    for name in names:
        first = task("first", script.replace("$(context.pipelineRun.name)", name))
        last = task("last", f"rmdir {tmp_path}/busy", runAfter=["first"])
        local.backend.create(pipeline_run(name, first, last))
    runs = local.engine(jobs=4).run(names, at_once=1)
    assert {reasons(run) for run in runs} == {("True", "Succeeded")}
    assert (tmp_path / "order").read_text() == "cadb"
