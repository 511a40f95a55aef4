"""Which texts of a cell stand for no value."""

from __future__ import annotations

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""In lower case and without blanks around them."""

COMPLAINT = "the value is missing"


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value."""
    return cell.strip().lower() in _MISSING
