"""One thing that is wrong with the project file."""

from __future__ import annotations

from typing import NamedTuple


class Complaint(NamedTuple):
    """The line (from 1) and what is wrong there, in words."""

    line: int
    what: str
