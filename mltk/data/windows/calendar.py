"""Local time and moments: what a clock on the wall means, and steps in the calendar.

One rule for what clocks do when they are changed: a local time that comes twice is the first of
the two, and one that is skipped is the moment at which the clock goes on. So a later local time
never means an earlier moment.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mltk.moments import microseconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_MONTHS = 12


moment_of = microseconds
"""The moment of a time that knows its zone."""


def local(moment: int, zone: ZoneInfo) -> datetime:
    """What the clock of `zone` shows at the moment, with its offset."""
    return (EPOCH + moment * MICROSECOND).astimezone(zone)


def moment_at(wall: datetime, zone: ZoneInfo) -> int:
    """The moment at which the clock of `zone` shows `wall`, which has no offset."""
    aware = wall.replace(tzinfo=zone, fold=0)
    found = moment_of(aware)
    if local(found, zone).replace(tzinfo=None, fold=0) == wall:
        return found
    return _end_of_gap(wall, zone)


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> int:
    """The first moment after the change that skips `wall`."""
    # Read with the offset after the change it lies before it, with the one before it after.
    before = moment_of(wall.replace(tzinfo=zone, fold=1))
    after = moment_of(wall.replace(tzinfo=zone, fold=0))
    old = local(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if local(middle, zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def add_months(wall: datetime, count: int) -> datetime:
    """The same day `count` months later; the last of the month where there is no such day."""
    year, month = divmod(wall.year * _MONTHS + wall.month - 1 + count, _MONTHS)
    last = calendar.monthrange(year, month + 1)[1]
    return wall.replace(year=year, month=month + 1, day=min(wall.day, last))
