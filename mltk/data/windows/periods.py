"""Lengths of time as people write them: `15m`, `6h`, `1d`, `2w`, `1mo`, `1y`.

Minutes and hours are elapsed time. Days, weeks, months and years are steps in the calendar of a
time zone: a day may have 23 or 25 hours there.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

Base = Literal["minutes", "days", "months"]

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS: dict[str, tuple[int, Base]] = {
    "m": (1, "minutes"),
    "h": (60, "minutes"),
    "d": (1, "days"),
    "w": (7, "days"),
    "mo": (1, "months"),
    "y": (12, "months"),
}
_WRITTEN = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[a-z]+)")
_LONGEST_DAYS = 36_600
# What a step of each base takes at least and at most; clocks change by two hours at most.
_SHORTEST = {"minutes": MINUTE, "days": DAY, "months": 28 * DAY}
_LONGEST = {"minutes": MINUTE, "days": DAY, "months": 31 * DAY}
_CLOCK_CHANGE = 2 * HOUR


@dataclasses.dataclass(frozen=True)
class Period:
    """`count` steps of `base`; `text` is how it was written."""

    count: int
    base: Base
    text: str

    def __str__(self) -> str:
        """Give it as it was written."""
        return self.text

    @property
    def elapsed(self) -> int:
        """Microseconds, a day being 24 hours; ValueError for months, which have no one length."""
        if self.base == "months":
            raise ValueError(f"'{self.text}' has no fixed length: write days, as in 30d")
        return self.count * _SHORTEST[self.base]

    def least(self, *, clock_changes: bool) -> int:
        """Microseconds that it takes at least, with or without changes of the clock."""
        return self._nominal(_SHORTEST) - self._change(clock_changes)

    def most(self, *, clock_changes: bool) -> int:
        """Microseconds that it takes at most."""
        return self._nominal(_LONGEST) + self._change(clock_changes)

    def _nominal(self, steps: dict[str, int]) -> int:
        return self.count * steps[self.base]

    def _change(self, clock_changes: bool) -> int:
        return _CLOCK_CHANGE if clock_changes and self.base != "minutes" else 0


def parse_period(text: str) -> Period:
    """Read a period; ValueError, with the ways to write one, for what is none."""
    found = _WRITTEN.fullmatch(text)
    if found is None or found["unit"] not in _UNITS:
        raise ValueError(
            f"'{text}' is no length of time: write 15m (minutes), 6h, 1d, 2w, 1mo (month) or 1y"
        )
    factor, base = _UNITS[found["unit"]]
    period = Period(int(found["count"]) * factor, base, text)
    if period.count and period.most(clock_changes=False) > _LONGEST_DAYS * DAY:
        raise ValueError(f"'{text}' is longer than a hundred years")
    return period
