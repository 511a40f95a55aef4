"""Durations as Go writes them, e.g. ``1h30m0s``: https://pkg.go.dev/time#ParseDuration."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"[+-]?(?:{_PART.pattern})+")

DEFAULT_TIMEOUT = timedelta(hours=1)  # Tekton's `default-timeout-minutes`
NO_TIMEOUT = timedelta(0)


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> timedelta:
    """Read a duration; ValueError for what is none. ``0`` needs no unit."""
    if text.lstrip("+-") == "0":
        return timedelta(0)
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"'{text}' is not a duration such as 1h30m")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def format_duration(duration: timedelta) -> str:
    """Write a duration as Go's ``Duration.String`` does: ``1h0m0s``, ``1.5s``, ``20ms``."""
    micros = round(duration / timedelta(microseconds=1))
    if micros == 0:
        return "0s"
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    if micros < 1_000:
        return f"{sign}{micros}µs"
    if micros < 1_000_000:
        return f"{sign}{_decimal(micros / 1_000)}ms"
    minutes, rest = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest / 1_000_000)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def optional_duration(text: str | None) -> timedelta | None:
    """The same for a field that may be missing."""
    return None if text is None else parse_duration(str(text))


def _decimal(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
