"""Events in the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mltk.errors import InfrastructureError
from mltk.listener.inbox import Inbox, Received
from mltk.local.store import Store
from mltk.tekton.objects import Obj
from mltk.tekton.triggers.sink import Outcome

RUN: Obj = {
    "apiVersion": "tekton.dev/v1",
    "kind": "TaskRun",
    "metadata": {"generateName": "r-", "namespace": "default"},
    "spec": {"taskSpec": {"steps": [{"name": "s", "image": "busybox", "command": ["true"]}]}},
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state.db")
    yield store
    store.close()


def event(name: str, body: bytes = b"{}") -> Received:
    return Received(name, "default", "github", "/", {}, body, 0.0)


def test_events_are_taken_in_order_and_once(store: Store) -> None:
    inbox = Inbox(store, 10)
    assert inbox.accept([event("a"), event("b")]) == ["a", "b"]
    inbox.accept([event("c", b"\xff\x00")])
    first, second = inbox.take(2), inbox.take(2)
    assert [each.event for each in (*first, *second)] == [
        event("a"), event("b"), event("c", b"\xff\x00")
    ]  # fmt: skip
    inbox.close()
    assert inbox.take(2) == ()


def test_what_comes_of_an_event_is_created_as_far_as_it_can_be(store: Store) -> None:
    inbox = Inbox(store, 10)
    inbox.accept([event("a")])
    wrong = {**RUN, "spec": {"taskSpec": {"stepz": []}}}
    outcomes = (
        Outcome("one", "default", objects=(RUN, wrong, RUN)),
        Outcome("two", "default", objects=(RUN,)),
    )
    (settled,) = inbox.settle([(inbox.take(1)[0], outcomes)])
    assert len(settled.created) == len(store.list("TaskRun")) == 2
    assert [part for part in ("one: ", "stepz") if part in settled.refused[0]] == ["one: ", "stepz"]
    assert inbox.waiting == 0


def test_an_event_that_ends_processes_is_put_aside(store: Store) -> None:
    """Three times; then it is kept for whoever wants to know, and stands in nobody's way."""
    inbox = Inbox(store, 10)
    inbox.accept([event("deadly"), event("harmless")])
    parked = []
    for _ in range(3):
        taken = inbox.take(2)
        assert [each.event.event_id for each in taken] == ["deadly", "harmless"]
        parked.append(inbox.give_back(taken, taken[0]))
    assert parked == [False, False, True]
    assert [each.event.event_id for each in inbox.take(2)] == ["harmless"]
    assert inbox.waiting == 1
    again = Inbox(store, 10)
    assert [each.event.event_id for each in again.take(2)] == ["harmless"]
    rows = store.database.query("SELECT event, tries, body FROM events WHERE state='parked'")
    assert rows == [("deadly", 3, b"{}")]


def test_what_nobody_is_to_blame_for_is_tried_for_ever(store: Store) -> None:
    inbox = Inbox(store, 10)
    inbox.accept([event("a")])
    for _ in range(9):
        (taken,) = inbox.take(1)
        assert taken.tries == 0
        assert not inbox.give_back([taken], None)


def test_an_event_waits_while_the_disk_takes_nothing_of_it(store: Store) -> None:
    """A full disk is no refusal of an object: what was accepted is made when there is room."""
    inbox = Inbox(store, 10)
    inbox.accept([event("a")])
    taken = inbox.take(1)
    answers = [(taken[0], (Outcome("one", "default", objects=(_config_map("y" * 100_000),)),))]
    (pages,) = store.database.query("PRAGMA page_count")[0]
    store.database.query(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(InfrastructureError, match="full"):
        inbox.settle(answers)
    store.database.query("PRAGMA max_page_count=1000000")
    assert store.database.query("SELECT state FROM events") == [("waiting",)]
    (settled,) = inbox.settle(answers)
    assert len(settled.created) == len(store.list("ConfigMap")) == 1
    assert inbox.waiting == 0


def test_large_events_are_taken_few_at_a_time(store: Store) -> None:
    inbox = Inbox(store, 100)
    inbox.accept([event(f"e{number}", b"x" * (1 << 20)) for number in range(9)])
    inbox.accept([event("huge", b"x" * (9 << 20)), event("small")])
    taken = [[each.event.event_id for each in inbox.take(32)] for _ in range(5)]
    assert taken == [
        ["e0", "e1", "e2", "e3"], ["e4", "e5", "e6", "e7"], ["e8"], ["huge"], ["small"]
    ]  # fmt: skip


def _config_map(text: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"generateName": "c-", "namespace": "default"},
        "data": {"text": text},
    }
