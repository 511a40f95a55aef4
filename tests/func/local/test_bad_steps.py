"""Steps that do what a step should not do: the run goes on, or ends with a true reason.

Here they are processes; `test_bad_runs` has most of them in containers of an image, too.
"""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mltk.local.backend import LocalBackend
from mltk.local.overflow import LOG_BYTES, shorten
from mltk.tekton.objects import Obj, message, reason, results

from .conftest import Local, ends, pipeline_run, task

VOLUME = {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}


@pytest.fixture(params=["local", "isolated"])
def either(request: pytest.FixtureRequest) -> Local:
    """An engine whose steps are plain processes, or kept apart."""
    found: Local = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["local", "isolated", "contained"])
def any_(request: pytest.FixtureRequest) -> Local:
    """The same, or one whose steps are containers of an image."""
    found: Local = request.getfixturevalue(request.param)
    return found


def test_log_without_measure_is_shortened_and_the_run_goes_on(either: Local) -> None:
    flood = "echo first; yes | head -c 300000000; echo last"
    run = either.run(pipeline_run("r", task("t", flood, "echo next")), log_bytes=1_000_000)
    assert reason(run) == "Succeeded"
    log = either.log("r-t").splitlines()
    assert (log[0], log[-1]) == ("first", "last")
    assert "mltk: the log has passed 1000000 bytes, its middle is left out" in log
    assert (either.root / "logs/default/r-t/s0.log").stat().st_size < 1_100_000
    assert either.log("r-t", "s1") == "next"


def test_step_that_opens_its_output_again_keeps_its_log(any_: Local) -> None:
    again = "echo first; echo second > /dev/stdout; echo third | tee /dev/stderr; echo last"
    assert reason(any_.run(pipeline_run("r", task("t", again)))) == "Succeeded"
    assert any_.log("r-t").splitlines() == ["first", "second", "third", "third", "last"]


def test_log_of_the_usual_size_is_whole(local: Local) -> None:
    assert LOG_BYTES == 64 * 1024**2
    local.run(pipeline_run("r", task("t", "seq 20000")), log_bytes=200_000)
    assert local.log("r-t").splitlines() == [str(number) for number in range(1, 20001)]


def test_who_follows_a_log_that_is_shortened_reads_on_at_the_gap(local: Local) -> None:
    status = local.run(pipeline_run("r", task("t", "seq 1000"))) and local.task_run("r-t")["status"]
    path = local.root / "logs/default/r-t/s0.log"
    goes_on: Obj = local.task_run("r-t")
    goes_on["status"]["conditions"][0]["status"] = "Unknown"
    local.backend.store.update(goes_on)
    lines = local.backend.logs("r-t", follow=True)
    assert [next(lines) for _ in range(1000)][-1] == "1000"
    with path.open("a") as file:
        file.write("".join(f"{number}\n" for number in range(1001, 1100)))
    shorten(path, 2000)
    with path.open("a") as file:
        file.write("later\n")
    local.backend.store.set_status(local.task_run("r-t"), status)
    word, *rest = lines
    assert word == "mltk: the log has passed 2000 bytes, its middle is left out"
    assert rest[-2:] == ["1099", "later"]
    assert len(rest) < 110


def test_result_that_is_no_text_has_marks_in_its_place(either: Local) -> None:
    bad = "printf 'a\\377b' > $(results.x.path)"
    run = either.run(
        pipeline_run("r", task("t", bad, results=["x"]),
                     pipeline_results=[{"name": "x", "value": "$(tasks.t.results.x)"}])
    )  # fmt: skip
    assert reason(run) == "Succeeded"
    assert results(run) == {"x": "a\ufffdb"}


def test_result_without_measure_fails_the_step_alone(either: Local) -> None:
    big = "head -c 100000000 /dev/zero | tr '\\0' x > $(results.x.path)"
    run = either.run(pipeline_run("r", task("t", big, results=["x"]), finally_=[task("f", "true")]))
    assert reason(run) == "Failed"
    assert reason(either.task_run("r-f")) == "Succeeded"
    assert "Termination message is above max allowed size 4096" in either.log("r-t")


def test_daemon_does_not_outlive_its_run(either: Local) -> None:
    before = _sleepers()
    run = either.run(
        pipeline_run("r", task("t", "setsid sh -c 'sleep 543 & sleep 543' & sleep 0.2"))
    )
    assert reason(run) == "Succeeded"
    assert all(ends(pid) for pid in _sleepers() - before)


def _sleepers() -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"sleep\x00543"):
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def test_step_that_ignores_sigterm_is_over_in_its_time(either: Local) -> None:
    stubborn = "trap '' TERM; echo pid $$; while :; do sleep 600 & wait; done"
    run = pipeline_run("r", task("t", stubborn, timeout="1s"), finally_=[task("f", "true")])
    done = either.run(run)
    assert reason(done) == "Failed"
    assert reason(either.task_run("r-t")) == "TaskRunTimeout"
    assert message(either.task_run("r-t")) == 'TaskRun "r-t" failed to finish within "1s"'


def test_step_that_deletes_its_workspace_harms_itself_alone(either: Local) -> None:
    data: dict[str, Any] = {
        "workspaces": [{"name": "d", "workspace": "d"}],
        "spec_workspaces": [{"name": "d"}],
    }
    write = "echo x > $(workspaces.d.path)/file"
    delete = "rm -rf $(workspaces.d.path)/file $(workspaces.d.path) || true"
    run = either.run(
        pipeline_run(
            "r",
            task("a", write, delete, **data),
            task("b", "ls $(workspaces.d.path)", write, runAfter=["a"], **data),
            pipeline_workspaces=[{"name": "d"}],
            workspaces=[{"name": "d", **VOLUME}],
        )
    )
    assert reason(run) == "Succeeded"
    assert either.log("r-b") == ""


def test_step_that_fills_the_disk_ends_with_a_reason_and_nothing_is_lost(
    small_disk: Path, request: pytest.FixtureRequest
) -> None:
    with LocalBackend(small_disk / ".mltk") as backend:
        local = Local(backend, request.getfixturevalue("local").runtime)
        backend.create(pipeline_run("before", task("t", "true")))
        fill = f"cat /dev/zero > {small_disk}/big"
        with local.serve() as server:
            local.wait_for_end("before")
            backend.create(pipeline_run("r", task("t", fill, "true"), task("u", "true", retries=1)))
            assert server.stderr is not None
            # Either the step fails, or the engine says of the store what is the matter.
            ended = server.wait() if _fails(server) else None
        (small_disk / "big").unlink()
    assert ended in (None, 1)
    with LocalBackend(small_disk / ".mltk", serves=True) as backend:
        assert backend.store.database.query("PRAGMA integrity_check") == [("ok",)]
        local = Local(backend, request.getfixturevalue("local").runtime)
        with local.serve() as server:
            done = local.wait_for_end("r")
            server.send_signal(signal.SIGTERM)
        assert reason(done) == "Failed"
        assert reason(local.task_run("r-t")) in ("StepFailed", "Interrupted", "EngineFailed")


def _fails(server: subprocess.Popen[str]) -> bool:
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.terminate()
        return False
    return True
