"""The engine as a controller: it drives whatever nobody drives, also after its death."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from mltk.cli.embedded import EmbeddedEngine
from mltk.errors import Conflict, UsageError
from mltk.local.backend import LocalBackend
from mltk.local.ownership import Ownership
from mltk.tekton.objects import Obj, is_done, message, reason, uid_of

from .conftest import Local, ends, pipeline_run, task


def held(tmp_path: Path) -> tuple[str, Path]:
    """A script that adds a line to a file, says its numbers and waits for a line of a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = f"echo x >> {tmp_path}/times; sleep 600 & echo pids $$ $!; read word < {pipe}"
    return script, pipe


def times(tmp_path: Path) -> int:
    return len((tmp_path / "times").read_text().split())


def wait_for_office(local: Local) -> None:
    local.backend.create(pipeline_run("probe", task("t", "true")))
    local.wait_for_end("probe")


def let_second_attempt_go(local: Local, pipe: Path) -> None:
    for event in local.backend.watch("tr", name="r-t"):
        status = event.obj["status"]
        if "retriesStatus" in status and "podName" in status:
            pipe.write_text("go\n")
            return


def running(local: Local, task_run: str) -> list[int]:
    local.wait_for_log(task_run, "pids")
    return [int(word) for word in local.log(task_run).split()[1:]]


def test_runs_are_taken_up_as_they_come(local: Local) -> None:
    local.backend.create(pipeline_run("early", task("t", "true"), finally_=[task("f", "true")]))
    single: Obj = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": "single"},
        "spec": {"taskSpec": {"steps": [{"image": "none", "script": "true"}]}},
    }
    with local.serve() as server:
        assert reason(local.wait_for_end("early")) == "Succeeded"
        local.backend.create(pipeline_run("late", task("t", "true")))
        local.backend.create(single)
        assert reason(local.wait_for_end("late")) == "Succeeded"
        assert reason(local.wait_for_end("single", "tr")) == "Succeeded"
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    assert not local.backend.store.database.query("SELECT * FROM owners")


def test_killed_server_is_followed_by_one_that_goes_on(local: Local, tmp_path: Path) -> None:
    script, pipe = held(tmp_path)
    local.backend.create(
        pipeline_run("r", task("t", script, "echo second", retries=1),
                     task("u", "true", runAfter=["t"]), finally_=[task("f", "true")])
    )  # fmt: skip
    with local.serve() as server:
        first = running(local, "r-t")
        server.kill()
    with LocalBackend(local.root) as other:  # a command that only looks
        assert not other.interrupted
    with local.serve() as server:
        let_second_attempt_go(local, pipe)
        assert reason(local.wait_for_end("r")) == "Succeeded"
        server.terminate()
    assert all(ends(pid) for pid in first)
    (attempt,) = local.task_run("r-t")["status"]["retriesStatus"]
    assert attempt["conditions"][0]["reason"] == "Interrupted"
    assert attempt["conditions"][0]["message"] == (
        'TaskRun "r-t" was interrupted: the engine that ran it has ended'
    )
    assert [step["terminated"]["reason"] for step in attempt["steps"]] == ["Interrupted"] * 2
    assert times(tmp_path) == 2
    assert (local.root / "logs" / "default" / "r-t" / "s0.1.log").exists()


def test_without_retries_the_task_has_failed_and_finally_runs(local: Local, tmp_path: Path) -> None:
    script, _ = held(tmp_path)
    local.backend.create(pipeline_run("r", task("t", script), finally_=[task("f", "true")]))
    with local.serve() as server:
        running(local, "r-t")
        server.kill()
    with local.serve() as server:
        done = local.wait_for_end("r")
        server.terminate()
    assert reason(done) == "Failed"
    assert message(done) == "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0"
    assert reason(local.task_run("r-t")) == "Interrupted"
    assert reason(local.task_run("r-f")) == "Succeeded"
    assert times(tmp_path) == 1


def test_step_that_nobody_had_time_to_write_down_is_ended(local: Local, tmp_path: Path) -> None:
    script, _ = held(tmp_path)
    local.backend.create(pipeline_run("r", task("t", f"setsid sh -c '{script}'")))
    with local.serve() as server:
        first = running(local, "r-t")
        server.kill()
    with local.backend.store.transaction() as connection:
        connection.execute("DELETE FROM processes")
    with local.serve() as server:
        local.wait_for_end("r")
        server.terminate()
    assert all(ends(pid) for pid in first)


