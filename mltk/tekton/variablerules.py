"""What a text may say of variables: ``pkg/substitution/substitution.go``, in Tekton's words.

A `prefix` is that of the variables that are looked at, e.g. ``params``; each function gives
what is wrong with a text, empty when nothing is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from functools import cache

_INDEX = re.compile(r"\[[0-9]*\*?\]")
_WHOLE = "[*]"
_TOO_MANY_PARTS = (
    'Invalid referencing of parameters in "{}"! Only two dot-separated components after the prefix'
    ' "{}" are allowed.'
)


class _TooManyParts(Exception):
    """A reference with more dots than a name and a key."""


def unknown(text: str, prefix: str, names: Collection[str]) -> str:
    """A variable that is none of `names` (``ValidateNoReferencesToUnknownVariables``)."""
    try:
        known = all(_INDEX.sub("", name) in names for name in _named(text, prefix))
    except _TooManyParts:
        return _TOO_MANY_PARTS.format(text, _written(prefix))
    return "" if known else f"non-existent variable in {quoted(text)}"


def prohibited(text: str, prefix: str, names: Collection[str]) -> str:
    """One of `names` as a whole, or a key of it (``...ToProhibitedVariables``)."""
    try:
        found = any(name.removesuffix(_WHOLE) in names for name in _named(text, prefix))
    except _TooManyParts:
        return _TOO_MANY_PARTS.format(text, _written(prefix))
    return f"variable type invalid in {quoted(text)}" if found else ""


def prohibited_whole(text: str, prefix: str, names: Collection[str]) -> str:
    """One of `names` as a whole; a key of it is fine (``...ToEntireProhibitedVariables``)."""
    found = any(name.removesuffix(_WHOLE) in names for name in _entire(text, prefix))
    return f"variable type invalid in {quoted(text)}" if found else ""


def not_isolated(text: str, prefix: str, names: Collection[str]) -> str:
    """One of `names` with anything beside it (``ValidateVariableReferenceIsIsolated``)."""
    try:
        found = any(name.removesuffix(_WHOLE) in names for name in _named(text, prefix))
    except _TooManyParts:
        return _TOO_MANY_PARTS.format(text, _written(prefix))
    first = _pattern(prefix).search(text)
    alone = first is not None and first[0] == text
    return f"variable is not properly isolated in {quoted(text)}" if found and not alone else ""


def expressions(text: str, prefix: str) -> list[str]:
    """All references of a prefix, as they are written (``ExtractVariableExpressions``)."""
    return [found[0] for found in _pattern(prefix).finditer(text)]


def quoted(text: str) -> str:
    """As Go's ``%q`` writes a text."""
    return json.dumps(text, ensure_ascii=False)


def _named(text: str, prefix: str) -> Iterator[str]:
    """Names of variables; of ``name.key`` the name."""
    for found in _pattern(prefix).finditer(text):
        dotted = found["dotted"] or ""
        if dotted.count(".") > 1:
            raise _TooManyParts
        yield dotted.partition(".")[0] or found["double"] or found["single"] or ""


def _entire(text: str, prefix: str) -> Iterator[str]:
    for found in _pattern(prefix).finditer(text):
        yield found["dotted"] or found["double"] or found["single"] or ""


@cache
def _pattern(prefix: str) -> re.Pattern[str]:
    name = r".*?(?:\[\*\])?"
    return re.compile(
        rf"\$\({re.escape(prefix)}"
        rf"(?:\.(?P<dotted>{name})|\[\"(?P<double>{name})\"\]|\['(?P<single>{name})'\])\)"
    )


def _written(prefix: str) -> str:
    """As Tekton shows it: a regular expression in which a dot is escaped."""
    return prefix.replace(".", "\\.")
