"""The verbs of the local backend where processes come and go; the rest is in tests/cluster."""

from __future__ import annotations

import threading

import pytest

from mltk.errors import AdmissionError, Conflict, NotFound
from mltk.tekton.objects import Obj, is_done, name_of, reason

from .conftest import Local, pipeline_run, task

SLEEPER = "echo begun; sleep 600"


def config(name: str, **data: str) -> Obj:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_applied_objects_come_all_or_none(local: Local) -> None:
    with pytest.raises(AdmissionError, match="Not_A_Name"):
        local.backend.apply([config("a"), config("Not_A_Name")])
    with pytest.raises(NotFound):
        local.backend.get("cm", "a")


def test_apply_leaves_what_engines_wrote(local: Local) -> None:
    made = local.backend.create(config("a", k="1"))
    local.backend.store.set_status(made, {"phase": "Bound"})
    ((fresh, what),) = local.backend.apply([config("a", k="2")])
    assert (what, fresh["data"], fresh["status"]) == ("configured", {"k": "2"}, {"phase": "Bound"})
    assert [what for _, what in local.backend.apply([config("a", k="2")])] == ["unchanged"]


def test_run_that_is_made_of_one_that_has_ended_has_not_ended(local: Local) -> None:
    """A status is none of what somebody creates or applies: the CRD has a subresource for it."""
    ended = local.run(pipeline_run("r", task("t", "true")))
    for name, make in (
        ("created", local.backend.create),
        ("applied", lambda run: local.backend.apply([run])[0][0]),
    ):
        made = make({**ended, "metadata": {"name": name}})
        assert "status" not in made
        assert not is_done(local.backend.get("pr", name))


def test_cancelled_run_that_nobody_drives_ends_at_once(local: Local) -> None:
    run = local.backend.create(pipeline_run("r", task("t", SLEEPER)))
    ended = local.backend.cancel(run, "CancelledRunFinally")
    assert (is_done(ended), reason(ended)) == (True, "Cancelled")
    assert ended["spec"]["status"] == "CancelledRunFinally"
    with pytest.raises(Conflict, match=r"has ended already \(Cancelled\)"):
        local.backend.cancel(run, "Cancelled")


def test_waiting_for_a_run_whose_process_died_ends(local: Local) -> None:
    local.backend.create(pipeline_run("r", task("t", SLEEPER)))
    with local.start("r") as engine:
        local.wait_for_log("r-t", "begun")
        events = local.backend.watch("pr", "default", name="r", timeout=60)
        assert not is_done(next(events).obj)
        engine.kill()
        ended = next(event.obj for event in events if is_done(event.obj))
    assert reason(ended) == "Interrupted"


def test_followed_log_of_a_run_whose_process_died_ends(local: Local) -> None:
    local.backend.create(pipeline_run("r", task("t", SLEEPER)))
    with local.start("r") as engine:
        local.wait_for_log("r-t", "begun")
        lines = local.backend.logs("r-t", follow=True)
        assert next(lines) == "begun"
        engine.kill()
        assert list(lines) == []


def test_watch_of_one_object_tells_of_its_end_only(local: Local) -> None:
    for name in ("a", "b"):
        local.backend.create(config(name))
    events = local.backend.watch("cm", "default", name="a", timeout=60)
    assert name_of(next(events).obj) == "a"

    def changes() -> None:
        local.backend.delete("cm", "b")
        local.backend.delete("cm", "a")

    writer = threading.Thread(target=changes)
    writer.start()
    gone = next(events)
    writer.join()
    assert (gone.type, name_of(gone.obj)) == ("DELETED", "a")


def test_a_run_that_is_there_changes_no_more(local: Local) -> None:
    made = local.run(pipeline_run("r", task("a", "exit 0")))
    with pytest.raises(AdmissionError, match="Once the PipelineRun is complete, no updates"):
        local.backend.patch("PipelineRun", "r", "default", {"spec": {"params": [{}]}})
    again = pipeline_run("r", task("a", "exit 0"))
    assert [how for _, how in local.backend.apply([again])] == ["unchanged"]
    with pytest.raises(AdmissionError, match="no updates are allowed"):
        local.backend.apply([pipeline_run("r", task("a", "exit 1"))])
    assert local.backend.get("PipelineRun", "r")["spec"] == made["spec"]


@pytest.mark.parametrize(
    "limits", ["x", [{"type": "Container", "max": {"cpu": "x"}}], [{"type": "Pod", "max": "x"}]]
)
def test_bad_limits_are_refused_over_good_ones_too(local: Local, limits: object) -> None:
    made = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "bounds"}}
    good = {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}
    local.backend.apply([{**made, "spec": good}])
    with pytest.raises(AdmissionError, match="bounds"):
        local.backend.apply([{**made, "spec": {"limits": limits}}])
