"""Where windows lie: in each zone, through changes of the clock, months and leap days."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mltk.data.windows.calendar import local
from mltk.data.windows.periods import HOUR, parse_period
from mltk.data.windows.schedule import Schedule

from .streams import at, plan

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
ODD_ZONES = ("Pacific/Apia", "America/Sao_Paulo", "Asia/Beirut", "Africa/Monrovia")
MOMENTS = st.integers(at("1990-01-01"), at("2050-01-01"))


def walls(schedule: Schedule, first: int, count: int) -> list[str]:
    zone = schedule.zone
    return [
        local(schedule.start(index), zone).isoformat()[:16] for index in range(first, first + count)
    ]


@given(
    unit=st.sampled_from(["m", "h", "d", "w", "mo", "y"]),
    every=st.integers(1, 90),
    times=st.integers(1, 12),
    zone=st.sampled_from((*ZONES, *ODD_ZONES)),
    moment=MOMENTS,
)
@example("mo", 1, 1, "Europe/Berlin", at("2024-02-29T12:00"))
@example("d", 1, 7, "Pacific/Apia", at("2011-12-30T10:00"))
def test_every_row_lies_in_length_over_every_windows(
    unit: str, every: int, times: int, zone: str, moment: int
) -> None:
    if unit == "y":
        every, times = every % 7 + 1, times % 3 + 1
    schedule = plan(f"{every}{unit}", f"{every * times}{unit}", zone)
    found = schedule.indices(moment)
    assert len(found) == times
    assert all(moment in schedule.window(index) for index in found)
    assert moment not in schedule.window(found.start - 1)
    assert moment not in schedule.window(found.stop)


@given(
    periods=st.sampled_from(
        [("1d", "36h"), ("2d", "7d"), ("1d", "1mo"), ("1h", "1d"), ("6h", "1w"), ("1mo", "1y"),
         ("1w", "1mo"), ("3d", "10d"), ("1mo", "45d"), ("1d", "26h")]
    ),
    zone=st.sampled_from(ZONES),
    moment=MOMENTS,
)  # fmt: skip
def test_what_does_not_divide_covers_every_moment_as_the_calendar_says(
    periods: tuple[str, str], zone: str, moment: int
) -> None:
    schedule = plan(*periods, zone)
    found = schedule.indices(moment)
    assert found
    near = range(found.start - 3, found.stop + 3)
    assert [index for index in near if moment in schedule.window(index)] == list(found)


@given(
    every=st.sampled_from(["1m", "90m", "6h", "1d", "2d", "1w", "1mo", "1y"]),
    zone=st.sampled_from((*ZONES, *ODD_ZONES)),
    moment=MOMENTS,
)
def test_adjacent_windows_meet(every: str, zone: str, moment: int) -> None:
    schedule = plan(every, every, zone)
    (index,) = schedule.indices(moment)
    assert schedule.end(index) == schedule.start(index + 1)


def test_a_day_has_23_or_25_hours_where_clocks_are_changed() -> None:
    schedule = plan("1d", zone="Europe/Berlin")
    hours = {}
    for day in ("2026-03-29T06:00", "2026-10-25T06:00", "2026-10-26T06:00"):
        (index,) = schedule.indices(at(day))
        window = schedule.window(index)
        hours[day[:10]] = (window.end - window.start) // HOUR
    assert hours == {"2026-03-29": 23, "2026-10-25": 25, "2026-10-26": 24}


def test_hours_are_elapsed_time() -> None:
    schedule = plan("6h", zone="Europe/Berlin")
    first = schedule.last_begun(at("2026-03-28T23:30"))
    assert walls(schedule, first, 3) == ["2026-03-29T00:00", "2026-03-29T07:00", "2026-03-29T13:00"]


def test_months_clip_and_do_not_drift() -> None:
    schedule = plan("1mo", origin=datetime(2024, 1, 31))
    assert [each[:10] for each in walls(schedule, 0, 5)] == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
        "2024-05-31",
    ]
    assert walls(schedule, 13, 1) == ["2025-02-28T00:00"]


def test_years_from_a_leap_day() -> None:
    schedule = plan("1y", origin=datetime(2024, 2, 29))
    assert [each[:10] for each in walls(schedule, 0, 5)] == [
        "2024-02-29",
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    week = plan("1w", zone="Europe/Berlin")
    begin = local(week.start(week.last_begun(at("2026-11-28"))), week.zone)
    assert (begin.weekday(), begin.hour) == (0, 0)
    month = plan("1mo", zone="Europe/Berlin")
    assert local(month.start(month.last_begun(at("2026-11-28"))), month.zone).day == 1


def test_a_midnight_that_is_skipped_is_when_the_clock_goes_on() -> None:
    schedule = plan("1d", zone="America/Sao_Paulo")
    (index,) = schedule.indices(at("2018-11-04T12:00"))
    assert walls(schedule, index, 1) == ["2018-11-04T01:00"]


def test_a_day_that_does_not_exist_is_a_window_without_rows() -> None:
    schedule = plan("1d", zone="Pacific/Apia")
    (index,) = schedule.indices(at("2011-12-30T09:59"))
    assert schedule.start(index + 1) == schedule.end(index + 1)


@pytest.mark.parametrize(
    ("every", "length", "zone"),
    [
        ("1d", "6h", "UTC"),
        ("1d", "24h", "Europe/Berlin"),
        ("1mo", "30d", "UTC"),
        ("1mo", "4w", "UTC"),
        ("7d", "6d", "UTC"),
        ("1y", "11mo", "UTC"),
    ],
)
def test_windows_that_leave_gaps_are_refused(every: str, length: str, zone: str) -> None:
    with pytest.raises(ValueError, match=f"window of {length} is shorter.*make length {every}"):
        plan(every, length, zone)


def test_24_hours_are_a_day_where_clocks_are_never_changed() -> None:
    assert plan("1d", "24h").indices(at("2026-11-01T05:00"))


@pytest.mark.parametrize("text", ["", "d", "1", "1 d", "-1d", "1.5d", "1q", "1D", "9999999d"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time: write 15m"):
        parse_period(text)


def test_periods_have_an_end() -> None:
    with pytest.raises(ValueError, match="longer than a hundred years"):
        parse_period("101y")
    with pytest.raises(ValueError, match="no fixed length"):
        _ = parse_period("1mo").elapsed
    with pytest.raises(ValueError, match="more than nothing"):
        plan("0d")


def test_zones_know_their_key() -> None:
    assert plan("1d", zone="Europe/Berlin").zone == ZoneInfo("Europe/Berlin")
