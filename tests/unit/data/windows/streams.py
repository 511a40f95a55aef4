"""Tables with times, for the tests of windows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mltk.data.reader import TextTable
from mltk.data.windows.calendar import moment_of
from mltk.data.windows.periods import parse_period
from mltk.data.windows.planning import Rules
from mltk.data.windows.rows import Timeline, timeline
from mltk.data.windows.schedule import Schedule, schedule


def at(text: str) -> int:
    """A moment, in UTC when the text has no offset."""
    time = datetime.fromisoformat(text)
    return moment_of(time if time.tzinfo else time.replace(tzinfo=UTC))


def plan(
    every: str, length: str | None = None, zone: str = "UTC", origin: datetime | None = None
) -> Schedule:
    return schedule(parse_period(every), parse_period(length or every), ZoneInfo(zone), origin)


def rules(every: str, length: str | None = None, lateness: int = 0, **more: object) -> Rules:
    made: Rules = Rules(plan(every, length), lateness, **more)  # type: ignore[arg-type]
    return made


def rows_at(times: Iterable[int]) -> Timeline:
    """A table with one row for each time; a time that comes twice has two different rows."""
    listed = list(times)
    rows = tuple((str(time), str(number)) for number, time in enumerate(listed))
    table = TextTable(("when", "y"), tuple(range(2, len(rows) + 2)), rows)
    return timeline(table, listed)
