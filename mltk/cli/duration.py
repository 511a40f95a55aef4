"""Spans of time as people read them, in the way of kubectl and tkn."""

from __future__ import annotations

from typing import Any

import click

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def rough(seconds: float) -> str:
    """Give the age of an object in one unit: `45s`, `12m`, `3h`, `2d`."""
    whole = max(0, int(seconds))
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size}{unit}"
    return "0s"


def exact(seconds: float) -> str:
    """How long something took, in the whole seconds of timestamps: `0s`, `12s`, `1h2m5s`."""
    parts, rest = "", max(0, int(seconds))
    for size, unit in _UNITS:
        if rest >= size or parts:
            parts += f"{rest // size}{unit}"
            rest %= size
    return parts or "0s"


def parse(text: str) -> float:
    """Seconds of `90`, `90s`, `5m`, `1h30m`; ValueError for anything else."""
    if text.isdigit():
        return float(text)
    total, number = 0.0, ""
    for letter in text:
        if letter.isdigit() or letter == ".":
            number += letter
        else:
            total += float(number) * {unit: size for size, unit in _UNITS}[letter]
            number = ""
    if number or not text:
        raise ValueError(text)
    return total


class DurationType(click.ParamType[float]):
    """Seconds of `90s`, `5m` or `1h30m`."""

    name = "duration"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's
        """Show the word for it."""
        return "DURATION"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; fail with examples for anything else."""
        if isinstance(value, float):
            return value
        try:
            return parse(str(value))
        except (ValueError, KeyError):
            return self.fail(f"'{value}' is no duration; write 90s, 5m or 1h30m", param, ctx)


DURATION = DurationType()
