"""Runs that wait for their turn, as those who type commands see them."""

from __future__ import annotations

import os
from typing import Any

import pytest

from mltk.local.backend import LocalBackend

from .cli_folder import Folder, pipeline, task

HELD = "read line < GATE"


def _waiting(name: str, second: int, **said: str) -> Any:
    marks = {"mltk.dev/queue": "model-wine", "mltk.dev/queued-at": f"{second}"}
    marks |= {f"mltk.dev/{key.replace('_', '-')}": text for key, text in said.items()}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name, "labels": {"mltk.dev/project": "p"}, "annotations": marks},
        "spec": {"pipelineRef": {"name": "held"}, "status": "PipelineRunPending"},
    }


def _let_go(held: Folder, *names: str) -> None:
    """End runs one after the other: a pipe would give two lines to one reader."""
    for name in names:
        held.until("tr", f"{name}-hold", reason="Running")
        (held.path / "gate").write_text("go\n")
        held.until("pr", name, reason="Succeeded")


@pytest.fixture
def held(folder: Folder) -> Folder:
    """A Pipeline that ends when a line comes through the pipe `gate`."""
    os.mkfifo(folder.path / "gate")
    script = HELD.replace("GATE", str(folder.path / "gate"))
    folder.mltk("apply", "-f", folder.write("t.yaml", task("hold", script),
                                            pipeline("held", "hold")))  # fmt: skip
    return folder


def test_runs_that_wait_are_shown_with_their_place_and_go_one_by_one(held: Folder) -> None:
    runs = [_waiting(f"r{n}", n, queue_limit="1", project_limit="4") for n in range(3)]
    file = held.write("runs.yaml", *runs)
    with held.start("create", "-f", file) as made:
        held.until("tr", "r0-hold", reason="Running")
        held.until("pr", "r2", reason="PipelineRunPending")

        listed = [line.split() for line in held.mltk("get", "pr").stdout.splitlines()]
        assert [line[0] for line in listed[1:]] == ["r2", "r1", "r0"]
        assert "Waiting (2nd of 2 in model-wine)" in " ".join(listed[1])
        assert "Waiting (1st of 2 in model-wine)" in " ".join(listed[2])
        assert listed[3][-1] == "Running"
        seen = held.json("get", "pr", "r1")
        assert seen["status"]["conditions"][0]["reason"] == "PipelineRunPending"

        said = held.mltk("describe", "pr", "r1").stdout
        assert "waits as 1st of 2 in model-wine: 1 run goes on, at most 1 of its queue: r0" in said
        assert "waits as 2nd of 2 in model-wine: 1 before it, " in (
            held.mltk("describe", "pr", "r2").stdout
        )

        header, line = held.mltk("queue", "list").stdout.splitlines()
        assert header.split()[:4] == ["QUEUE", "RUNNING", "WAITING", "PROJECT"]
        assert line.split()[:10] == ["model-wine", "1", "of", "1", "2", "p", "1", "of", "4", "r1"]
        (line,) = held.json("queue", "list")
        assert line["oldestWaitingSince"].endswith("Z")
        del line["oldestWaitingSince"]
        assert line == {
            "namespace": "default",
            "project": "p",
            "queue": "model-wine",
            "running": 1,
            "waiting": 2,
            "limit": 1,
            "projectRunning": 1,
            "projectLimit": 4,
            "next": "r1",
        }
        assert held.mltk("queue", "list", "-o", "name").stdout == "queue/model-wine\n"
        assert held.mltk("get", "queue", "-o", "name").stdout == "queue/model-wine\n"
        assert "mltk get pr -w" in held.mltk("get", "queue", "-w", code=2).stderr

        _let_go(held, "r0", "r1", "r2")
        assert made.stderr is not None
        progress = made.stderr.read()
        assert made.wait() == 0
    assert "r1 waits: its turn in queue model-wine (1 at once, 4 at once of project p)" in progress
    assert all(f"r{n}  Succeeded" in progress for n in range(3))
    assert held.mltk("queue", "list").stdout == ""
    assert "No run waits" in held.mltk("queue", "list").stderr
    # What was true of the first run is not true of a copy, which runs at once.
    with held.start("rerun", "r0") as again:
        (held.path / "gate").write_text("go\n")
        assert again.wait() == 0
    copy = next(run for run in held.json("get", "pr")["items"] if "-r-" in run["metadata"]["name"])
    marks = copy["metadata"]["annotations"]
    assert marks["mltk.dev/queue"] == "model-wine"
    assert not {"mltk.dev/called-at", "mltk.dev/queued-at"} & marks.keys()


