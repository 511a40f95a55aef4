"""Which trials go on, by what they came to on the validation rows."""

from __future__ import annotations

import pytest

from mltk.errors import StepError
from mltk.project.trials import PlannedTrial, Rung, SearchPlan
from mltk.steps.trials import TrialRecord, going_on, winner

PLAN = SearchPlan(
    tuple(PlannedTrial(n, name, {"network.l2": n}) for n, name in enumerate("abcd", start=1)),
    (Rung(2, 4), Rung(4, 2)),
)


def record(name: str, *losses: float, budget: int = 2, failure: str = "") -> TrialRecord:
    curves = {"validation_loss": losses} if losses else {}
    return TrialRecord(name, "k", {}, budget, curves, False, failure=failure)


def test_the_better_half_goes_on_and_the_best_of_it_wins() -> None:
    records = {
        "a": record("a", 9.0, 1.0, 5.0, 5.0, budget=4),
        "b": record("b", 8.0, 3.0),
        "c": record("c", 2.0, 7.0, 0.5, 6.0, budget=4),
        "d": record("d", 3.0, 3.0),
    }
    assert going_on(PLAN, records, 0) == tuple("abcd")
    # What c comes to later has no say in the first rung.
    assert going_on(PLAN, records, 1) == ("a", "c")
    assert winner(PLAN, records) == "c"


def test_of_two_alike_the_first_goes_on() -> None:
    records = {name: record(name, 1.0, 1.0) for name in "dcba"}
    assert going_on(PLAN, records, 1) == ("a", "b")


def test_one_that_diverges_later_was_still_good_before() -> None:
    records = {
        "a": record("a", 1.0, 1.0, budget=4, failure="diverged"),
        "b": record("b", 2.0, 2.0, 2.0, 2.0, budget=4),
        "c": record("c", failure="diverged"),
        "d": record("d", 3.0, 3.0),
    }
    assert going_on(PLAN, records, 1) == ("a", "b")
    assert winner(PLAN, records) == "b"


def test_when_all_failed_the_first_reason_is_said() -> None:
    records = {name: record(name, failure=f"diverged: in epoch {name}") for name in "abcd"}
    with pytest.raises(StepError, match="all 4 trials failed; diverged: in epoch a"):
        winner(PLAN, records)


def test_a_trial_without_a_record_is_not_passed_over() -> None:
    records = {name: record(name, 1.0, 1.0) for name in "abd"}
    with pytest.raises(StepError, match="trial 3 left no record") as caught:
        going_on(PLAN, records, 1)
    assert caught.value.where == "trials/c/trial.json"


def test_a_record_tells_what_was_known_after_fewer_epochs() -> None:
    found = record("a", 3.0, 2.0, 1.0, 4.0, budget=4)
    assert found.told(2) == {
        "trial": "a", "parameters": {}, "epochs": 2, "bestEpoch": 2, "validationLoss": 2.0,
        "stopped": False, "failure": "",
    }  # fmt: skip
    assert found.knows(4) and not found.knows(5)
    assert record("c", failure="diverged").knows(5)
