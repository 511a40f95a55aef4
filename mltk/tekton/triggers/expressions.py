"""Expressions in the values of bindings, as Tekton Triggers takes them out."""

from __future__ import annotations

from collections.abc import Iterator


def expressions(text: str) -> Iterator[str]:
    """What stands in each ``$(...)`` of `text`; of nested ones, the innermost."""
    for piece in text.split("$(")[1:]:
        if (found := _closed(piece)) is not None:
            yield found


def all_closed(text: str) -> bool:
    """Whether what begins with ``$(`` ends; as for Tekton's webhook, the last one need not."""
    return all(_closed(piece) is not None for piece in text.split("$(")[1:-1])


def _closed(piece: str) -> str | None:
    """What stands before a bracket that closes and was not opened here, None without one."""
    depth = 0
    for position, character in enumerate(piece):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return piece[:position]
    return None
