"""Where the embedded engine may differ from Tekton, and why. Nothing is here without a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.parity.picture import Difference


@dataclass(frozen=True)
class Allowed:
    """A place that may differ, as a regular expression of ``CASE/PATH`` as a whole."""

    place: str
    reason: str

    def covers(self, case: str, difference: Difference) -> bool:
        """Whether the difference is this one."""
        return re.fullmatch(self.place, f"{case}{difference.path}") is not None


ALLOWED: tuple[Allowed, ...] = ()


def surprises(case: str, found: Iterable[Difference]) -> list[Difference]:
    """The differences that nothing allows."""
    return [each for each in found if not any(row.covers(case, each) for row in ALLOWED)]
