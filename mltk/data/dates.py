"""Times as a model reads them: the day and the second of it on a clock, and the parts of both.

A float32 holds neither the seconds since 1970 nor a fraction of so many days; it holds the number
of the day exactly and the second of the day to 8 ms. The arithmetic of the parts is written once,
for NumPy and for the operations of Keras, so that baselines, drift and graph mean the same.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.data.findings import Finding
from mltk.data.missing import is_missing
from mltk.data.windows.calendar import local
from mltk.data.windows.times import moments

if TYPE_CHECKING:
    from mltk.project.features import Datetime

DAY = 86_400
_YEAR = 365.2425
_EPOCH = date(1970, 1, 1).toordinal()

_READ_BY_CLIENTS = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?",
    re.ASCII,
)
"""What of ISO 8601 rows.mjs reads; Python reads more, which no client could then send."""


def walls(
    feature: Datetime, cells: Sequence[str], lines: Sequence[int]
) -> tuple[Floats, list[Finding]]:
    """Read what the clock shows, float64 [n, 2]: days since 1970-01-01, and seconds of the day.

    A cell that is wrong, or missing where it may be, becomes NaN.
    """
    gaps = feature.missing != "error" and not all(map(is_missing, cells))
    rows = [row for row, cell in enumerate(cells) if not (gaps and is_missing(cell))]
    known = [cells[row] for row in rows]
    found, findings = moments(
        feature.name, known, [lines[row] for row in rows], feature.zone(), feature.time_format
    )
    findings = findings or _unread(feature, known, [lines[row] for row in rows])
    shown = np.full((len(cells), 2), np.nan)
    if not findings:
        shown[rows] = [
            _clock(feature, cell, moment) for cell, moment in zip(known, found, strict=True)
        ]
    return shown, findings


def _unread(feature: Datetime, cells: Sequence[str], lines: Sequence[int]) -> list[Finding]:
    """Find the times that training would read, and a client would not."""
    if feature.time_format != "iso":
        return []
    hint = "write 2026-11-01T08:30:00, with or without an offset, as all who use the model must"
    return [
        Finding(f"'{cell}' is a time that no client can send", line, feature.name, hint)
        for cell, line in zip(cells, lines, strict=True)
        if not _READ_BY_CLIENTS.fullmatch(cell.strip())
    ]


def _clock(feature: Datetime, cell: str, moment: int) -> tuple[float, float]:
    time = datetime.fromisoformat(cell.strip()) if feature.time_format == "iso" else None
    if time is None or time.tzinfo is not None:
        # From the moment, which a time without an offset may name twice or not at all.
        time = local(moment, feature.zone())
    seconds = (time.hour * 60 + time.minute) * 60 + time.second
    return time.toordinal() - _EPOCH, seconds + time.microsecond / 1e6


def iso(day: float, second: float) -> str:
    """Write what the clock shows, to the microsecond, as ISO 8601 without an offset."""
    micros = min(round(second * 1e6), DAY * 1_000_000 - 1)
    time = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return f"{date.fromordinal(int(day) + _EPOCH)}T{time.time().isoformat()}"


def month_and_day(day: Any, floor: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Give months since March and days since 1 March, from days since 1970-01-01.

    H. Hinnant, chrono-compatible low-level date algorithms (civil_from_days), on floats: half is
    added to a numerator, so that no quotient is so near to a whole number that rounding matters.
    """

    def over(numerator: Any, divisor: int) -> Any:
        return floor((numerator + 0.5) / divisor)

    shifted = day + 719_468.0
    of_era = shifted - over(shifted, 146_097) * 146_097
    leap = over(of_era, 1_460) - over(of_era, 36_524) + over(of_era, 146_096)
    year = over(of_era - leap, 365)
    of_year = of_era - (year * 365 + over(year, 4) - over(year, 100))
    return over(of_year * 5 + 2, 153), of_year


def weekday(day: Any, floor: Callable[[Any], Any]) -> Any:
    """Give the day of the week, Monday being 0."""
    since = day + 3.0
    return since - floor((since + 0.5) / 7) * 7


def sine(turns: Any, floor: Callable[[Any], Any]) -> Any:
    """Give the sine of an angle in turns, to 1e-7, by sums and products alone.

    Graphics processors have a sine of their own, that may be off by 2^-11. Folded into a quarter
    of a turn on either side, the series of Taylor to the 11th power is enough.
    """
    rest = turns + 0.25 - floor(turns + 0.25) - 0.25
    angle = 2 * math.pi * (0.25 - abs(rest - 0.25))
    square, series = angle * angle, 1.0
    for product in (110, 72, 42, 20, 6):
        series = 1.0 - square / product * series
    return angle * series


@dataclasses.dataclass(frozen=True)
class Clock:
    """How a feature's times become columns; `origin` (a day) and `scale` (days) are of its trend.

    `fill` is what stands in for the columns of a missing time.
    """

    feature: Datetime
    origin: float
    scale: float
    fill: tuple[float, ...] = ()

    @classmethod
    def of(cls, rows: Array, feature: Datetime) -> Clock:
        """Learn from training rows [n, 2]."""
        known = rows[~np.isnan(rows[:, 0])].astype(np.float64)
        days = known[:, 0] + known[:, 1] / DAY
        bare = cls(feature, float(np.round(days.mean())), float(days.std()) or 1.0)
        means = (column.mean() for column in bare.columns(known[:, 0], known[:, 1], np))
        return dataclasses.replace(bare, fill=tuple(map(float, means)))

    def columns(self, day: Any, second: Any, ops: Any) -> list[Any]:
        """Give the columns of the parts, by the operations of `ops`: numpy, or keras.ops."""
        found: list[Any] = []
        for part in self.feature.parts:
            if part == "trend":
                found.append((day - self.origin) / self.scale + second / (DAY * self.scale))
            else:
                turns = _TURNS[part](day, second, ops.floor)
                found += [sine(turns, ops.floor), sine(turns + 0.25, ops.floor)]
        return found


_TURNS: Mapping[str, Callable[[Any, Any, Callable[[Any], Any]], Any]] = {
    "hour": lambda _, second, __: second / DAY,
    "weekday": lambda day, _, floor: weekday(day, floor) / 7,
    # Both begin with March; two months, or 59.24 days, after the year does.
    "month": lambda day, _, floor: (month_and_day(day, floor)[0] + 2) / 12,
    "year_day": lambda day, _, floor: (month_and_day(day, floor)[1] + 59.2425) / _YEAR,
}
"""How far round the circle a time is, by part; 1 January, Monday and midnight are 0."""


def reading(part: str, day: Floats, second: Floats) -> Floats:
    """Give a cyclic part as people say it: hours, Monday 0, January 0, days since 1 January.

    29 February counts as 1 March, so that a date is the same day in any year.
    """
    if part == "hour":
        return second / 3600
    if part == "weekday":
        return weekday(day, np.floor)  # type: ignore[no-any-return]
    months, days = month_and_day(day, np.floor)
    return (months + 2) % 12 if part == "month" else (days + 59) % 365  # type: ignore[no-any-return]
