"""Runs within runs, and runs for others: driven, cancelled, interrupted and deleted together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mltk.local.backend import LocalBackend
from mltk.tekton.config import FEATURE_FLAGS, NAMESPACE
from mltk.tekton.objects import Obj, is_done, reason, status_of

from .conftest import Local, ends, pipeline_run, task

SLEEPER = "sleep 600 & echo pids $$ $!; wait"
CUSTOM = {"name": "c", "taskRef": {"apiVersion": "wait.dev/v1", "kind": "Wait", "name": "w"}}


@pytest.fixture
def alpha(local: Local) -> Iterator[Local]:
    flags = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": FEATURE_FLAGS, "namespace": NAMESPACE},
        "data": {"enable-api-fields": "alpha"},
    }
    local.backend.apply([flags])
    yield local


def within(*tasks: Obj, **fields: Any) -> Obj:
    return {"name": "n", "pipelineSpec": {"tasks": list(tasks)}, **fields}


def pids(local: Local, task_run: str) -> list[int]:
    local.wait_for_log(task_run, "pids")
    return [int(word) for word in local.log(task_run).split()[1:]]


def test_a_pipeline_runs_within_another(alpha: Local) -> None:
    inner = within(task("a", "echo inner"), within(task("b", "echo innermost")))
    (done,) = alpha.engine(jobs=1).run([_create(alpha, pipeline_run("r", inner))])
    assert reason(done) == "Succeeded"
    assert alpha.log("r-n-a") == "inner"
    assert alpha.log("r-n-n-b") == "innermost"
    assert reason(alpha.backend.get("pr", "r-n-n")) == "Succeeded"
    assert not alpha.backend.store.database.query("SELECT * FROM owners")
    gone = alpha.backend.delete("pr", "r")
    assert len(gone) == 5
    assert not alpha.backend.list("tr")


def test_a_server_runs_it_too(alpha: Local) -> None:
    with alpha.serve() as server:
        alpha.backend.create(pipeline_run("r", within(task("a", "true"))))
        assert reason(alpha.wait_for_end("r")) == "Succeeded"
        server.terminate()
        assert server.wait() == 0


def test_a_cancel_reaches_the_steps_within(alpha: Local) -> None:
    alpha.backend.create(pipeline_run("r", within(task("a", SLEEPER))))
    with alpha.start("r") as engine:
        running = pids(alpha, "r-n-a")
        alpha.backend.cancel(alpha.backend.get("pr", "r"), "Cancelled")
        assert engine.wait() == 0
    assert [reason(alpha.backend.get("pr", name)) for name in ("r", "r-n")] == ["Cancelled"] * 2
    assert reason(alpha.task_run("r-n-a")) == "TaskRunCancelled"
    assert all(ends(pid) for pid in running)


def test_a_killed_engine_leaves_nothing_within(alpha: Local) -> None:
    alpha.backend.create(pipeline_run("r", within(task("a", SLEEPER))))
    with alpha.start("r") as engine:
        running = pids(alpha, "r-n-a")
        engine.kill()
    with LocalBackend(alpha.root) as again:
        assert not again.store.database.query("SELECT * FROM owners")
    found = [alpha.backend.get("pr", "r"), alpha.backend.get("pr", "r-n"), alpha.task_run("r-n-a")]
    assert [reason(obj) for obj in found] == ["Interrupted"] * 3
    assert all(ends(pid) for pid in running)


def test_a_server_goes_on_with_what_a_killed_one_left_within(alpha: Local) -> None:
    done = f"test -f $(workspaces.w.path)/d || {{ touch $(workspaces.w.path)/d; {SLEEPER}; }}"
    inner = within(
        task("a", done, retries=1, workspaces=[{"name": "w"}], spec_workspaces=[{"name": "w"}]),
        workspaces=[{"name": "w"}],
    )
    inner["pipelineSpec"]["workspaces"] = [{"name": "w"}]
    claim = {"name": "w", "persistentVolumeClaim": {"claimName": "c"}}
    run = pipeline_run("r", inner, pipeline_workspaces=[{"name": "w"}], workspaces=[claim])
    alpha.backend.create(run)
    with alpha.serve() as server:
        running = pids(alpha, "r-n-a")
        server.kill()
    with alpha.serve() as server:
        assert reason(alpha.wait_for_end("r")) == "Succeeded"
        server.terminate()
        assert server.wait() == 0
    assert all(ends(pid) for pid in running)
    assert len(status_of(alpha.task_run("r-n-a"))["retriesStatus"]) == 1


def test_a_custom_run_ends_when_its_controller_says_so(local: Local) -> None:
    uses = task("u", "echo $(tasks.c.results.word)")
    local.backend.create(pipeline_run("r", CUSTOM, uses))
    with local.start("r") as engine:
        found = next(e.obj for e in local.backend.watch("customrun", name="r-c"))
        assert found["apiVersion"] == "tekton.dev/v1beta1"
        condition = {"type": "Succeeded", "status": "True", "reason": "Succeeded"}
        told = {"conditions": [condition], "results": [{"name": "word", "value": "hi"}]}
        local.backend.patch("customrun", "r-c", "default", {"status": told})
        assert engine.wait() == 0
    assert reason(local.backend.get("pr", "r")) == "Succeeded"
    assert local.log("r-u") == "hi"


def test_without_a_controller_the_time_of_the_run_ends_it(local: Local) -> None:
    done = local.run(pipeline_run("r", CUSTOM, timeouts={"pipeline": "1s"}))
    assert reason(done) == "PipelineRunTimeout"
    left = local.backend.get("customrun", "r-c")
    assert left["spec"]["status"] == "RunCancelled"
    assert not is_done(left)


def _create(local: Local, run: Obj) -> str:
    return str(local.backend.create(run)["metadata"]["name"])
