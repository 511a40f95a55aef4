"""What annotations ask for, and what is said of those that cannot be read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.queueing.rules import Rules, read_rules
from mltk.queueing.runs import problems
from tests.unit.queueing.made import pipeline_run


def test_rules_are_read() -> None:
    found, wrong = _read(
        queue="q",
        queue_limit="2",
        project_limit="4",
        newest_wins="true",
        quiet_period="30s",
        longest_wait="10m",
    )
    assert found == Rules(2, 4, True, timedelta(seconds=30), timedelta(minutes=10))
    assert wrong == ()


def test_what_is_not_said_does_not_hold() -> None:
    assert _read(queue="q") == (Rules(), ())


def test_stream_of_new_runs_cannot_hold_up_a_queue_for_ever() -> None:
    assert _read(queue="q", quiet_period="30s")[0].longest == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("said", "taken", "words"),
    [
        ({"queue_limit": "0"}, Rules(queue_limit=1), "queue-limit: '0' is not a number from 1 on"),
        ({"queue_limit": "two"}, Rules(queue_limit=1), "'two' is not a number"),
        ({"project_limit": "-3"}, Rules(project_limit=1), "project-limit: '-3' is not a number"),
        ({"project_limit": "9" * 5000}, Rules(project_limit=1), "is not a number"),
        ({"newest_wins": "True"}, Rules(), "'True' is neither true nor false; false is taken"),
        ({"quiet_period": "30"}, Rules(), "'30' is not a duration such as 30s; it is left out"),
        ({"quiet_period": "-5s"}, Rules(), "'-5s' is no time to wait"),
        ({"quiet_period": "9" * 250_000}, Rules(), f"'{'9' * 40}...' is not a duration"),
        ({"quiet_period": "9" * 39 + "h"}, Rules(), "h' is not a duration"),
        ({"longest_wait": "5m"}, Rules(longest=timedelta(minutes=5)), "means nothing without"),
        ({"queue": " "}, Rules(), "queue: the queue has no name"),
    ],
)
def test_what_cannot_be_read_is_said_and_taken_in_the_safe_way(
    said: dict[str, str], taken: Rules, words: str
) -> None:
    found, (wrong,) = _read(**{"queue": "q", **said})
    assert found == taken
    assert words in wrong


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), min_size=6, max_size=6))
def test_no_text_is_too_odd(texts: list[str | None]) -> None:
    names = ("queue", "queue-limit", "project-limit", "newest-wins", "quiet-period", "longest-wait")
    said = {name: text for name, text in zip(names, texts, strict=True) if text is not None}
    rules, _ = read_rules({f"mltk.dev/{name}": text for name, text in said.items()})
    assert rules.queue_limit is None or rules.queue_limit > 0
    problems(pipeline_run(annotations=said))


def _read(**said: str) -> tuple[Rules, tuple[str, ...]]:
    return read_rules({f"mltk.dev/{name.replace('_', '-')}": text for name, text in said.items()})
