"""What a queue knows of a PipelineRun, and of all of them as a watch tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.queueing.runs import queued_run, waits
from mltk.queueing.view import View
from mltk.tekton.api import Event
from mltk.tekton.objects import Obj
from tests.unit.queueing.made import START, at, pipeline_run

RUNNING = {"conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Running"}],
           "startTime": "2026-01-01T00:00:05Z"}  # fmt: skip
DONE = {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Succeeded"}]}


@pytest.mark.parametrize(
    ("parts", "stage"),
    [
        ({}, "waiting"),
        ({"annotations": {"queue": "q", "called-at": "2026-01-01T00:00:05.5Z"}}, "called"),
        ({"spec": {"status": ""}}, "running"),
        ({"spec": {"status": None}, "status": RUNNING}, "running"),
        ({"spec": {"status": "Cancelled"}, "status": RUNNING}, "running"),
        ({"spec": {"status": "Cancelled"}}, "over"),  # it never ran, and never will
        ({"spec": {"status": None}, "status": DONE}, "over"),
    ],
)
def test_stage(parts: dict[str, Any], stage: str) -> None:
    found = queued_run(pipeline_run(**{"annotations": {"queue": "q"}, **parts}))
    assert found is not None
    assert found.stage == stage
    assert found.version == ("7" if found.pending else "")
    assert waits(pipeline_run(**{"annotations": {"queue": "q"}, **parts})) is found.pending


def test_who_waits_for_somebody_else_is_left_alone() -> None:
    assert queued_run(pipeline_run()) is None
    said = {"annotations": {"queue": "q"}}
    assert queued_run(pipeline_run(**said, spec={"managedBy": "example.com/queue"})) is None
    owners = [{"kind": "PipelineRun", "name": "outer", "uid": "u"}]
    assert queued_run(pipeline_run(metadata={"ownerReferences": owners}, **said)) is None
    assert not waits({**pipeline_run(**said), "kind": "TaskRun"})


def test_run_of_a_project_counts_without_the_rules() -> None:
    found = queued_run(pipeline_run(spec={"status": None}))
    assert found is not None
    assert (found.queue, found.project, found.stage) == (None, "p", "running")


def test_what_others_wrote_into_the_marks_breaks_nothing() -> None:
    odd = {"queue": "q", "queue-limit": 2, "called-at": "soon", "waiting-since": "ever",
           "queued-at": True}  # fmt: skip
    found = queued_run(json.loads(json.dumps(pipeline_run(annotations=odd))))
    assert found is not None
    assert (found.stage, found.called, found.since) == ("called", None, START)
    assert found.rules.queue_limit == 2
    far = {"queue": "q", "called-at": "9999-12-31T23:59:59.999999Z",
           "waiting-since": "0001-01-01T00:00:00+14:00"}  # fmt: skip
    found = queued_run(pipeline_run(annotations=far))
    assert found is not None
    assert (found.called, found.since) == (None, START)
    naive = {"queue": "q", "waiting-since": "2025-12-31T23:59:00"}
    found = queued_run(pipeline_run(annotations=naive))
    assert found is not None
    assert found.since == at(-60)


def test_view_is_not_judged_before_all_is_told() -> None:
    view = View()
    view.take([Event("SYNCING", {}), _added("a")])
    assert not view.complete
    view.take([Event("SYNCED", {})])
    assert view.complete


def test_view_keeps_of_what_is_over_the_last_turn_of_each_queue() -> None:
    view = View()
    for number in (1, 3, 2):
        said = {"queue": "q", "called-at": f"2026-01-01T00:00:0{number}Z"}
        view.take([_added(f"r{number}", annotations=said, spec={"status": None}, status=DONE)])
    assert [run.name for run in view.runs] == ["r3"]
    view.take([_added("uncalled", spec={"status": None}, status=DONE)])
    assert [run.name for run in view.runs] == ["r3"]


def test_view_forgets_what_was_deleted() -> None:
    view = View()
    view.take([_added("a")])
    assert view.take([Event("DELETED", pipeline_run("a"))])
    assert not view.runs


def test_steps_of_a_running_run_change_nothing() -> None:
    view = View()
    first = _added("a", spec={"status": None}, status=RUNNING)
    assert view.take([first])
    obj: Obj = {**first.obj, "status": {**RUNNING, "childReferences": [{}]}}
    obj["metadata"] = {**obj["metadata"], "resourceVersion": "8"}
    assert not view.take([Event("MODIFIED", obj)])
    waiting = _added("b")
    assert view.take([waiting])
    later = {**waiting.obj["metadata"], "resourceVersion": "8"}
    assert view.take([Event("MODIFIED", {**waiting.obj, "metadata": later})])


def _added(name: str, **parts: Any) -> Event:
    return Event("ADDED", pipeline_run(name, **{"annotations": {"queue": "q"}, **parts}))
