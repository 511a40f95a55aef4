"""The real tkn on a laptop."""

from __future__ import annotations

import pytest
import yaml

from mltk.tekton.objects import Obj

from .objects import task, trigger_objects
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