def test_server_that_is_told_to_stop_leaves_its_runs_to_the_next(
    local: Local, tmp_path: Path
) -> None:
    script, pipe = held(tmp_path)
    local.backend.create(pipeline_run("r", task("t", script, retries=1)))
    with local.serve() as server:
        first = running(local, "r-t")
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    assert all(ends(pid) for pid in first)
    assert not is_done(local.backend.get("pr", "r"))
    assert reason(local.task_run("r-t")) == "ToBeRetried"
    with local.serve() as server:
        let_second_attempt_go(local, pipe)
        assert reason(local.wait_for_end("r")) == "Succeeded"
        server.terminate()
    assert times(tmp_path) == 2


def test_second_server_is_told_of_the_first(local: Local) -> None:
    with local.serve() as first:
        wait_for_office(local)
        with local.serve() as second:
            assert second.stderr is not None
            assert (
                f"Conflict: the runs of this folder are driven by process {first.pid} already\n"
                f"Use that one, or end it first: kill {first.pid}\n"
            ) == second.stderr.read()
        assert second.returncode == 1
        first.terminate()


def test_guest_who_sees_no_process_knows_whether_anybody_serves(local: Local) -> None:
    guest = EmbeddedEngine(local.backend, guest=True)
    with pytest.raises(UsageError, match="nothing serves this folder"):
        guest.require_attendance()
    with local.serve() as server:
        wait_for_office(local)
        guest.require_attendance()
        waiting = local.backend.create(
            pipeline_run("w", task("t", "true"), status="PipelineRunPending")
        )
        assert guest.tends(waiting)
        server.kill()
    assert local.backend.store.database.query("SELECT * FROM owners"), "the record stays"
    with pytest.raises(UsageError, match="nothing serves this folder"):
        guest.require_attendance()
    assert not guest.tends(waiting)
    assert not is_done(local.backend.get("pr", "w"))


def test_server_takes_over_what_another_engine_left(local: Local, tmp_path: Path) -> None:
    script, pipe = held(tmp_path)
    local.backend.create(pipeline_run("r", task("t", script, retries=1)))
    with local.start("r") as engine:
        running(local, "r-t")
        with local.serve() as server:
            wait_for_office(local)
            with pytest.raises(Conflict, match="is driven by process"):
                local.engine().run(["r"])
            engine.kill()
            let_second_attempt_go(local, pipe)
            assert reason(local.wait_for_end("r")) == "Succeeded"
            server.terminate()


def test_pending_run_waits_in_nobodys_hands(local: Local) -> None:
    local.backend.create(pipeline_run("p", task("t", "true"), status="PipelineRunPending"))
    local.backend.create(pipeline_run("r", task("t", "true")))
    owner = Ownership(local.backend.store.database).owner
    with local.serve() as server:
        local.wait_for_end("r")
        pending = local.backend.get("pr", "p")
        assert reason(pending) == "PipelineRunPending"
        assert owner(uid_of(pending)) is None
        local.backend.patch("pr", "p", "default", {"spec": {"status": None}})
        assert reason(local.wait_for_end("p")) == "Succeeded"
        server.terminate()


def test_run_that_another_controller_manages_is_left_to_it(local: Local) -> None:
    theirs = pipeline_run("theirs", task("t", "true"), managedBy="example.com/queue")
    local.backend.create(theirs)
    local.backend.create(pipeline_run("r", task("t", "true")))
    with local.serve() as server:
        local.wait_for_end("r")
        server.terminate()
    assert "status" not in local.backend.get("pr", "theirs")
    with pytest.raises(Conflict, match="pipelinerun/theirs is managed by"):
        local.engine().run(["theirs"])
    asked = local.backend.cancel(local.backend.get("pr", "theirs"), "Cancelled")
    assert asked["spec"]["status"] == "Cancelled"
    assert "status" not in asked
    with LocalBackend(local.root, drives=True) as command:
        command.create({**theirs, "metadata": {"name": "made", "namespace": "default"}})
        with pytest.raises(Conflict, match="pipelinerun/made is managed by"):
            local.engine().run(["made"])
    assert not local.backend.store.database.query("SELECT * FROM owners")


def test_run_that_a_command_makes_is_its_own(local: Local) -> None:
    with local.serve() as server, LocalBackend(local.root, drives=True) as command:
        command.create(pipeline_run("mine", task("t", "true")))
        local.backend.create(pipeline_run("r", task("t", "true")))
        local.wait_for_end("r")
        assert "status" not in local.backend.get("pr", "mine")
        local.engine().run(["mine"])
        assert reason(local.backend.get("pr", "mine")) == "Succeeded"
        server.terminate()