def test_run_that_is_replaced_says_by_which(held: Folder) -> None:
    rules = {"queue_limit": "1", "newest_wins": "true"}
    runs = [_waiting("r0", 0, **rules)]
    with held.start("create", "-f", held.write("first.yaml", *runs)) as first:
        held.until("tr", "r0-hold", reason="Running")
        with held.start("create", "-f", held.write("old.yaml", _waiting("r1", 1, **rules))) as old:
            held.until("pr", "r1", reason="PipelineRunPending")
            newer = _waiting("r2", 2, **rules)
            # The same second may not tell them apart; the stamp does.
            with held.start("create", "-f", held.write("new.yaml", newer)) as new:
                assert old.stderr is not None
                progress = old.stderr.read()
                assert old.wait() == 1
                _let_go(held, "r0", "r2")
                assert (first.wait(), new.wait()) == (0, 0)
    words = "replaced by r2, a newer run of queue model-wine, before its turn came"
    assert f"r1  Failed  0s  Cancelled: {words}" in progress.replace("  1s  ", "  0s  ")
    assert "Replaced (by r2)" in held.mltk("get", "pr").stdout
    assert words in held.mltk("describe", "pr", "r1").stdout


def test_run_can_be_let_go_before_its_turn(held: Folder) -> None:
    runs = [_waiting(f"r{n}", n, queue_limit="1") for n in range(2)]
    with held.start("create", "-f", held.write("runs.yaml", *runs)) as made:
        held.until("tr", "r0-hold", reason="Running")
        assert held.mltk("queue", "release", "r1").stdout == "pipelinerun.tekton.dev/r1 released\n"
        held.until("tr", "r1-hold", reason="Running")
        assert "pipelinerun.tekton.dev/r1 does not wait" in (
            held.mltk("queue", "release", "r1", code=5).stderr
        )
        for name in ("r0", "r1"):
            held.mltk("cancel", name)
        assert made.wait() == 1


def test_server_goes_on_with_the_queue_that_the_last_one_left(held: Folder) -> None:
    with LocalBackend(held.path / ".mltk") as backend:
        for number in range(2):
            run = _waiting(f"r{number}", number, queue_limit="1")
            backend.create({**run, "metadata": {**run["metadata"], "namespace": "default"}})
    serve = ("serve", "--no-tls", "--port", "0")
    with held.start(*serve) as server:
        held.until("tr", "r0-hold", reason="Running")
        held.until("pr", "r1", reason="PipelineRunPending")
        server.terminate()
    with held.start(*serve) as server:
        held.until("pr", "r0", reason="Failed")  # its step was ended with its server
        _let_go(held, "r1")
        server.terminate()


def test_rules_that_cannot_be_read_are_said(held: Folder) -> None:
    file = held.write("run.yaml", _waiting("r0", 0, queue_limit="many", quiet_period="soon"))
    with held.start("create", "-f", file) as made:
        held.until("tr", "r0-hold", reason="Running")
        (held.path / "gate").write_text("go\n")
        assert made.stderr is not None
        said = made.stderr.read()
        assert made.wait() == 0
    words = "annotation mltk.dev/queue-limit: 'many' is not a number from 1 on; 1 is taken"
    assert f"warning: pipelinerun/r0: {words}" in said
    assert words in held.mltk("describe", "pr", "r0").stdout


def test_on_this_machine_nobody_needs_to_tend_the_queue(held: Folder) -> None:
    said = held.mltk("queue", "run", code=2).stderr
    assert "the queues are tended by whoever drives the runs" in said
    assert "mltk queue run --on cluster" in said
