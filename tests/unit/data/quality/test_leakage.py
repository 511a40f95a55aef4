from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.quality.leakage import leaks
from mltk.data.split import split_table
from mltk.project.spec import Split
from mltk.records import Splits
from tests.unit.data.quality.tables import drawn, table

SPLITS = Splits(train=(0, 1, 2, 3), validation=(4, 5), holdout=(6, 7))


def test_copies_across_the_border_name_a_pair_of_lines() -> None:
    x = [0, 1, 2, 3, 4, 5, 1, 7]
    rows = table({"x": x, "colour": [0] * 8}, x)
    (leak,) = leaks(rows, SPLITS, Split())
    assert (leak.kind, leak.parts, leak.rows, leak.lines) == (
        "duplicates",
        "train/holdout",
        1,
        (8, 3),
    )
    assert "1 row in holdout are copies of rows in train, e.g. line 8 and line 3" in leak.message


def test_rows_that_differ_in_the_target_or_lie_in_one_part_are_no_leak() -> None:
    x = [1, 1, 2, 3, 4, 5, 1, 7]
    rows = table({"x": x, "colour": [0] * 8}, [0, 0, 2, 3, 4, 5, 9, 7])
    assert leaks(rows, SPLITS, Split()) == ()


def test_a_group_on_both_sides_and_a_holdout_before_the_training_are_leaks() -> None:
    x = np.arange(8)
    group = table({"x": x, "colour": x % 3}, x, groups=np.array([5, 6, 7, 8, 9, 9, 5, 5]))
    (leak,) = leaks(group, SPLITS, Split(group="patient"))
    assert (leak.kind, leak.rows, leak.lines) == ("group", 2, (8, 2))
    assert leak.hint.endswith("`split: {group: patient}` does")
    time = table({"x": x, "colour": x % 3}, x, times=np.array([1, 2, 3, 9, 4, 5, 6, 10]))
    (leak,) = leaks(time, SPLITS, Split(time="day"))
    assert leak.message == (
        "1 row in holdout are earlier, by 'day', than rows in train, e.g. line 8 than line 5"
    )


@given(st.integers(30, 120), st.integers(6, 30), st.integers(0, 2**31 - 1))
def test_a_split_by_group_keeps_groups_whole(rows: int, count: int, seed: int) -> None:
    made = drawn(rows, seed)
    groups = np.random.default_rng(seed).integers(0, count, size=rows)
    asked = Split(group="g", holdout=0.3, validation=0.3)
    found = table({"x": made.column("x"), "colour": made.column("colour")}, made.target)
    whole = type(found)(**{**vars(found), "groups": groups})
    parts = split_table(whole, asked, seed)
    assert sorted((*parts.train, *parts.validation, *parts.holdout)) == list(range(rows))
    assert leaks(whole, parts, asked) == ()
    largest = np.bincount(groups).max()
    assert abs(len(parts.holdout) - 0.3 * rows) <= largest


@given(st.integers(20, 120), st.integers(0, 2**31 - 1))
def test_a_split_by_time_judges_by_the_latest_rows(rows: int, seed: int) -> None:
    made = drawn(rows, seed)
    times = np.random.default_rng(seed).integers(0, rows, size=rows)
    whole = type(made)(**{**vars(made), "times": times})
    parts = split_table(whole, Split(time="t"), seed)
    assert leaks(whole, parts, Split(time="t")) == ()
    train, validation, holdout = (
        times[list(part)] for part in (parts.train, parts.validation, parts.holdout)
    )
    assert train.max() <= validation.min()
    assert validation.max() <= holdout.min()
    assert len(holdout) == round(0.2 * rows)
