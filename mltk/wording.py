"""Words that the messages of every room share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest of `known`, empty when nothing is near."""
    import difflib  # costs 3 ms, and what is valid never needs it

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def amount(value: float, unit: str = "") -> str:
    """Give a number with four significant digits and its unit."""
    return f"{value:.4g} {unit}".rstrip()


def shown(value: Any) -> str:
    """A value of a YAML file as a complaint about it names it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "keys and values"
    return "a list" if isinstance(value, list) else repr(value)


def worded(value: Any) -> str:
    """A value of JSON in one line: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def counted(number: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {what}" + ("" if number == 1 else "s")
