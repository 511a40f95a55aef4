"""How long ago something was, as kubectl's columns say it."""

from __future__ import annotations

from datetime import datetime

from mltk.tekton.objects import parse_time

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_YEAR = 365 * _DAY


def age(text: object, now: datetime) -> str:
    """The age of a timestamp; ``<unknown>`` when there is none."""
    if not isinstance(text, str) or not text:
        return "<unknown>"
    try:
        return human((now - parse_time(text)).total_seconds())
    except (ValueError, TypeError):
        return "<invalid>"


def human(seconds: float) -> str:
    """A duration in one or two units (``HumanDuration`` of k8s.io/apimachinery)."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    whole = max(0, whole)
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 10 * _MINUTE:
        return _two(whole, _MINUTE, "m", 1, "s")
    if whole < 3 * _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 8 * _HOUR:
        return _two(whole, _HOUR, "h", _MINUTE, "m")
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h"
    if whole < 8 * _DAY:
        return _two(whole, _DAY, "d", _HOUR, "h")
    if whole < 2 * _YEAR:
        return f"{whole // _DAY}d"
    if whole < 8 * _YEAR:
        return _two(whole, _YEAR, "y", _DAY, "d")
    return f"{whole // _YEAR}y"


def _two(seconds: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = seconds % large // small
    return f"{seconds // large}{large_name}" + (f"{rest}{small_name}" if rest else "")
