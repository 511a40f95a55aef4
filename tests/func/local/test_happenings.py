"""Kubernetes' Events of runs, as the store keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mltk.local.store import Store
from mltk.tekton.objects import Obj

from .conftest import Local, pipeline_run, task

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store(tmp_path / "state.db", clock=clock)
    yield store
    store.close()


def run(store: Store, name: str = "r") -> Obj:
    metadata = {"name": name, "namespace": "default"}
    return store.insert({"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": metadata})


def says(store: Store, obj: Obj, message: str) -> Obj:
    found = {"type": "Succeeded", "status": "Unknown", "reason": "Running", "message": message}
    return store.set_status(obj, {"startTime": "t", "conditions": [found]})


def told(events: list[Obj]) -> list[tuple[str, str, int]]:
    return [(each["reason"], each["message"], each["count"]) for each in events]


def test_how_a_run_goes_is_told(local: Local) -> None:
    ended = local.run(pipeline_run("r", task("a", "exit 3", retries=1)))
    events = local.backend.events(ended)
    of_run = [each for each in events if each["involvedObject"]["kind"] == "PipelineRun"]
    assert told(of_run) == [
        ("Started", "", 1),
        ("Running", "Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 1, Skipped: 0", 1),
        ("Failed", "Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0", 1),
    ]
    of_task = [each for each in events if each["involvedObject"]["kind"] == "TaskRun"]
    why = '"step-s0" exited with code 3: Error'
    assert told(of_task) == [
        ("Started", "", 2),
        ("Running", "Not all Steps in the Task have finished executing", 2),
        ("ToBeRetried", why, 1),
        ("Failed", why, 1),
    ]
    event = of_task[-1]
    assert (event["type"], event["source"]) == ("Warning", {"component": "TaskRun"})
    assert event["involvedObject"]["uid"] == local.task_run("r-a")["metadata"]["uid"]


def test_what_ends_a_run_before_it_begins_is_told(local: Local) -> None:
    ended = local.run(pipeline_run("r", {"name": "a", "taskRef": {"name": "gone"}}))
    events = local.backend.events(ended)
    assert [each["reason"] for each in events] == ["Started", "Failed", "InternalError"]


def test_who_writes_a_status_from_outside_is_not_told_of(store: Store) -> None:
    found = {"type": "Succeeded", "status": "True", "reason": "Succeeded", "message": ""}
    store.set_status(run(store), {"conditions": [found]}, record=False)
    assert store.list("Event") == []


def test_many_messages_of_one_reason_are_put_together(store: Store) -> None:
    obj = run(store)
    for number in range(30):
        obj = says(store, obj, f"m{number}")
    events = store.events(obj)
    assert told(events)[:2] == [("Started", "", 1), ("Running", "m0", 1)]
    assert told(events)[9:] == [
        ("Running", "m8", 1),
        ("Running", "(combined from similar events): m29", 21),
    ]


def test_messages_with_much_time_between_them_are_told_one_by_one(
    store: Store, clock: Clock
) -> None:
    obj = run(store)
    for number in range(12):
        obj = says(store, obj, f"m{number}")
        clock.pass_(minutes=11)
    assert "combined" not in str(store.events(obj))


def test_events_are_forgotten_after_an_hour(store: Store, clock: Clock, tmp_path: Path) -> None:
    obj = run(store)
    says(store, obj, "early")
    clock.pass_(minutes=50)
    says(store, run(store, "other"), "late")
    store.tell()
    clock.pass_(minutes=20)
    with_memory = Store(tmp_path / "state.db", clock=clock)  # an engine that begins now
    says(with_memory, run(with_memory, "third"), "now")
    with_memory.tell()
    assert [each["message"] for each in store.list("Event")] == ["", "late", "", "now"]
    clock.pass_(minutes=70)
    says(store, run(store, "fourth"), "later")  # one that was there all the time
    assert [each["message"] for each in store.list("Event")] == ["", "now", "", "later"]
    with_memory.close()


def test_an_event_that_is_gone_is_told_anew(store: Store) -> None:
    obj = says(store, run(store), "one")
    for event in store.list("Event"):
        store.delete("Event", event["metadata"]["name"])
    for text in ("two", "one"):
        obj = says(store, obj, text)
    assert told(store.events(obj)) == [("Running", "two", 1), ("Running", "one", 1)]


def test_what_is_undone_is_not_told(store: Store) -> None:
    obj = run(store)
    with pytest.raises(ValueError, match="no"), store.transaction():
        says(store, obj, "one")
        raise ValueError("no")
    assert store.list("Event") == []
    says(store, obj, "one")
    assert told(store.events(obj)) == [("Started", "", 1), ("Running", "one", 1)]
