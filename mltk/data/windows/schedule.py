"""Where windows lie: window `k` begins `k` times `every` after the origin and is `length` long.

Begin and end are both counted from the origin, so that nothing drifts: from 31 January come
28 February, 31 March, 30 April. Where `length` is a multiple of `every` in the same calendar, the
end of a window is the begin of another, and each row lies in exactly length/every windows.
"""

from __future__ import annotations

import dataclasses
import functools
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mltk.data.windows.calendar import add_months, local, moment_at
from mltk.data.windows.periods import MINUTE, Period

# Local times: a Saturday that begins month and year, and a Monday, with which weeks begin.
_ORIGIN = datetime(2000, 1, 1)
_WEEKS_ORIGIN = datetime(2000, 1, 3)


@dataclasses.dataclass(frozen=True, order=True)
class Window:
    """From `start` up to, not including, `end`; `index` counts the windows of its schedule."""

    index: int
    start: int
    end: int

    def __contains__(self, moment: int) -> bool:
        """Whether the moment lies in it."""
        return self.start <= moment < self.end


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The windows of a model; `origin` is a local time of `zone` without an offset."""

    every: Period
    length: Period
    zone: ZoneInfo
    origin: datetime

    def start(self, index: int) -> int:
        """The moment at which a window begins."""
        return self._position(index * self.every.count)

    def end(self, index: int) -> int:
        """The moment before which a window ends."""
        steps = index * self.every.count
        if self.length.base == self.every.base:
            return self._position(steps + self.length.count)
        if self.length.base == "minutes":
            return self._position(steps) + self.length.count * MINUTE
        return moment_at(_shifted(self._wall(steps), self.length), self.zone)

    def window(self, index: int) -> Window:
        """The window with that index, which may be negative."""
        return Window(index, self.start(index), self.end(index))

    def last_begun(self, moment: int) -> int:
        """Index of the window that begins last at or before the moment."""
        return _least(lambda index: self.start(index) > moment, self._guess(moment)) - 1

    def indices(self, moment: int) -> range:
        """The indices of all windows that the moment lies in."""
        last = self.last_begun(moment)
        return range(_least(lambda index: self.end(index) > moment, last), last + 1)

    @functools.cached_property
    def _first(self) -> int:
        """The moment of the origin."""
        return moment_at(self.origin, self.zone)

    def _position(self, steps: int) -> int:
        if self.every.base == "minutes":
            return self._first + steps * MINUTE
        return moment_at(self._wall(steps), self.zone)

    def _wall(self, steps: int) -> datetime:
        """What the clock shows `steps` after the origin."""
        if self.every.base == "months":
            return add_months(self.origin, steps)
        if self.every.base == "days":
            return self.origin + timedelta(days=steps)
        return local(self._position(steps), self.zone).replace(tzinfo=None, fold=0)

    def _guess(self, moment: int) -> int:
        """An index near the window that begins last before the moment."""
        day = 1440 * MINUTE
        steps = {"minutes": MINUTE, "days": day, "months": 30 * day}[self.every.base]
        return (moment - self._first) // (steps * self.every.count)


def schedule(
    every: Period, length: Period, zone: ZoneInfo, origin: datetime | None = None
) -> Schedule:
    """The schedule with what is not given filled in; ValueError for one that leaves gaps."""
    if not every.count or not length.count:
        raise ValueError("every and length must be more than nothing")
    _refuse_gaps(every, length, clock_changes=zone.key != "UTC")
    weeks = every.text.endswith("w")
    return Schedule(every, length, zone, origin or (_WEEKS_ORIGIN if weeks else _ORIGIN))


def _refuse_gaps(every: Period, length: Period, *, clock_changes: bool) -> None:
    if every.base == length.base:
        gap = length.count < every.count
    else:
        least = length.least(clock_changes=clock_changes)
        gap = least < every.most(clock_changes=clock_changes)
    if gap:
        raise ValueError(
            f"a window of {length} is shorter than a step of {every} can be, so rows would fall"
            f" between two windows: make length {every} or longer"
        )


def _shifted(wall: datetime, by: Period) -> datetime:
    return add_months(wall, by.count) if by.base == "months" else wall + timedelta(days=by.count)


def _least(holds: Callable[[int], bool], near: int) -> int:
    """The first index for which `holds`, which once true stays true, by steps that double."""
    step = 1
    if holds(near):
        while holds(near - step):
            step *= 2
        low, high = near - step + 1, near
    else:
        while not holds(near + step):
            step *= 2
        low, high = near + 1, near + step
    return low + bisect_left(range(low, high), True, key=holds)
