"""Fields of an event's JSON, with the place of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mltk.errors import DataError

Object = Mapping[str, Any]


def fault(form: str, what: str) -> DataError:
    """What is wrong with an event of `form`."""
    return DataError(
        f"this is no event of the form '{form}': {what}",
        where="the event",
        hint="docs/sources.md shows each form; see what the sender was told to send",
    )


def mapping(form: str, value: Any, place: str) -> Object:
    """`value` as an object; `place` says where it stands."""
    if not isinstance(value, dict):
        raise fault(form, f"{place} is no object")
    return value


def items(form: str, value: Any, place: str) -> list[Any]:
    """`value` as a list."""
    if not isinstance(value, list):
        raise fault(form, f"{place} is no list")
    return value


def text(form: str, inside: Object, key: str, place: str) -> str:
    """A text that has to be there and not empty."""
    value = inside.get(key)
    if not isinstance(value, str) or not value:
        raise fault(form, f"{place}.{key} is no text")
    return value


def optional(form: str, inside: Object, key: str, place: str) -> str:
    """A text that may be missing; numbers are written out, as some senders have them."""
    value = inside.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise fault(form, f"{place}.{key} is no text")
    return str(value)


def size(form: str, inside: Object, key: str, place: str) -> int | None:
    """A number of bytes, also as text; None when it is missing."""
    written = optional(form, inside, key, place)
    if not written:
        return None
    # Digits of other scripts are digits to Python alone.
    if not (written.isascii() and written.isdecimal()) or len(written) > 18:
        raise fault(form, f"{place}.{key} is no size in bytes")
    return int(written)


def moment(form: str, inside: Object, key: str, place: str) -> datetime | None:
    """A time of RFC 3339; None when it is missing."""
    written = optional(form, inside, key, place)
    if not written:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise fault(form, f"{place}.{key} is no time of RFC 3339") from None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise fault(form, f"{place}.{key} is no time of this calendar") from None
