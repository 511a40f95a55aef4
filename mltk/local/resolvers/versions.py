"""Versions, and constraints on them such as ``>= 0.5, < 1.0`` or ``~> 1.2``.

The rules are those of https://github.com/hashicorp/go-version, which Tekton's hub resolver uses.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(-[0-9A-Za-z.~-]+|[A-Za-z][0-9A-Za-z.~-]*)?(\+[\w.~-]+)?")
_CONSTRAINT = re.compile(r"\s*(=|!=|>=|<=|>|<|~>|)\s*(\S+)\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Version:
    """A version: its numbers, at least three, how many were written, and what is a prerelease."""

    numbers: tuple[int, ...]
    written: int
    prerelease: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read a version; raises ValueError for what is none."""
        found = _VERSION.fullmatch(text)
        if found is None:
            raise ValueError(f"'{text}' is not a version")
        numbers = tuple(int(each) for each in found[1].split("."))
        padded = numbers + (0,) * (3 - len(numbers))
        return cls(padded, len(numbers), (found[2] or "").removeprefix("-"))

    def __str__(self) -> str:
        release = ".".join(map(str, self.numbers))
        return f"{release}-{self.prerelease}" if self.prerelease else release

    @property
    def key(self) -> tuple[object, ...]:
        """What versions are ordered by; a prerelease comes before its release."""
        parts = tuple(
            (0, int(each), "") if each.isdigit() else (1, 0, each)
            for each in self.prerelease.split(".")
        )
        return (self.numbers, not self.prerelease, parts)


@dataclass(frozen=True)
class Constraint:
    """One condition, e.g. ``>= 0.5``."""

    operator: str
    version: Version

    def allows(self, version: Version) -> bool:
        """Whether a version fulfils it; a prerelease only does when it is asked for as one."""
        wanted = self.version
        if version.prerelease and not (wanted.prerelease and wanted.numbers == version.numbers):
            return self.operator == "!="
        if self.operator == "~>":
            fixed = max(wanted.written - 1, 1)
            same = version.numbers[:fixed] == wanted.numbers[:fixed]
            return same and version.key >= wanted.key
        return _COMPARE[self.operator](version.key, wanted.key)


def parse_constraints(text: str) -> list[Constraint]:
    """Read conditions that must all hold; raises ValueError."""
    found = []
    for part in text.split(","):
        match = _CONSTRAINT.fullmatch(part)
        if match is None:
            raise ValueError(f"'{part}' is not a constraint on versions")
        found.append(Constraint(match[1], Version.parse(match[2])))
    return found


def newest(candidates: Iterable[str], constraints: Iterable[Constraint]) -> str | None:
    """Return the newest of the versions that fulfil all conditions, as it is written there."""
    conditions = list(constraints)
    best: tuple[Version, str] | None = None
    for text in candidates:
        try:
            version = Version.parse(text)
        except ValueError:
            continue
        if all(each.allows(version) for each in conditions) and (
            best is None or version.key >= best[0].key
        ):
            best = version, text
    return best[1] if best else None
