"""The real tkn on a laptop."""

from __future__ import annotations

import pytest
import yaml

from mltk.tekton.objects import Obj

from .objects import config, task, trigger_objects
from .serving import Served


@pytest.fixture
def pipeline(server: Served, name: str) -> str:
    """A Pipeline of two tasks, made by kubectl."""
    hello = task(name, "echo hello $(params.who)")
    hello["spec"]["params"] = [{"name": "who", "type": "string", "default": "you"}]
    server.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all([hello, _pipeline(name)]))
    return name


def _pipeline(name: str) -> Obj:
    steps = [{"name": "s", "image": "none", "script": "echo begun; sleep $(params.seconds)"}]
    params = [
        {"name": "who", "type": "string", "default": "you"},
        {"name": "seconds", "type": "string", "default": "0"},
    ]
    tasks = [
        {
            "name": "one",
            "taskRef": {"name": name},
            "params": [{"name": "who", "value": "$(params.who)"}],
        },
        {"name": "two", "runAfter": ["one"], "taskSpec": {"steps": steps}},
    ]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": name},
        "spec": {"params": params, "tasks": tasks},
    }


def test_definitions_are_listed_and_described(server: Served, pipeline: str) -> None:
    for kind in ("task", "pipeline"):
        assert pipeline in server.tkn(kind, "list")
        assert pipeline in server.tkn(kind, "describe", pipeline)


def test_types_that_nobody_wrote_are_described(server: Served, name: str) -> None:
    params = [{"name": "who"}, {"name": "list", "default": ["x"]}]
    bare = {**task(name), "spec": {**task(name)["spec"], "params": params}}
    line = {**_pipeline(name), "spec": {**_pipeline(name)["spec"], "params": params, "tasks": []}}
    line["spec"]["tasks"] = [{"name": "one", "taskRef": {"name": name}}]
    server.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all([bare, line]))
    for kind in ("task", "pipeline"):
        words = server.tkn(kind, "describe", name).split()
        assert words[words.index("who") + 1] == "string"
        assert words[words.index("list") + 1] == "array"


def test_started_pipeline_shows_its_logs(server: Served, pipeline: str) -> None:
    said = server.tkn(
        "pipeline", "start", pipeline, "--use-param-defaults", "-p", "who=me", "--showlog"
    )
    assert "[one : s] hello me" in said
    assert "[two : s] begun" in said


def test_run_is_listed_described_and_its_logs_stay(server: Served, pipeline: str) -> None:
    run = server.tkn("pipeline", "start", pipeline, "--use-param-defaults", "-o", "name").strip()
    assert "hello you" in server.tkn("pipelinerun", "logs", "-f", run)
    server.kubectl("wait", f"pr/{run}", "--for=condition=Succeeded", "--timeout=60s")
    assert "Succeeded" in server.tkn(
        "pipelinerun", "list", "--label", f"tekton.dev/pipeline={pipeline}"
    )
    described = server.tkn("pipelinerun", "describe", run)
    assert f"{run}-one" in described
    assert "[one : s] hello you" in server.tkn("pipelinerun", "logs", run)
    server.tkn("pipelinerun", "delete", run, "-f")
    assert "NotFound" in server.kubectl("get", "tr", f"{run}-one", code=1)


def test_started_task(server: Served, pipeline: str) -> None:
    said = server.tkn("task", "start", pipeline, "-p", "who=task", "--showlog")
    assert "[s] hello task" in said
    assert "Succeeded" in server.tkn("taskrun", "list", "--label", f"tekton.dev/task={pipeline}")


def test_stopped_run_lets_its_tasks_end(server: Served, pipeline: str) -> None:
    words = ("--use-param-defaults", "-p", "seconds=3", "-o", "name")
    run = server.tkn("pipeline", "start", pipeline, *words).strip()
    log = server.start("tkn", "pipelinerun", "logs", "-f", run)
    assert log.stdout is not None
    assert any("begun" in line for line in log.stdout)
    server.tkn("pipelinerun", "cancel", run, "--grace", "StoppedRunFinally")
    server.kubectl("wait", f"tr/{run}-two", "--for=condition=Succeeded", "--timeout=60s")
    log.communicate(timeout=60)


