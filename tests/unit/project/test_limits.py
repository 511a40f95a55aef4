"""`limits` of mltk.yaml."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mltk.project.queue import queue_annotations
from mltk.project.spec import Limits
from mltk.queueing.rules import read_rules


def test_nothing_waits_without_limits() -> None:
    assert queue_annotations(None, "wine") == {}


def test_only_what_is_asked_for_is_said() -> None:
    assert queue_annotations(Limits(project=4), "wine") == {
        "mltk.dev/queue": "model-wine",
        "mltk.dev/project-limit": "4",
    }


@pytest.mark.parametrize("period", ["1s", "30s", "10m", "9999h"])
def test_queue_reads_what_a_project_may_say(period: str) -> None:
    limits = Limits(model=9999, project=1, quiet_period=period, longest_wait=period)
    rules, problems = read_rules(queue_annotations(limits, "wine"))
    assert (rules.queue_limit, rules.project_limit) == (9999, 1)
    assert rules.quiet == rules.longest
    assert problems == ()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "give model, project, newest_wins or quiet_period"),
        ({"model": 0}, "greater than or equal to 1"),
        ({"model": 1, "longest_wait": "5m"}, "longest_wait needs a quiet_period"),
        ({"quiet_period": "30"}, "pattern"),
        ({"quiet_period": "0s"}, "pattern"),
        ({"modle": 1}, "modle"),
    ],
)
def test_limits_that_mean_nothing_are_refused(said: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Limits.model_validate(said)
