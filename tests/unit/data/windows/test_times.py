"""What a time column may say, and what is said of one that is wrong."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.windows.calendar import local, moment_at
from mltk.data.windows.times import (
    TimeFormat,
    iso,
    moments,
    parse_moment,
    parse_window,
    window_text,
)

from .streams import at

BERLIN = ZoneInfo("Europe/Berlin")


def read(cell: str, form: TimeFormat = "iso", now: int | None = None) -> int:
    found, findings = moments("when", [cell], [2], BERLIN, form, now)
    assert not findings, findings
    return found[0]


def complaint(*cells: str, form: TimeFormat = "iso", now: str | None = None) -> str:
    clock = at(now) if now else None
    _, findings = moments("when", cells, range(2, len(cells) + 2), BERLIN, form, clock)
    (finding,) = findings
    return f"{finding.place}: {finding.message}"


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-11-01T08:30:00Z", "2026-11-01T08:30"),
        ("2026-11-01 08:30:00+01:00", "2026-11-01T07:30"),
        ("2026-11-01T08:30", "2026-11-01T07:30"),
        (" 2026-07-01 ", "2026-06-30T22:00"),
        ("20260701T000000.250", "2026-06-30T22:00:00.250"),
    ],
)
def test_iso(cell: str, moment: str) -> None:
    assert read(cell) == at(moment)


def test_a_local_time_that_comes_twice_is_the_first() -> None:
    assert read("2026-10-25T02:30") == at("2026-10-25T00:30")


def test_a_local_time_that_is_skipped_is_when_the_clock_goes_on() -> None:
    assert read("2026-03-29T02:30") == at("2026-03-29T01:00")


def test_numbers_since_1970() -> None:
    assert read("1793521800", "epoch") == at("2026-11-01T08:30")
    assert read("1793521800.5", "epoch") == at("2026-11-01T08:30:00.5")
    assert read("1793521800500", "epoch_ms") == at("2026-11-01T08:30:00.5")
    assert read("-1.5", "epoch") == -1_500_000


@pytest.mark.parametrize("cell", ["1.793e9", "1_000", "٣", "", "0x1", "1,5", "-", "1..2"])
def test_what_is_no_number(cell: str) -> None:
    assert complaint(cell, form="epoch").startswith("line 2, column 'when': ")


def test_what_is_wrong_is_named_with_its_line() -> None:
    assert complaint("2026-11-01", "01.11.2026") == (
        "line 3, column 'when': '01.11.2026' is no time in ISO 8601"
    )
    assert complaint("2026-11-01", "NaN") == "line 3, column 'when': the time is missing"
    assert "outside of the years" in complaint("0001-01-01")


def test_mixed_time_zones() -> None:
    assert complaint("2026-11-01T08:30", "2026-11-01T08:31", "2026-11-01T08:32Z") == (
        "line 4, column 'when': mixed time zones: '2026-11-01T08:32Z' is with an offset, but"
        " '2026-11-01T08:30' on line 2 is without an offset"
    )


def test_different_offsets_are_not_mixed() -> None:
    cells = ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]
    found, findings = moments("when", cells, [2, 3], BERLIN)
    assert not findings
    assert found[1] - found[0] == 3600 * 1_000_000


def test_a_row_from_the_future_tells_the_clock() -> None:
    assert complaint("2099-01-01", now="2026-11-01T12:00") == (
        "line 2, column 'when': '2099-01-01' is in the future: the clock shows"
        " 2026-11-01T13:00:00+01:00"
    )
    assert read("2026-11-02T12:00", now=at("2026-11-01T12:00")) == at("2026-11-02T11:00")


@given(st.integers(at("1990-01-01"), at("2040-01-01")), st.integers(0, 90_000_000_000))
def test_a_later_local_time_is_never_an_earlier_moment(moment: int, later: int) -> None:
    for zone in (BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")):
        one = local(moment, zone).replace(tzinfo=None, fold=0)
        other = local(moment + later, zone).replace(tzinfo=None, fold=0)
        low, high = sorted((one, other))
        assert moment_at(low, zone) <= moment_at(high, zone)


@given(st.tuples(st.integers(0, 2**52), st.integers(1, 2**50)))
def test_the_name_of_a_window_is_read_back(pair: tuple[int, int]) -> None:
    start, end = pair[0], pair[0] + pair[1]
    assert parse_window(window_text(start, end)) == (start, end)


@pytest.mark.parametrize("text", ["", "x", "2026-11-01/2026-11-02", "2026-11-01T00:00:00Z"])
def test_what_names_no_window(text: str) -> None:
    with pytest.raises(ValueError, match="is no window"):
        parse_window(text)


def test_a_window_ends_after_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        parse_window("2026-11-08T00:00:00Z/2026-11-01T00:00:00Z")


def test_moments_in_words() -> None:
    moment = at("2026-11-01T08:30")
    assert iso(moment) == "2026-11-01T08:30:00Z"
    assert parse_moment("2026-11-01", BERLIN) == at("2026-10-31T23:00")