@pytest.mark.parametrize("grace", ["", "CancelledRunFinally"])
def test_cancelled_run(server: Served, pipeline: str, grace: str) -> None:
    words = (
        "pipeline",
        "start",
        pipeline,
        "--use-param-defaults",
        "-p",
        "seconds=300",
        "-o",
        "name",
    )
    run = server.tkn(*words).strip()
    log = server.start("tkn", "pipelinerun", "logs", "-f", run)
    assert log.stdout is not None
    assert any("begun" in line for line in log.stdout)
    server.tkn("pipelinerun", "cancel", run, *(["--grace", grace] if grace else []))
    server.kubectl("wait", f"pr/{run}", "--for=condition=Succeeded=False", "--timeout=60s")
    reason = "jsonpath={.status.conditions[0].reason}"
    assert server.kubectl("get", "pr", run, "-o", reason) == "Cancelled"
    log.communicate(timeout=60)


def test_version_is_that_of_the_tekton_whose_meaning_it_has(server: Served) -> None:
    assert "Pipeline version: v1.15.0" in server.tkn("version")


def test_triggers_are_listed_and_described(server: Served, name: str) -> None:
    server.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(trigger_objects(name)))
    for kind in ("eventlistener", "triggertemplate", "triggerbinding", "clustertriggerbinding"):
        assert name in server.tkn(kind, "list")
        assert name in server.tkn(kind, "describe", name)
        server.tkn(kind, "delete", name, "-f")
        assert name not in server.tkn(kind, "list")


def test_started_with_workspaces_and_as_the_last_time(server: Served, name: str) -> None:
    writes = task(name, "cat $(workspaces.w.path)/k; echo $(params.who)")
    writes["spec"] |= {"workspaces": [{"name": "w"}], "params": [{"name": "who"}]}
    tasks = [{
        "name": "one", "taskRef": {"name": name}, "workspaces": [{"name": "w"}],
        "params": [{"name": "who", "value": "$(params.who)"}],
    }]  # fmt: skip
    line = _pipeline(name)
    line["spec"] = {"params": [{"name": "who"}], "workspaces": [{"name": "w"}], "tasks": tasks}
    server.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all([writes, line, config(name)]))
    words = ("-p", "who=me", "-w", f"name=w,config={name}", "--showlog")
    assert "[s] vme" in server.tkn("task", "start", name, *words)
    assert "[one : s] vme" in server.tkn("pipeline", "start", name, *words)
    assert "[one : s] vme" in server.tkn("pipeline", "start", name, "--last", "--showlog")
    last = server.tkn("pipelinerun", "list", "--label", f"tekton.dev/pipeline={name}", "-o", "name")
    run = last.split()[0].rpartition("/")[2]
    said = server.tkn(
        "pipeline", "start", name, "--use-pipelinerun", run, "-p", "who=x", "--showlog"
    )
    assert "[one : s] vx" in said


def test_dry_run_starts_nothing(server: Served, pipeline: str) -> None:
    said = server.tkn("pipeline", "start", pipeline, "--use-param-defaults", "--dry-run")
    assert yaml.safe_load(said)["spec"]["pipelineRef"] == {"name": pipeline}
    label = ("--label", f"tekton.dev/pipeline={pipeline}")
    assert "No PipelineRuns found" in server.tkn("pipelinerun", "list", *label)


def test_cancelled_task_run(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=yaml.safe_dump(task(name, "echo begun; sleep 300")))
    run = server.tkn("task", "start", name).split()[2]
    log = server.start("tkn", "taskrun", "logs", "-f", run)
    assert log.stdout is not None
    assert any("begun" in line for line in log.stdout)
    server.tkn("taskrun", "cancel", run)
    server.kubectl("wait", f"tr/{run}", "--for=condition=Succeeded=False", "--timeout=60s")
    assert "TaskRunCancelled" in server.tkn("taskrun", "describe", run)
    log.communicate(timeout=60)


def test_definitions_are_deleted_with_their_runs(server: Served, pipeline: str) -> None:
    run = server.tkn("pipeline", "start", pipeline, "--use-param-defaults", "-o", "name").strip()
    server.kubectl("wait", f"pr/{run}", "--for=condition=Succeeded", "--timeout=60s")
    server.tkn("pipeline", "delete", pipeline, "--prs", "-f")
    assert "NotFound" in server.kubectl("get", "pr", run, code=1)
    server.tkn("task", "delete", pipeline, "-f")
    assert "NotFound" in server.kubectl("get", "task", pipeline, code=1)
