"""Where the value of an overlay goes: paths as the Go package tidwall/sjson sets them.

https://github.com/tidwall/sjson#path-syntax. Parts of a path are parted by dots, a backslash keeps
one; a number is a place in a list, ``-1`` the place behind its end, a colon before makes it a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_PART = re.compile(r"((?:\\.|[^.\\])*)(\.?)", re.DOTALL)
_SPECIAL = re.compile(r"(?<!\\)[|#@*?]")
_LONGEST_LIST = 10_000


@dataclass(frozen=True)
class _Part:
    key: str
    is_key: bool

    @property
    def index(self) -> int | None:
        """The place in a list, None for a key."""
        return (
            int(self.key or "0") if not self.is_key and re.fullmatch("[0-9]*", self.key) else None
        )

    @property
    def is_end(self) -> bool:
        """Whether it is the place behind the end of a list."""
        return self.key == "-1" and not self.is_key


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set what `path` names in `document`; raises ValueError with sjson's words."""
    if not path:
        raise ValueError("path cannot be empty")
    # A path with the signs of a query changes what it finds, and an overlay makes new things.
    if not _SPECIAL.search(path):
        _put(document, _parts(path), value)


def _parts(path: str) -> list[_Part]:
    parts, position, more = [], 0, True
    while more:
        found = _PART.match(path, position)
        text, dot = found.groups() if found else ("", "")
        is_key = text.startswith(":")
        parts.append(_Part(re.sub(r"\\(.)", r"\1", text[1:] if is_key else text), is_key))
        position, more = position + len(text) + len(dot), bool(dot)
    return parts


def _put(node: Any, parts: list[_Part], value: Any) -> Any:
    """`node` with the value, or what stands in its place where it is neither object nor list."""
    if not parts:
        return value
    part, *rest = parts
    if isinstance(node, list):
        return _put_in_list(node, part, rest, value)
    if not isinstance(node, dict):
        node = [] if part.index is not None else {}
        return _put(node, parts, value)
    node[part.key] = _put(node[part.key], rest, value) if part.key in node else _built(rest, value)
    return node


def _put_in_list(node: list[Any], part: _Part, rest: list[_Part], value: Any) -> list[Any]:
    # To sjson nothing is a number, and no place in a list that is there.
    index = len(node) if part.is_end or not (part.key or part.is_key) else part.index
    if index is None:
        raise ValueError(f"cannot set array element for non-numeric key '{part.key}'")
    if index < len(node):
        node[index] = _put(node[index], rest, value)
        return node
    node += [None] * _padding(index - len(node))
    node.append(_built(rest, value))
    return node


def _built(parts: list[_Part], value: Any) -> Any:
    if not parts:
        return value
    part, *rest = parts
    if part.index is None and not part.is_end:
        return {part.key: _built(rest, value)}
    return [None] * _padding(part.index or 0) + [_built(rest, value)]


def _padding(count: int) -> int:
    if count > _LONGEST_LIST:
        raise ValueError(f"a list is no longer than {_LONGEST_LIST}")
    return count
