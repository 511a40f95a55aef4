"""The parts of a JSONPath, as client-go has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """One key of an object."""

    name: str


@dataclass(frozen=True)
class Literal:
    """A text, number or bool that stands in the expression itself."""

    value: str | int | float | bool


@dataclass(frozen=True)
class Identifier:
    """A bare word."""

    name: str


@dataclass(frozen=True)
class Wildcard:
    """All children: ``.*``."""


@dataclass(frozen=True)
class Recursive:
    """A value with all that is below it: ``..``."""


@dataclass(frozen=True)
class Slice:
    """Elements of a list; `single` when only its start was written, as in ``[2]``."""

    start: int | None
    end: int | None
    step: int | None
    single: bool


@dataclass(frozen=True)
class Union:
    """What each of several paths finds: ``[0,2]``."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Filter:
    """The elements of a list that stand a comparison, or where `left` is there (``exists``)."""

    left: Path
    operator: str
    right: Path


Node = Any
"""One of the classes above."""

Path = tuple[Node, ...]
