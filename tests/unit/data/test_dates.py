"""Times as columns: what is read of a cell, and the parts, held against the calendar of Python."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.dates import DAY, Clock, iso, reading, sine, walls
from mltk.project.features import Datetime

PARTS = ["hour", "weekday", "month", "year_day", "trend"]


def feature(**said: Any) -> Datetime:
    usual = {"name": "when", "type": "datetime", "parts": ["hour"]}
    return Datetime.model_validate({**usual, **said})


def read(cell: str, **said: Any) -> tuple[float, float]:
    found, findings = walls(feature(**said), [cell], [2])
    assert findings == []
    return float(found[0, 0]), float(found[0, 1])


CELLS: list[tuple[str, dict[str, Any], tuple[float, float]]] = [
    ("1970-01-01", {}, (0, 0)),
    ("1970-01-02 00:00:01.5", {}, (1, 1.5)),
    ("1969-12-31T23:59:59", {}, (-1, DAY - 1)),
    ("1970-01-01T23:30:00-01:00", {}, (1, 1800)),
    ("2026-07-01T12:00:00Z", {"timezone": "Europe/Berlin"}, (20_635, 14 * 3600)),
    ("2026-01-01T12:00:00Z", {"timezone": "Europe/Berlin"}, (20_454, 13 * 3600)),
    # Without an offset it is what the clock shows, also in the hour that no clock shows.
    ("2026-07-01T12:00:00", {"timezone": "Europe/Berlin"}, (20_635, 12 * 3600)),
    ("2026-03-29T02:30:00", {"timezone": "Europe/Berlin"}, (20_541, 2.5 * 3600)),
    ("1", {"time_format": "epoch"}, (0, 1)),
    ("86400250", {"time_format": "epoch_ms"}, (1, 0.25)),
    ("0", {"time_format": "epoch", "timezone": "Asia/Kolkata"}, (0, 5.5 * 3600)),
]


@pytest.mark.parametrize(("cell", "said", "shown"), CELLS)
def test_a_cell_is_what_the_clock_shows(
    cell: str, said: dict[str, Any], shown: tuple[float, float]
) -> None:
    assert read(cell, **said) == shown


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["2026-13-01"], "is no time in ISO 8601"),
        (["1793520000"], "is no time in ISO 8601"),
        (["20260105"], "'20260105' is a time that no client can send"),
        (["", "2026-01-01"], "the time is missing"),
        (["2026-01-01T00:00:00Z", "2026-01-01"], "mixed time zones"),
    ],
)
def test_what_is_no_time_is_found(cells: list[str], message: str) -> None:
    _, findings = walls(feature(), cells, [2, 3])
    assert message in findings[0].message


def test_gaps_are_nan_where_they_may_be() -> None:
    shown, findings = walls(feature(missing="mean"), ["NA", "1970-01-02"], [2, 3])
    assert findings == []
    assert np.isnan(shown).tolist() == [[True, True], [False, False]]
    assert walls(feature(missing="mean"), ["", "NA"], [2, 3])[1]


TIMES = st.datetimes(datetime(1000, 1, 1), datetime(8999, 12, 31))


@given(st.lists(TIMES, min_size=1))
def test_parts_are_those_of_the_calendar_in_float32_too(times: list[datetime]) -> None:
    cells = [time.isoformat() for time in times]
    shown, _ = walls(feature(), cells, range(len(cells)))
    for exact in (np.float64, np.float32):
        day, second = shown.astype(exact).T
        said = {part: reading(part, day, second) for part in PARTS[:4]}
        assert said["weekday"].tolist() == [time.weekday() for time in times]
        assert said["month"].tolist() == [time.month - 1 for time in times]
        # In a common year 29 February would be 1 March.
        ordinals = [time.date().replace(year=2023) if _fits(time) else None for time in times]
        wanted = [59 if day is None else day.timetuple().tm_yday - 1 for day in ordinals]
        assert said["year_day"].tolist() == wanted


def _fits(time: datetime) -> bool:
    return (time.month, time.day) != (2, 29)


@given(TIMES)
def test_a_time_that_is_written_is_read_again(time: datetime) -> None:
    assert read(iso(*read(time.isoformat()))) == read(time.isoformat())


def test_the_sine_is_one() -> None:
    turns = np.linspace(-1, 1.5, 10_001)
    for exact, error in ((np.float64, 1e-7), (np.float32, 1e-6)):
        given = turns.astype(exact)
        wanted = np.sin(2 * np.pi * given.astype(np.float64))
        assert np.abs(sine(given, np.floor) - wanted).max() < error


def test_a_cyclic_part_has_no_seam() -> None:
    clock = Clock.of(np.array([[0, 0], [9, 0]]), feature(parts=PARTS[:4]))

    def at(time: datetime) -> np.ndarray:
        shown, _ = walls(feature(), [time.isoformat()], [2])
        return np.array(clock.columns(*shown[0], np))

    new_year = datetime(2024, 1, 1)  # a Monday
    assert at(new_year) == pytest.approx([0, 1] * 4, abs=1e-7)
    before = at(new_year - timedelta(seconds=1))
    assert before[:2] == pytest.approx([0, 1], abs=1e-4)
    assert before[2:4] == pytest.approx([math.sin(-math.tau / 7), math.cos(math.tau / 7)])
    leap = at(datetime(2024, 2, 29))[6:] - at(datetime(2024, 2, 28))[6:]
    assert np.linalg.norm(leap) == pytest.approx(math.tau / 365.2425, rel=1e-3)


def test_the_graph_computes_the_parts_as_numpy_does_and_loses_nothing() -> None:
    from mltk.problems.backend import keras

    draw = np.random.default_rng(1)
    seconds = np.sort(draw.integers(0, 2_000_000_000, 400))
    times = [datetime.fromtimestamp(int(each), UTC).replace(tzinfo=None) for each in seconds]
    shown, _ = walls(feature(), [time.isoformat() for time in times], range(400))
    clock = Clock.of(shown, feature(parts=PARTS))
    day, second = (shown.astype(np.float32)[:, [index]] for index in (0, 1))
    graph = np.concatenate([np.asarray(each) for each in clock.columns(day, second, keras.ops)], 1)
    exact = np.column_stack(clock.columns(*shown.T, np))
    assert np.abs(graph - exact).max() < 1e-6
    # A minute of the trend is still seen 50 years on.
    later = np.asarray(clock.columns(day, second + 60, keras.ops)[-1])
    assert (later > graph[:, -1:]).mean() > 0.9
