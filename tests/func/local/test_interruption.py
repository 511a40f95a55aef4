"""Runs that end before they are done: cancel, Ctrl-C, kill -9, two engines at once."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import Conflict
from mltk.local.backend import LocalBackend
from mltk.local.clock import SteadyClock
from mltk.local.ownership import Ownership
from mltk.tekton.objects import condition, is_done, message, parse_time, reason, uid_of

from .conftest import Local, ends, pipeline_run, task

# Says its number and waits, with a child that is in its group only.
SLEEPER = "sleep 600 & echo pids $$ $!; wait"


def pids(local: Local, task_run: str) -> list[int]:
    local.wait_for_log(task_run, "pids")
    return [int(word) for word in local.log(task_run).split()[1:]]


def outcome(local: Local, name: str, kind: str = "pr") -> tuple[str, str]:
    found = condition(local.backend.get(kind, name, "default"))
    assert found is not None
    return found["status"], found["reason"]


def test_cancel_from_another_process_ends_steps_and_their_children(local: Local) -> None:
    local.backend.create(pipeline_run("r", task("t", SLEEPER), finally_=[task("f", "true")]))
    with local.start("r") as engine:
        running = pids(local, "r-t")
        local.backend.patch("pr", "r", "default", {"spec": {"status": "Cancelled"}})
        assert engine.wait() == 0
    assert outcome(local, "r") == ("False", "Cancelled")
    assert outcome(local, "r-t", "tr") == ("False", "TaskRunCancelled")
    assert all(ends(pid) for pid in running)


def test_graceful_cancel_still_runs_finally(local: Local) -> None:
    local.backend.create(pipeline_run("r", task("t", SLEEPER), finally_=[task("f", "true")]))
    with local.start("r") as engine:
        pids(local, "r-t")
        local.backend.patch("pr", "r", "default", {"spec": {"status": "CancelledRunFinally"}})
        assert engine.wait() == 0
    assert outcome(local, "r") == ("False", "Cancelled")
    assert outcome(local, "r-f", "tr") == ("True", "Succeeded")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_cancels_and_leaves_nothing_running(local: Local, number: int) -> None:
    # The step ignores SIGTERM: it is killed after the grace.
    local.backend.create(pipeline_run("r", task("t", f"trap '' TERM; {SLEEPER}; wait")))
    with local.start("r") as engine:
        running = pids(local, "r-t")
        engine.send_signal(number)
        assert engine.wait() == 130
    assert outcome(local, "r") == ("False", "Cancelled")
    assert all(ends(pid) for pid in running)


def test_killed_engine_leaves_runs_that_the_next_command_ends(local: Local) -> None:
    local.backend.create(pipeline_run("r", task("t", SLEEPER), task("u", "sleep 600")))
    with local.start("r") as engine:
        running = pids(local, "r-t")
        engine.kill()
    assert not is_done(local.backend.get("pr", "r", "default"))
    with LocalBackend(local.root) as again:
        assert not again.store.database.query("SELECT * FROM owners")
    assert outcome(local, "r") == ("False", "Interrupted")
    assert "mltk rerun pipelinerun r" in message(local.backend.get("pr", "r", "default"))
    assert outcome(local, "r-t", "tr") == ("False", "Interrupted")
    assert all(ends(pid) for pid in running)
    assert not list((local.root / "work" / "default").iterdir())
    ended = local.backend.get("tr", "r-t", "default")
    assert not local.backend.layout.work_in_memory(ended).exists()


def test_no_process_of_an_attempt_is_on_the_books_when_another_may_follow(local: Local) -> None:
    """Else it stays there when the engine is killed and the run cancelled before the next one."""
    ownership = Ownership(local.backend.store.database)
    seen: list[int] = []

    def look(obj: Any) -> None:
        if obj["kind"] == "TaskRun":
            seen.append(len(ownership.processes(uid_of(obj))))

    local.run(pipeline_run("r", task("t", "sleep 0.3; exit 1", retries=1)), observer=look)
    # It is made; of each attempt: its step runs, it has ended.
    assert seen == [0, 1, 0, 1, 0]


def test_two_engines_share_a_store(local: Local) -> None:
    pipe = local.root / "pipe"
    os.mkfifo(pipe)
    local.backend.create(pipeline_run("w", task("t", f"echo over > {pipe}")))
    local.backend.create(pipeline_run("r", task("t", f"cat {pipe}")))
    with local.start("w") as one, local.start("r") as two:
        assert (one.wait(), two.wait()) == (0, 0)
    assert local.log("r-t") == "over"


def test_run_of_a_live_engine_is_left_to_it(local: Local) -> None:
    local.backend.create(pipeline_run("r", task("t", SLEEPER)))
    with local.start("r") as engine:
        pids(local, "r-t")
        with pytest.raises(Conflict, match=f"pipelinerun/r is driven by process {engine.pid}"):
            local.engine().run(["r"])
        with pytest.raises(Conflict, match="is running in process"):
            local.backend.delete("pr", "r", "default")
        with LocalBackend(local.root):
            assert not is_done(local.backend.get("pr", "r", "default"))
        engine.send_signal(signal.SIGINT)
        assert engine.wait() == 130


def test_store_that_fails_ends_the_engine_with_its_reason(local: Local) -> None:
    """A limit on the size of files stands for a full disk."""
    big = pipeline_run("r", task("t", "head -c 3000 /dev/zero | tr '\\0' x > $(results.x.path)",
                                 results=["x"], retries=200, onError="stopAndFail"))  # fmt: skip
    big["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"].append(
        {"name": "fail", "image": "none", "script": "exit 1"}
    )
    local.backend.create(big)
    code = (
        "import resource, runpy, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from mltk.errors import InfrastructureError\n"
        "from pathlib import Path\n"
        "from mltk.local.backend import LocalBackend\n"
        "from mltk.local.engine import Engine\n"
        "from mltk.local.process import ProcessRuntime\n"
        "size = Path(sys.argv[1], 'state.db-wal').stat().st_size + 100_000\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "with LocalBackend(Path(sys.argv[1])) as backend, ProcessRuntime() as runtime:\n"
        "    try:\n"
        "        Engine(backend.store, runtime, grace=0.2).run(['r'])\n"
        "    except InfrastructureError as error:\n"
        "        sys.exit(str(error))\n"
    )
    done: Any = subprocess.run(
        [sys.executable, "-c", code, str(local.root)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "the store failed" in done.stderr
    assert "Traceback" not in done.stderr
    LocalBackend(local.root).close()
    assert is_done(local.backend.get("pr", "r", "default"))
    assert reason(local.backend.get("pr", "r", "default")) in ("Interrupted", "EngineFailed")


def test_deleted_run_ends_its_engine(local: Local) -> None:
    local.backend.create(pipeline_run("r", task("t", SLEEPER)))
    with local.start("r") as engine:
        running = pids(local, "r-t")
        local.backend.store.delete("pr", "r")
        assert engine.wait() == 0
    assert all(ends(pid) for pid in running)
    assert not Path(local.root / "work" / "default" / "r-t").exists()


@pytest.mark.parametrize("days", [-400, 400])
def test_clock_that_jumps_ends_no_run(local: Local, days: int) -> None:
    """The second task begins after the jump; only the real hour counts for the timeout."""
    times = iter([datetime(2026, 1, 1, tzinfo=UTC)] * 2)
    later = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
    run = pipeline_run("r", task("a", "true"), task("b", "true", runAfter=["a"]))
    run["spec"]["timeouts"] = {"pipeline": "1h"}
    done = local.run(run, clock=SteadyClock(lambda: next(times, later)))
    assert reason(done) == "Succeeded"
    start, end = (parse_time(done["status"][key]) for key in ("startTime", "completionTime"))
    assert timedelta(0) <= end - start < timedelta(hours=1)


def test_timeout_comes_in_its_time_while_the_clock_jumps(local: Local) -> None:
    moments = itertools.cycle([datetime(2026, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)])
    run = pipeline_run("r", task("a", SLEEPER))
    run["spec"]["timeouts"] = {"pipeline": "1s"}
    done = local.run(run, clock=SteadyClock(lambda: next(moments)))
    assert reason(done) == "PipelineRunTimeout"
