from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.split import split
from mltk.project.spec import Split

seeds = st.integers(0, 2**31 - 1)
sizes = st.integers(10, 200)
shares = st.builds(Split, validation=st.floats(0.05, 0.4), holdout=st.floats(0.05, 0.4))


def rows(count: int) -> np.ndarray:
    return np.arange(count * 2, dtype=np.float32).reshape(count, 2)


@given(sizes, shares, seeds, st.integers(0, 3))
def test_the_parts_are_a_partition_of_the_asked_sizes(
    count: int, share: Split, seed: int, classes: int
) -> None:
    labels = np.arange(count) % classes if classes else None
    parts = split(rows(count), share, seed, labels)
    together = [*parts.train, *parts.validation, *parts.holdout]
    assert sorted(together) == list(range(count))
    off = max(1, classes)
    assert abs(len(parts.holdout) - count * share.holdout) <= off
    assert abs(len(parts.validation) - count * share.validation) <= off
    if labels is not None:
        for part in (parts.train, parts.validation, parts.holdout):
            assert set(labels[list(part)]) == set(labels)


@given(sizes, seeds)
def test_the_same_arguments_give_the_same_split(count: int, seed: int) -> None:
    assert split(rows(count), Split(), seed) == split(rows(count), Split(), seed)


def test_another_seed_gives_another_split() -> None:
    assert split(rows(50), Split(), 1) != split(rows(50), Split(), 2)


@given(seeds)
def test_appended_rows_leave_the_hold_out_where_it_was(seed: int) -> None:
    before = set(split(rows(200), Split(), seed).holdout)
    after = set(split(rows(220), Split(), seed).holdout)
    assert len(before - after) <= 15  # few of 40 at the border, where chance would move 32


@given(seeds)
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    table = rows(60)
    order = np.random.default_rng(seed).permutation(60)
    plain = split(table, Split(), seed)
    shuffled = split(table[order], Split(), seed)
    assert {int(order[row]) for row in shuffled.holdout} == set(plain.holdout)


def test_copies_of_a_row_lie_on_one_side() -> None:
    table = np.repeat(rows(40), 2, axis=0)
    parts = split(table, Split(holdout=0.25, validation=0.25), 3)
    assert {row // 2 for row in parts.holdout}.isdisjoint(row // 2 for row in parts.train)
