"""Drift against a champion's table, and by simulation how often it is seen wrongly and rightly.

Every count is seeded, and compared with a bound that a test which keeps its promise exceeds with a
chance of one in a million.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench import drift as simulation
from mltk.data.quality.drift import drift, holm, homogeneity
from mltk.data.quality.profile import Profile, profile
from tests.unit.data.quality.tables import drawn, spec, table

BEFORE = profile(drawn(600, 1), spec())


@pytest.mark.parametrize(("before", "now"), [(60, 60), (60, 2000), (2000, 2000)])
@pytest.mark.parametrize("effect", [0.0, simulation.EFFECT])
def test_without_drift_the_rate_of_false_alarms_is_kept(
    before: int, now: int, effect: float
) -> None:
    trials = 400
    alarms = simulation.alarms(before, now, trials, seed=1, alpha=0.05, effect=effect)
    assert alarms <= stats.binom.ppf(1 - 1e-6, trials, 0.05)


def test_a_shift_is_seen_the_more_often_the_larger_it_is_and_the_more_rows_there_are() -> None:
    few, more, much = (
        simulation.alarms(rows, rows, 100, seed=2, shift=shift)
        for rows, shift in ((150, 0.3), (150, 0.6), (600, 0.6))
    )
    assert few < more < much
    assert much >= 99


def test_in_large_tables_a_shift_without_weight_is_no_alarm() -> None:
    assert simulation.alarms(20_000, 20_000, 20, seed=3, shift=0.1, effect=0) == 20
    assert simulation.alarms(20_000, 20_000, 20, seed=3, shift=0.1) == 0


def test_drift_names_the_columns_that_moved_and_by_how_much() -> None:
    shifts, notes = drift(BEFORE, profile(drawn(600, 2, red=0.6), spec()), alpha=0.01, effect=0.1)
    assert notes == ()
    found = {shift.column: shift for shift in shifts if shift.drifted}
    assert set(found) == {"colour", "y"}
    assert "'red' is 6" in found["colour"].words
    assert found["colour"].effect == pytest.approx(0.27, abs=0.06)
    assert found["y"].role == "target"


def test_missing_values_are_compared_by_themselves() -> None:
    rows = drawn(600, 2)
    rows.features[::5, 0] = np.nan
    shifts, _ = drift(BEFORE, profile(rows, spec()), alpha=0.01, effect=0.1)
    (missing,) = [shift for shift in shifts if shift.drifted]
    assert (missing.column, missing.what, missing.effect) == ("x", "missing", pytest.approx(0.2))
    assert missing.words == "20.0% of the values are missing, 0.0% were"


def test_columns_that_only_one_table_has_are_told_and_not_compared() -> None:
    nine = np.arange(9)
    other = table({"z": nine, "colour": nine % 3}, nine % 3, ("a", "b", "c"))
    shifts, notes = drift(BEFORE, profile(other, spec(["z"])), alpha=0.01, effect=0.1)
    assert {shift.column for shift in shifts} == {"colour"}
    assert notes == (
        "'z' was not in the champion's table",
        "'y' is categorical and was numeric",
        "'x' was in the champion's table and is not in this one",
    )


def test_a_table_has_not_drifted_from_itself_and_survives_its_record(tmp_path: Path) -> None:
    BEFORE.write(tmp_path)
    assert Profile.read(tmp_path) == BEFORE
    shifts, _ = drift(BEFORE, BEFORE, alpha=0.01, effect=0)
    assert [shift.effect for shift in shifts] == [0, 0, 0]
    assert not any(shift.drifted for shift in shifts)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_holm_is_that_of_the_paper(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for alpha in (0.01, 0.05, 0.3):
        order = sorted(range(len(p_values)), key=lambda index: p_values[index])
        rejected = set()
        for step, index in enumerate(order):
            if p_values[index] * (len(order) - step) > alpha:
                break
            rejected.add(index)
        assert {index for index, p in enumerate(adjusted) if p <= alpha} == rejected


def test_homogeneity_is_the_test_of_scipy_where_no_value_is_rare() -> None:
    for counts in ([[30, 20, 50], [45, 15, 40]], [[12, 30], [20, 22]]):
        expected = stats.chi2_contingency(counts, correction=True).pvalue
        assert homogeneity(np.array(counts)) == pytest.approx(expected)
    assert homogeneity(np.array([[1, 0, 0, 99], [0, 1, 1, 98]])) == 1
