"""When a burst is over: the rule by which what comes in one go is taken in one go."""

from __future__ import annotations

import dataclasses

from mltk.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Gathering:
    """Seconds without anything new, and the most that the first one waits for that."""

    quiet: float
    longest: float

    def __post_init__(self) -> None:
        """Refuse a wait that no quiet could end."""
        if self.longest < self.quiet:
            raise ConfigError(
                f"the longest wait ({self.longest:g} s) is shorter than the quiet period"
                f" ({self.quiet:g} s)",
                hint="make the longest wait longer, or the quiet period shorter",
            )

    def due(self, first: float, last: float) -> float:
        """When a burst is taken whose first thing came at `first` and whose newest at `last`."""
        return min(last + self.quiet, first + self.longest)

    def is_over(self, first: float, last: float, now: float) -> bool:
        """Whether that is so at `now`."""
        return now >= self.due(first, last)
