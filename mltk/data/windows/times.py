"""A column of text becomes moments, with a finding for each cell that is no time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from mltk.data.findings import Finding
from mltk.data.missing import is_missing
from mltk.data.windows.calendar import EPOCH, MICROSECOND, local, moment_at, moment_of
from mltk.data.windows.periods import DAY

TimeFormat = Literal["iso", "epoch", "epoch_ms"]

AHEAD = DAY
"""How far a row may be ahead of the clock: as much as a wrong time zone explains."""

_SCALE = {"epoch": 1_000_000, "epoch_ms": 1_000}
_YEARS = (1000, 9000)
_DIGITS = 40
_BOUNDS = tuple(moment_of(datetime(year, 1, 1, tzinfo=UTC)) for year in _YEARS)
_Read = tuple[int, str]


def moments(
    name: str,
    cells: Sequence[str],
    lines: Sequence[int],
    zone: ZoneInfo,
    form: TimeFormat = "iso",
    now: int | None = None,
) -> tuple[list[int], list[Finding]]:
    """Read a column of times; a cell that is wrong becomes 0 and a finding.

    ISO 8601 without an offset is local time of `zone`. `now` is the clock, beyond which no row
    can be; None does not look.
    """
    found: list[int] = []
    kinds: list[str] = []
    findings: list[Finding] = []
    for cell, line in zip(cells, lines, strict=True):
        try:
            moment, kind = _read(cell.strip(), zone, form)
            _check(moment, now, cell, zone)
        except ValueError as error:
            findings.append(Finding(str(error), line, name, _hint(form)))
            moment, kind = 0, ""
        found.append(moment)
        kinds.append(kind)
    return found, findings or _mixed(name, cells, lines, kinds)


def _read(cell: str, zone: ZoneInfo, form: TimeFormat) -> _Read:
    if is_missing(cell):
        raise ValueError("the time is missing")
    if form != "iso":
        return _number(cell, form), form
    try:
        time = datetime.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"'{cell}' is no time in ISO 8601") from None
    if not _YEARS[0] <= time.year < _YEARS[1]:
        raise ValueError(_outside(cell))
    if time.tzinfo is None:
        return moment_at(time, zone), "without an offset"
    return moment_of(time), "with an offset"


def _number(cell: str, form: TimeFormat) -> int:
    whole, _, fraction = cell.partition(".")
    digits = whole.removeprefix("-")
    if not (len(cell) < _DIGITS and (digits + (fraction or "0")).isdecimal() and cell.isascii()):
        raise ValueError(f"'{cell}' is no number of seconds" + " / 1000" * (form == "epoch_ms"))
    scale = _SCALE[form]
    part = int(f"{fraction:0<6}"[:6]) * scale // 1_000_000
    return int(whole) * scale + (-part if whole.startswith("-") else part)


def _check(moment: int, now: int | None, cell: str, zone: ZoneInfo) -> None:
    if not _BOUNDS[0] <= moment < _BOUNDS[1]:
        raise ValueError(_outside(cell))
    if now is not None and moment > now + AHEAD:
        clock = local(now, zone).isoformat(timespec="seconds")
        raise ValueError(f"'{cell}' is in the future: the clock shows {clock}")


def _outside(cell: str) -> str:
    return f"'{cell}' lies outside of the years {_YEARS[0]} to {_YEARS[1]}"


def _hint(form: TimeFormat) -> str:
    if form == "iso":
        return (
            "write 2026-11-01T08:30:00, with or without an offset, or say time_format: epoch;"
            " where a time seems to be in the future, look at the clock of this machine, too"
        )
    return "say time_format: iso where the column holds dates"


def _mixed(
    name: str, cells: Sequence[str], lines: Sequence[int], kinds: Sequence[str]
) -> list[Finding]:
    """One finding for a column in which some times have an offset and others do not."""
    firsts = [next(group)[0] for _, group in groupby(enumerate(kinds), key=lambda pair: pair[1])]
    if len(firsts) < 2:
        return []
    one, other = firsts[0], firsts[1]
    return [
        Finding(
            f"mixed time zones: '{cells[other]}' is {kinds[other]}, but '{cells[one]}' on line"
            f" {lines[one]} is {kinds[one]}",
            lines[other],
            name,
            "write all times of the column with an offset, as in 2026-11-01T08:30:00+01:00",
        )
    ]


def iso(moment: int) -> str:
    """A moment as ISO 8601 in UTC, with a Z."""
    text = (EPOCH + moment * MICROSECOND).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def parse_moment(text: str, zone: ZoneInfo) -> int:
    """Read one ISO 8601 time, a date being its first moment; ValueError for what is none."""
    return _read(text.strip(), zone, "iso")[0]


def window_text(start: int, end: int) -> str:
    """Name a window as runs have it: `START/END` in UTC, an interval of ISO 8601."""
    return f"{iso(start)}/{iso(end)}"


def parse_window(text: str) -> tuple[int, int]:
    """Read what `window_text` wrote; ValueError for what is no interval with offsets."""
    words = text.split("/")
    try:
        start, end = (datetime.fromisoformat(word) for word in words)
        bounds = moment_of(start), moment_of(end)
    except (ValueError, TypeError):  # TypeError: a time without an offset
        raise ValueError(
            f"'{text}' is no window: write START/END, as in"
            " 2026-11-01T00:00:00Z/2026-11-08T00:00:00Z"
        ) from None
    if bounds[0] >= bounds[1]:
        raise ValueError(f"'{text}' is no window: it ends before it begins")
    return bounds
