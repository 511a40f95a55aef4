"""Runs that others drive: made, followed by watches and left alone on Ctrl-C.

The store of this machine stands for the cluster's: both are a Backend.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mltk.cli.arguments import get
from mltk.cli.controller import Controller
from mltk.cli.drive import drive
from mltk.cli.follow import follow
from mltk.cli.installation import (
    Installation,
    find_installation,
    require_shared,
    tracking_address,
    warn_of_another_version,
)
from mltk.cli.outcome import outcome
from mltk.cli.place import Place
from mltk.cli.summary import next_lines
from mltk.errors import ConfigError, Conflict, InfrastructureError, NotFound
from mltk.tekton.objects import Obj, is_done, name_of, reason

from .conftest import Shell, pipeline_run, task_run

DONE = {"type": "Succeeded", "status": "True", "reason": "Succeeded", "message": ""}


@pytest.fixture
def place(shell: Shell) -> Place:
    flags = " --on cluster"
    return Place(shell.backend, Controller(shell.backend, flags), "default", None, flags)


def _end(shell: Shell, kind: str, name: str) -> None:
    shell.backend.patch(kind, name, "default", {"status": {"conditions": [DONE]}})


def _when(seen: list[str], word: str, act: Callable[[], object]) -> Callable[[Obj], None]:
    """An observer that acts once, in another thread, when it sees an object in a state."""
    acted: list[threading.Thread] = []

    def observe(obj: Obj) -> None:
        seen.append(f"{name_of(obj)} {reason(obj)}")
        if seen[-1] == word and not acted:
            acted.append(threading.Thread(target=act))
            acted[0].start()

    return observe


def test_a_run_and_its_task_runs_are_seen_to_their_end(shell: Shell) -> None:
    run = shell.keep(pipeline_run(reason="Running"))
    shell.keep(task_run("talk-abcde-first", "first", "Running"))
    seen: list[str] = []

    def act() -> None:
        _end(shell, "tr", "talk-abcde-first")
        _end(shell, "pr", "talk-abcde")

    follow(shell.backend, [run], _when(seen, "talk-abcde Running", act))
    assert "talk-abcde-first Running" in seen
    assert {"talk-abcde Succeeded", "talk-abcde-first Succeeded"} <= set(seen)


def test_tasks_of_a_run_within_are_seen_while_they_run(shell: Shell) -> None:
    labels = {"tekton.dev/pipelineRun": "talk-abcde", "tekton.dev/pipelineTask": "inner"}
    children = [{"kind": "PipelineRun", "name": "talk-abcde-inner", "pipelineTaskName": "inner"}]
    run = shell.keep(pipeline_run(reason="Running", status={"childReferences": children}))
    shell.keep(pipeline_run("talk-abcde-inner", "Running", labels=labels))
    deep = task_run("talk-abcde-inner-deep", "deep", "Running")
    deep["metadata"]["labels"]["tekton.dev/pipelineRun"] = "talk-abcde-inner"
    shell.keep(deep)
    seen: list[str] = []

    # Nothing ends before the TaskRun within has been seen to run.
    def act() -> None:
        for kind, name in (("tr", "-inner-deep"), ("pr", "-inner"), ("pr", "")):
            _end(shell, kind, f"talk-abcde{name}")

    follow(shell.backend, [run], _when(seen, "talk-abcde-inner-deep Running", act))
    assert {"talk-abcde-inner Succeeded", "talk-abcde-inner-deep Succeeded"} <= set(seen)


def test_a_run_that_is_deleted_is_not_waited_for(shell: Shell) -> None:
    run = shell.keep(pipeline_run(reason="Running"))
    observe = _when([], "talk-abcde Running", lambda: shell.backend.delete("pr", name_of(run)))
    with pytest.raises(NotFound, match="was deleted before it ended") as caught:
        follow(shell.backend, [run], observe, hint="mltk get pr --on cluster")
    assert caught.value.hint == "mltk get pr --on cluster"


def test_hints_work_where_the_command_did(place: Place) -> None:
    with pytest.raises(NotFound) as caught:
        get(place, "PipelineRun", "talk")
    assert "mltk get pipelineruns --on cluster" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("http://mltk-mlflow:5000", "http://127.0.0.1:5000"),
        ("https://mlflow.example.org", "https://mlflow.example.org"),
    ],
)
def test_models_are_looked_for_where_the_run_registered_them(
    place: Place, uri: str, asked: str
) -> None:
    ended = dataclasses.replace(
        outcome(pipeline_run(), ()), model="wine", version="1", tracking_uri=uri
    )
    said = [line.strip() for line in next_lines(place, [ended])]
    assert f"mltk models list --tracking-uri {asked}" in said


def test_a_running_run_is_cancelled_before_it_is_deleted(
    shell: Shell, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Conflict("it is running", hint="mltk cancel it")

    monkeypatch.setattr("mltk.cli.place.open_place", lambda *_: place)
    monkeypatch.setattr(place.backend, "delete", refuse)
    shell.keep(pipeline_run(reason="Running"))
    said = shell.mltk("delete", "pr", "talk-abcde", "--on", "cluster", code=5).err
    assert "`mltk cancel talk-abcde --on cluster` ends it" in said


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("sqlite:////home/ada/mlflow.db", "of this machine"),
        ("/home/ada/mlruns", "of this machine"),
        ("http://127.0.0.2:5000", "of this machine"),
        ("http://mlflow.localhost", "of this machine"),
        ("postgresql+psycopg2://ada:secret@db/mlflow", "only the MLflow server"),
        ("https://ada:secret@mlflow.example.org", "Secret mltk-tracking"),
        ("https://token@mlflow.example.org", "Secret mltk-tracking"),
    ],
)
def test_addresses_of_mlflow_that_runs_of_a_cluster_cannot_have(uri: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        require_shared(uri, "here")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.where == "here"


def test_an_address_of_mlflow_that_all_may_see() -> None:
    assert require_shared("http://mltk-mlflow:5000") == "http://mltk-mlflow:5000"


def test_events_explain_what_tekton_only_hints_at_however_late_they_come(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shell.keep(pipeline_run(reason="Running"))
    waiting = task_run("talk-abcde-first", "first", "Running")
    waiting["status"]["podName"] = "the-pod"
    waiting["status"]["conditions"][0] |= {
        "reason": "ExceededNodeResources",
        "message": "TaskRun Pod exceeded available resources",
    }
    shell.keep(waiting)
    event = {
        "reason": "FailedScheduling",
        "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
        "involvedObject": {"kind": "Pod", "name": "the-pod"},
    }
    looks: list[int] = []

    def events(_obj: Obj) -> list[Any]:
        looks.append(1)
        return [event] if len(looks) > 1 else []

    monkeypatch.setattr(shell.backend, "events", events)
    monkeypatch.setattr("mltk.cli.follow._LATE_SECONDS", 0.01)
    messages: list[str] = []

    def observe(obj: Obj) -> None:
        messages.append(obj["status"]["conditions"][0]["message"])
        if "nvidia.com/gpu" in messages[-1]:
            _end(shell, "pr", "talk-abcde")

    follow(shell.backend, [run], observe)
    assert any("Insufficient nvidia.com/gpu" in each for each in messages)


def test_ctrl_c_leaves_the_run_to_the_cluster(
    shell: Shell, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mltk.cli.controller.follow_runs", interrupted)
    run = shell.keep(pipeline_run(reason="Running"))
    shell.capture.readouterr()
    with pytest.raises(KeyboardInterrupt):
        drive(place, [run])
    said = shell.capture.readouterr().err
    assert "talk-abcde goes on in the cluster" in said
    assert "mltk cancel talk-abcde --on cluster" in said
    assert not is_done(shell.backend.get("pr", "talk-abcde"))


def test_a_lost_connection_tells_that_the_run_goes_on(
    shell: Shell, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_args: object, **_options: object) -> None:
        raise InfrastructureError("the cluster does not answer")

    monkeypatch.setattr("mltk.cli.controller.follow_runs", lost)
    run = shell.keep(pipeline_run(reason="Running"))
    shell.capture.readouterr()
    with pytest.raises(InfrastructureError, match="does not answer"):
        drive(place, [run])
    assert "mltk wait talk-abcde --on cluster" in shell.capture.readouterr().err


def test_what_was_made_before_a_refusal_is_said(shell: Shell, place: Place) -> None:
    from mltk.cli.documents import read_objects
    from mltk.errors import AdmissionError

    (shell.folder / "two.yaml").write_text(
        "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: a}\nspec: {steps: [{name: b,"
        " image: c, script: d}]}\n---\napiVersion: tekton.dev/v1\nkind: Task\n"
        "metadata: {name: e}\nspec: {stps: []}\n",
        encoding="utf-8",
    )
    documents = read_objects([str(shell.folder / "two.yaml")])
    shell.capture.readouterr()
    with pytest.raises(AdmissionError) as caught:
        place.engine.create(documents, "default")
    assert "two.yaml:6" in str(caught.value.where)
    assert shell.capture.readouterr().err == "note: task/a was created before that\n"


def _config_map(**data: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "mltk", "namespace": "default"},
        "data": data,
    }


def test_the_config_map_of_the_chart(shell: Shell) -> None:
    with pytest.raises(InfrastructureError, match="not installed in namespace 'default'") as caught:
        tracking_address(find_installation(shell.backend, "default"), "default")
    assert "helm install mltk" in str(caught.value.hint)
    given = {"tracking-uri": "http://mltk-mlflow:5000", "version": "0.0.1", "image": "x/mltk:1"}
    shell.backend.create(_config_map(**given))
    found = find_installation(shell.backend, "default")
    assert found == Installation("http://mltk-mlflow:5000", "0.0.1", "x/mltk:1")
    assert tracking_address(found, "default") == "http://mltk-mlflow:5000"
    shell.capture.readouterr()
    warn_of_another_version(found, "default")
    assert "mltk 0.0.1 is installed" in shell.capture.readouterr().err
    from mltk.version import __version__

    warn_of_another_version(dataclasses.replace(found, version=__version__), "default")
    assert shell.capture.readouterr().err == ""
