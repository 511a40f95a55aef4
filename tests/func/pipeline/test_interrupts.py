"""Ctrl-C, kill -9 and two commands at once: every run is found where it was."""

from __future__ import annotations

import os
import signal

import pytest

from .conftest import Project

STAGES = ("fetch-data", "train-model", "gate-model", "register-model", "report")


def _stop_when_running(project: Project, task: str, number: signal.Signals) -> int:
    """Signal `mltk run` when a Task of it has begun; give its exit code."""
    running = project.start("run")
    watch = project.start("get", "taskruns", "-w")
    try:
        assert watch.stdout is not None
        assert any(f"-{task} " in line for line in watch.stdout)
        os.kill(running.pid, number)
        running.communicate(timeout=60)
        return running.returncode
    finally:
        for process in (watch, running):
            process.kill()
            process.communicate()


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_cancels_the_run_in_each_stage(project: Project, stage: str) -> None:
    assert _stop_when_running(project, stage, signal.SIGINT) == 130
    (run,) = project.json("get", "pr")["items"]
    (condition,) = run["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "Cancelled")

    project.mltk("rerun", run["metadata"]["name"])

    assert len(project.json("models", "list")) == 1


def test_a_killed_engine_leaves_an_interrupted_run_that_goes_on(project: Project) -> None:
    assert _stop_when_running(project, "gate-model", signal.SIGKILL) == -signal.SIGKILL
    (run,) = project.json("get", "pr")["items"]
    (condition,) = run["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "Interrupted")
    name = run["metadata"]["name"]
    assert f"mltk rerun pipelinerun {name}" in condition["message"]

    project.mltk("rerun", name)

    tasks = {
        task["metadata"]["labels"]["tekton.dev/pipelineTask"]: task
        for task in project.json("get", "taskruns", "-l", f"tekton.dev/pipelineRun!={name}")[
            "items"
        ]
    }
    done_before = tasks["train-model"]["metadata"].get("annotations", {})
    assert "mltk.dev/cached-from" in done_before, "training was done, it is not done again"
    assert len(project.json("models", "list")) == 1


def test_two_runs_at_the_same_time_make_one(project: Project) -> None:
    first, second = project.start("run"), project.start("run")
    said = [process.communicate(timeout=300) for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert len(project.json("get", "pr")["items"]) == 1
    assert len(project.json("models", "list", "--all")) == 1
