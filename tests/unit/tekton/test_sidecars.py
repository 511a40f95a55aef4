"""Sidecars in the status of a TaskRun."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mltk.tekton.attempts import StepState, finished
from mltk.tekton.resolved import POD_PATHS, ResolvedTask
from mltk.tekton.sidecars import Care, Probe, SidecarState, failure, with_sidecars
from mltk.tekton.taskrun import resolve

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = SidecarState("runs", NOW)
STOPPED = SidecarState("stopped", NOW, NOW, 137, stopped=True)
FAILED = SidecarState("failed", NOW, NOW, 3)
ENDED = SidecarState("ended", NOW, NOW, 0)


def resolved(**sidecar: object) -> ResolvedTask:
    step = {"image": "i", "script": "x"}
    task_run = {
        "metadata": {"name": "tr", "namespace": "n", "uid": "u"},
        "spec": {
            "params": [{"name": "p", "value": "v"}],
            "workspaces": [{"name": "w", "emptyDir": {}}],
            "sidecarSpecs": [{"name": "s", "computeResources": {"limits": {"cpu": 2}}}],
        },
    }
    spec = {
        "params": [{"name": "p"}],
        "workspaces": [{"name": "w"}],
        "steps": [step],
        "sidecars": [{"name": "s", **step, **sidecar}],
    }
    return resolve(task_run, spec, POD_PATHS)


def test_states_as_they_are_told() -> None:
    spoken = SidecarState("spoken", NOW, NOW, 3, message="last words")
    found = with_sidecars({}, [RUNS, spoken, SidecarState("", NOW)])["sidecars"]
    assert [(each["name"], each["container"]) for each in found] == [
        ("runs", "sidecar-runs"), ("spoken", "sidecar-spoken"),
    ]  # fmt: skip
    assert found[0]["running"] == {"startedAt": "2026-01-01T00:00:00Z"}
    assert found[1]["terminated"]["reason"] == "Error"
    assert found[1]["terminated"]["message"] == "last words"
    assert with_sidecars({}, []) == {}


def test_state_of_one_that_was_stopped() -> None:
    found = with_sidecars({}, [STOPPED, FAILED])["sidecars"]
    assert found[0]["terminated"]["reason"] == "Completed"
    assert found[0]["terminated"]["message"].endswith("stopped by nop image")
    assert found[1]["terminated"]["reason"] == "Error"


@pytest.mark.parametrize(
    ("written", "log", "exit_code", "said"),
    [
        ("words", "log", 1, "words"),
        ("x" * 5000, "", 0, "x" * 4096),
        ("", "log", 0, ""),
        ("", "\n" * 100, 1, "\n" * 80),
        ("", "x" * 3000, 1, "x" * 2048),
    ],
)
def test_last_words(written: str, log: str, exit_code: int, said: str) -> None:
    care = Care.read({"terminationMessagePolicy": "FallbackToLogsOnError"})
    assert care.last_words(written, log, exit_code) == said
    assert Care().last_words("", log, exit_code) == ""


@pytest.mark.parametrize(
    ("states", "step_failed", "blamed"),
    [
        ([ENDED, FAILED], False, True),
        ([STOPPED, FAILED], False, False),
        ([STOPPED, FAILED], True, True),
        ([STOPPED, ENDED], True, False),
        ([], True, False),
    ],
)
def test_when_a_sidecar_is_to_blame(
    states: list[SidecarState], step_failed: bool, blamed: bool
) -> None:
    said = '"sidecar-failed" exited with code 3: Error' if blamed else ""
    blamed = failure(states, step_failed=step_failed)
    assert (blamed.why if blamed else "") == said


GREEDY = SidecarState("greedy", NOW, NOW, 137, oom_killed=True)
STARVED = StepState("s", NOW, NOW, 137, oom_killed=True)
BROKEN = StepState("s", NOW, NOW, 1)


@pytest.mark.parametrize(
    ("steps", "sidecars", "reason", "why"),
    [
        ([STARVED], [FAILED, GREEDY], "SidecarOOM", '"sidecar-greedy" exited with code 137: OOM'),
        ([STARVED], [FAILED], "StepOOM", '"step-s" exited with code 137: OOMKilled'),
        ([BROKEN], [FAILED, STOPPED], "SidecarFailed", '"sidecar-failed" exited with code 3: Er'),
        ([replace(STARVED, exit_code=0)], [], "StepOOM", "OOMKilled"),
        ([replace(STARVED, on_error="continue")], [STOPPED], "StepOOM", "OOMKilled"),
    ],
)
def test_who_is_blamed_first(
    steps: list[StepState], sidecars: list[SidecarState], reason: str, why: str
) -> None:
    task_run = {"metadata": {"name": "tr"}}
    (found,) = finished(task_run, {}, steps, (), NOW, sidecars)["conditions"]
    assert (found["status"], found["reason"]) == ("False", reason)
    assert found["message"].startswith(why)


def test_variables_mounts_and_requests_of_a_sidecar() -> None:
    task = resolved(args=["$(params.p)", "$(workspaces.w.path)"], script="echo $(params.p)")
    ((sidecar, _),) = task.sidecars
    assert sidecar.args == ("v", "/workspace/w")
    assert sidecar.script == "echo v"
    assert sidecar.container == "sidecar-s"
    assert [mount.path for mount in sidecar.mounts] == ["/workspace/w", "/tekton/scripts"]
    assert sidecar.resources.limits == {"cpu": "2"}


def test_a_sidecar_keeps_what_it_mounts_at_the_place_of_a_workspace() -> None:
    own = [{"name": "$(workspaces.w.volume)", "mountPath": "$(workspaces.w.path)"}]
    ((sidecar, _),) = resolved(volumeMounts=own).sidecars
    assert [mount.path for mount in sidecar.mounts] == ["/workspace/w", "/tekton/scripts"]


def test_care_that_is_taken() -> None:
    care = Care.read(
        {
            "startupProbe": {"exec": {"command": ["a"]}, "failureThreshold": 0},
            "livenessProbe": {"exec": {}, "terminationGracePeriodSeconds": 2},
            "readinessProbe": {"tcpSocket": {"port": 1}, "initialDelaySeconds": 5},
            "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
            "ports": [{"name": "web", "containerPort": 80}, {"containerPort": 81}],
        }
    )
    assert care.startup == Probe({"exec": {"command": ["a"]}})
    assert care.readiness is not None
    assert care.readiness.delay == 5
    assert care.liveness is not None
    assert care.liveness.grace == 2
    assert care.pre_stop == {"sleep": {"seconds": 1}}
    assert care.ports == {"web": 80}
