"""A cut depends on the rows, and not on the order in which they came."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from mltk.data.reader import TextTable, parse
from mltk.data.windows.rows import Timeline, timeline
from mltk.data.windows.schedule import Window

WINDOW = Window(0, 10, 20)


def made(rows: list[tuple[int, str]], header: tuple[str, str] = ("when", "y")) -> Timeline:
    table = TextTable(header, tuple(range(2, len(rows) + 2)), tuple((str(t), y) for t, y in rows))
    return timeline(table, [time for time, _ in rows])


ROWS = st.lists(
    st.tuples(st.integers(0, 30), st.text(st.characters(blacklist_characters="\r\0"), max_size=3)),
    min_size=1,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_has_no_meaning(rows: list[tuple[int, str]], draw: random.Random) -> None:
    shuffled = draw.sample(rows, len(rows))
    assert made(shuffled).cut(WINDOW) == made(rows).cut(WINDOW)
    assert made(shuffled).version(WINDOW) == made(rows).version(WINDOW)


@given(ROWS, ROWS)
def test_other_rows_are_another_version(
    one: list[tuple[int, str]], other: list[tuple[int, str]]
) -> None:
    inside = [sorted(row for row in rows if 10 <= row[0] < 20) for rows in (one, other)]
    same = made(one).version(WINDOW) == made(other).version(WINDOW)
    assert same == (inside[0] == inside[1])


def test_the_header_counts() -> None:
    assert made([(12, "a")]).version(WINDOW) != made([(12, "a")], ("when", "z")).version(WINDOW)


def test_begin_is_in_and_end_is_not() -> None:
    found = made([(9, "a"), (10, "b"), (19, "c"), (20, "d")])
    assert found.count(WINDOW) == 2
    assert found.cut(WINDOW, ";") == "when;y\n10;b\n19;c\n"
    assert found.before(10) == 1


def test_a_version_fits_what_mlflow_takes() -> None:
    assert len(made([(12, "a")]).version(WINDOW)) <= 36


def test_a_cut_is_read_back() -> None:
    found = made([(12, 'say "x"'), (13, "two\nlines"), (14, "a,b")])
    assert parse(found.cut(WINDOW), "cut").rows == found.rows
