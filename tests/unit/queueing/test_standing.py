"""How queues stand, in the words that people read."""

from __future__ import annotations

import pytest

from mltk.queueing.runs import QueuedRun
from mltk.queueing.standing import ordinal, places, queue_lines
from tests.unit.queueing.made import at, queued

RULES = {"limit": 1, "project_limit": 2}


def _crowd() -> list[QueuedRun]:
    return [
        queued("a0", "a", 0, stage="running", called=at(0), **RULES),
        queued("a1", "a", 1, **RULES),
        queued("a2", "a", 2, **RULES),
        queued("b0", "b", 3, stage="called", called=at(3), **RULES),
        queued("b1", "b", 4, **RULES),
        queued("c0", "c", 5, **RULES),
        queued("over", "d", 5, stage="over", called=at(1), **RULES),
    ]


def test_line_of_each_queue_that_is_in_use() -> None:
    lines = {line.queue: line for line in queue_lines(_crowd())}
    assert lines.keys() == {"a", "b", "c"}
    first = lines["a"]
    assert (first.running, first.waiting, first.limit, first.next) == (1, 2, 1, "a1")
    assert (first.project_running, first.project_limit, first.oldest) == (2, 2, at(1))
    assert lines["b"].running == 1  # it is about to


def test_queue_in_which_none_waits_still_shows_its_limits() -> None:
    (line,) = queue_lines([queued("a0", "a", stage="running", **RULES)])
    assert (line.running, line.limit, line.project_limit, line.next) == (1, 1, 2, "")


def test_why_a_run_waits() -> None:
    found = {uid: f"{place}: {place.why}" for uid, place in places(at(9), _crowd()).items()}
    of_project = "2 runs go on, at most 2 of project p: a0, b0"
    assert found == {
        "a1": f"1st of 2 in a: 1 run goes on, at most 1 of its queue: a0; {of_project}",
        "a2": "2nd of 2 in a: 1 before it, 1 run goes on, at most 1 of its queue: a0",
        "b0": "1st of 2 in b: it goes now",
        "b1": f"2nd of 2 in b: 1 run goes on, at most 1 of its queue: b0; {of_project}",
        "c0": f"1st of 1 in c: {of_project}",
    }


def test_run_that_waits_for_quiet_says_until_when() -> None:
    (place,) = places(at(9), [queued("r", quiet=30, longest=300)]).values()
    assert place.why == "a newer one may come until 2026-01-01T00:00:30Z"


def test_run_that_nothing_holds_up_says_so() -> None:
    (place,) = places(at(9), [queued("r", limit=1)]).values()
    assert place.why == "it is its turn"


def test_of_many_that_go_on_some_are_named() -> None:
    going = [queued(f"r{n}", f"q{n}", n, stage="running") for n in range(5)]
    found = places(at(9), [*going, queued("w", seconds=9, project_limit=5)])
    assert found["w"].why == "5 runs go on, at most 5 of project p: r0, r1, r2, ..."


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"),
     (21, "21st"), (102, "102nd"), (111, "111th")],
)  # fmt: skip
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text
