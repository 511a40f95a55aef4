"""When windows close, which versions they get, and what comes too late."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.windows import planning
from mltk.data.windows.ledger import Ledger, dumps, loads
from mltk.data.windows.periods import DAY, HOUR
from mltk.data.windows.planning import Look, Rules, Standing, look

from .streams import at, plan, rows_at, rules

NOW = at("2026-12-01")
MONDAY = at("2026-11-02")


def hours(*numbers: float) -> list[int]:
    return [MONDAY + int(number * HOUR) for number in numbers]


def looks(rule: Rules, *batches: list[int], now: int = NOW) -> list[Look]:
    """Each batch arrives after the ones before it have been looked at."""
    found, ledger, seen = [], Ledger(), list[int]()
    for batch in batches:
        seen = seen + batch
        found.append(look(rule, ledger, rows_at(seen), now))
        ledger = loads(dumps(found[-1].after))
    return found


def brief(found: Look) -> dict[str, tuple[int, str, int, bool]]:
    """State by the day on which a window begins: rows, state, version, whether it is due."""
    return {_day(each): (each.rows, each.state, each.version, each.due) for each in found.standings}


def _day(each: Standing) -> str:
    return f"{(each.window.start - MONDAY) // DAY:+d}"


def test_a_window_closes_when_a_row_comes_from_beyond_it() -> None:
    open_, closed = looks(rules("1d"), hours(1, 2), hours(24))
    assert brief(open_) == {"+0": (2, "open", 0, False)}
    assert brief(closed) == {"+0": (2, "final", 1, True), "+1": (1, "open", 0, False)}


def test_a_look_that_finds_nothing_new_starts_nothing() -> None:
    *_, again = looks(rules("1d"), hours(1, 24), [])
    assert again.due == ()
    assert brief(again)["+0"] == (1, "final", 1, False)


def test_late_rows_within_the_allowance_are_a_new_version_of_the_windows_they_touch() -> None:
    rule = rules("1d", "2d", lateness=6 * HOUR)
    _, late, settled = looks(rule, hours(1, 25, 49), hours(30), [])
    assert brief(late) == {
        "-1": (1, "final", 1, False),
        "+0": (3, "late", 2, True),
        "+1": (3, "open", 0, False),
        "+2": (1, "open", 0, False),
    }
    assert brief(settled)["+0"] == (3, "closed", 2, False)


def test_rows_that_come_later_still_are_counted_and_change_nothing() -> None:
    rule = rules("1d", lateness=6 * HOUR)
    first, _, late = looks(rule, hours(1, 24), hours(31), hours(2, 3))
    (standing,) = [each for each in late.standings if _day(each) == "+0"]
    assert (standing.rows, standing.late, standing.state, standing.due) == (1, 2, "final", False)
    assert standing.digest == first.due[0].digest
    assert late.late == 2


def test_rows_that_come_together_are_never_late_to_one_another() -> None:
    (found,) = looks(rules("1d"), hours(1, 100))
    assert brief(found)["+0"] == (1, "final", 1, True)
    assert found.late == 0


def test_a_row_for_a_final_window_that_was_empty_is_late_too() -> None:
    *_, found = looks(rules("1d"), hours(1, 49), hours(25))
    assert {_day(each): each.late for each in found.standings} == {"+0": 0, "+1": 1, "+2": 0}
    assert not found.due


def test_the_watermark_does_not_go_back_when_rows_go() -> None:
    rule = rules("1d")
    first = look(rule, Ledger(), rows_at(hours(1, 24)), NOW)
    then = look(rule, first.after, rows_at(hours(1, 2)), NOW)
    assert then.watermark == first.watermark == MONDAY + DAY
    assert [each.late for each in then.standings] == [1]


def test_rows_that_are_deleted_are_not_late() -> None:
    rule = rules("1d")
    first = look(rule, Ledger(), rows_at(hours(1, 2, 24)), NOW)
    kept = look(rule, first.after, rows_at(hours(2, 24)), NOW)
    assert (kept.late, kept.due) == (0, ())


def test_a_row_in_the_place_of_another_is_late() -> None:
    rule = rules("1d")
    first = look(rule, Ledger(), rows_at(hours(1, 2, 24)), NOW)
    assert look(rule, first.after, rows_at(hours(1, 3, 24)), NOW).late == 1


def test_the_ledger_keeps_the_latest_clock() -> None:
    rule = rules("1d")
    first = look(rule, Ledger(), rows_at(hours(1)), NOW)
    assert look(rule, first.after, rows_at(hours(1)), NOW - DAY).after.clock == NOW


def test_a_source_that_is_silent_keeps_its_window_open() -> None:
    (found,) = looks(rules("1d"), hours(1), now=MONDAY + 30 * DAY)
    assert brief(found) == {"+0": (1, "open", 0, False)}


def test_the_clock_closes_windows_where_it_may() -> None:
    rule = rules("1d", idle_after=2 * DAY)
    assert not looks(rule, hours(1), now=MONDAY + 3 * DAY - 1)[0].due
    assert looks(rule, hours(1), now=MONDAY + 3 * DAY)[0].due


@pytest.mark.parametrize(
    ("catch_up", "due"), [("all", ["+0", "+1", "+2"]), ("latest", ["+2"]), ("none", [])]
)
def test_what_closed_while_nobody_looked(catch_up: str, due: list[str]) -> None:
    rule = rules("1d", catch_up=catch_up)
    found, then = looks(rule, hours(1, 25, 49, 73), hours(97))
    assert [_day(each) for each in found.due] == due
    # What is passed over stays so, and the next window is on time.
    assert [_day(each) for each in then.due] == ["+3"]


def test_late_rows_do_not_run_what_was_passed_over() -> None:
    rule = rules("1d", lateness=2 * DAY, catch_up="latest")
    *_, found = looks(rule, hours(1, 25, 49), hours(2, 26))
    assert [_day(each) for each in found.due] == ["+1"]


def test_windows_that_begin_before_the_data_are_not_run() -> None:
    rule = rules("1d", "7d")
    found = looks(rule, [MONDAY + day * DAY for day in range(9)])[0]
    assert [_day(each) for each in found.due] == ["+0", "+1"]
    assert {each.fate for each in found.standings if each.window.start < MONDAY} == {"partial"}


def test_a_window_longer_than_the_data_is_never_due() -> None:
    (found,) = looks(rules("1d", "30d"), hours(1, 49))
    assert not found.due


def test_an_earlier_first_row_makes_windows_whole() -> None:
    rule = rules("1d", "3d", lateness=7 * DAY)
    first, then = looks(rule, [MONDAY + day * DAY for day in range(2, 6)], [MONDAY + HOUR])
    assert [_day(each) for each in first.due] == ["+2"]
    assert [_day(each) for each in then.due] == ["+0", "+1"]


def test_a_window_with_few_rows_waits_for_more() -> None:
    rule = rules("1d", lateness=DAY, min_rows=3)
    few, enough = looks(rule, hours(1, 2, 24), hours(3))
    assert brief(few)["+0"] == (2, "closed", 1, False)
    assert brief(enough)["+0"] == (3, "late", 2, True)


def test_another_geometry_begins_anew() -> None:
    rows = rows_at(hours(1, 24))
    first = look(rules("1d", geometry="a"), Ledger(), rows, NOW)
    assert not look(rules("1d", geometry="a"), first.after, rows, NOW).due
    assert look(rules("1d", geometry="b"), first.after, rows, NOW).due


def test_the_oldest_windows_are_forgotten_and_stay_final(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MOST", 10)
    rule = rules("1h")
    first, then = looks(rule, hours(*range(30)), [*hours(0.5, 1.5, 28.5)])
    assert len(first.after.entries) == 10
    assert not [each for each in then.due if each.window.end <= MONDAY + 28 * HOUR]
    # Two for windows that are forgotten, one for a window that is final.
    assert (then.late_before, then.late) == (2, 3)


def test_too_many_windows_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"the data spans .* windows, one every 1m: more than"):
        looks(rules("1m"), [MONDAY, MONDAY + 365 * DAY])


@given(
    st.lists(st.floats(0, 200), min_size=1, max_size=40),
    st.sampled_from([("1d", "1d"), ("1d", "3d"), ("6h", "1d"), ("12h", "36h")]),
    st.integers(0, 48),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_changes_nothing_in_the_end(
    times: list[float], periods: tuple[str, str], lateness: int, draw: random.Random
) -> None:
    """Rows within the allowance may come in any order and in any batches."""
    rule = Rules(plan(*periods), lateness * HOUR)
    rows = sorted(hours(*times))
    arrival = _shuffled_within(rows, lateness * HOUR, draw)
    batches = _batches(arrival, draw)
    end = rows[-1] + 10 * DAY
    *_, last = looks(rule, *batches, [end])
    at_once = looks(rule, [*rows, end])[0]
    assert last.late == 0
    assert _versions(last) == _versions(at_once)


@given(
    st.lists(st.floats(0, 200), min_size=1, max_size=40),
    st.sampled_from([("1d", "1d"), ("1d", "3d"), ("6h", "1d")]),
    st.integers(0, 24),
    st.randoms(use_true_random=False),
)
def test_no_row_is_lost(
    times: list[float], periods: tuple[str, str], lateness: int, draw: random.Random
) -> None:
    """Whatever the order, each row is in all its windows or counted as late there."""
    rule = Rules(plan(*periods), lateness * HOUR)
    rows = hours(*times)
    *_, last = looks(rule, *_batches(rows, draw), [max(rows) + 10 * DAY])
    expected = Counter(index for row in rows for index in rule.schedule.indices(row))
    found = {each.window.index: each.rows + each.late for each in last.standings}
    assert all(found[index] == count for index, count in expected.items())


def _shuffled_within(rows: list[int], allowance: int, draw: random.Random) -> list[int]:
    """An order in which no row comes more than `allowance` behind a later one."""
    return sorted(rows, key=lambda row: row + draw.uniform(0, allowance * 0.999))


def _batches(rows: list[int], draw: random.Random) -> list[list[int]]:
    cuts = sorted(draw.randrange(len(rows) + 1) for _ in range(draw.randrange(4)))
    found = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    return [batch for batch in found if batch]


def _versions(found: Look) -> dict[int, tuple[int, str | None]]:
    """What each window holds in the end, and what becomes of it."""
    return {
        each.window.index: (each.rows, each.fate)
        for each in found.standings
        if each.state != "open" and each.rows
    }


def test_a_ledger_that_is_damaged_is_no_ledger() -> None:
    for text in ("", "[]", "{}", '{"entries":{"1":[1]}}', '{"entries":{},"what":1}'):
        with pytest.raises(ValueError, match=r"."):
            loads(text)
