"""Which rows train, which tell when to stop, and which judge.

A row's place is drawn from a hash of its features and the seed, not from its position. So a row
that is appended, edited or moved leaves the other rows (but for a few at the borders) where they
are, which keeps the hold-out rows of the next model unseen by the present champion; and rows with
equal features lie on the same side, so that a copy in the training rows does not flatter.

Where the project file names a column of groups, whole groups are drawn, by a hash of what the rows
of a group are; where it names one of times, the latest rows judge, and those before tell when to
stop. Classes are then not split by the same shares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array, Ints
from mltk.errors import DataError
from mltk.records import Splits

if TYPE_CHECKING:
    from mltk.data.rows import Table
    from mltk.project.spec import Split

MIN_CLASS_ROWS = 3
"""Rows of a class that can be split: one each to train, to stop and to judge."""

MIN_ROWS = 10

_Parts = tuple[Ints, Ints, Ints]
"""Rows that train, tell when to stop, and judge."""


def split(features: Array, shares: Split, seed: int, classes: Array | None = None) -> Splits:
    """Split rows [n, F]; with class indices [n] every class is split by the same shares.

    Needs 3 rows, and 3 of each class. The result depends on nothing but the arguments.
    """
    order = np.lexsort((np.arange(len(features)), _draws(features, seed)))
    strata = np.zeros(len(features), dtype=np.int64) if classes is None else classes
    parts: tuple[list[Ints], list[Ints], list[Ints]] = ([], [], [])
    for stratum in np.unique(strata):
        members = order[strata[order] == stratum]
        for part, rows in zip(parts, _cut(members, shares), strict=True):
            part.append(rows)
    train, validation, holdout = (np.sort(np.concatenate(part)).tolist() for part in parts)
    return Splits(tuple(train), tuple(validation), tuple(holdout))


def split_table(table: Table, shares: Split, seed: int) -> Splits:
    """Split a table in the way that the project file asks for; DataError where that cannot be."""
    if table.groups is not None:
        parts = _by_group(table.groups, shares, seed)
    elif table.times is not None:
        latest_first = np.lexsort((_draws(table.features, seed), table.times))[::-1]
        parts = _cut(latest_first, shares, holdout_first=True)
    else:
        found = split(table.features, shares, seed, _strata(table))
        _refuse_missing(table, (found.train, found.validation, found.holdout))
        return found
    _refuse_useless(table, parts, shares)
    _refuse_missing(table, parts)
    train, validation, holdout = (tuple(np.sort(part).tolist()) for part in parts)
    return Splits(train, validation, holdout)


def _strata(table: Table) -> Array | None:
    """Number the rows by class, or by the rarest label that they have, so that none is left out."""
    if not table.labels:
        return table.target if table.classes else None
    rarer = table.target == (table.target.mean(axis=0) <= 1 / 2)
    strata = np.zeros(len(rarer), dtype=np.int64)
    for label in np.argsort(-rarer.sum(axis=0), kind="stable"):
        strata[rarer[:, label]] = label + 1
    values, sizes = np.unique(strata, return_counts=True)
    strata[np.isin(strata, values[sizes < MIN_CLASS_ROWS])] = values[np.argmax(sizes)]
    return strata


def _by_group(groups: Ints, shares: Split, seed: int) -> _Parts:
    """Draw whole groups; where the middle of one lies among all rows, from 0 to 1, decides."""
    values, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    draws = _hashes((value.tobytes() for value in values.astype("<i8")), seed)
    order = np.argsort(draws, kind="stable")
    middle = (np.cumsum(sizes[order]) - sizes[order] / 2) / len(groups)
    part = np.zeros(len(values), dtype=np.int64)
    part[order[middle >= 1 - shares.validation]] = 1
    part[order[middle < shares.holdout]] = 2
    rows = part[index.reshape(-1)]
    return np.flatnonzero(rows == 0), np.flatnonzero(rows == 1), np.flatnonzero(rows == 2)


def _refuse_missing(table: Table, parts: Iterable[Sequence[int] | Ints]) -> None:
    """Raise DataError for a part without one of the two values of a label."""
    for name, part in zip(("train", "validation", "holdout"), parts, strict=True):
        rows = table.target[np.array(part)]
        for index, (label, values) in enumerate(table.labels.items()):
            for code, value in enumerate(values):
                if not (rows[:, index] == code).any():
                    raise DataError(
                        f"no row in {name} has '{value}' in column '{label}'",
                        where="mltk.yaml: split",
                        hint=f"bring such rows, change the shares, or remove target '{label}'",
                    )


def _refuse_useless(table: Table, parts: _Parts, shares: Split) -> None:
    """Raise DataError for a part without rows, and for a class that no training row has."""
    column = shares.group or shares.time or ""
    for name, part in zip(("train", "validation", "holdout"), parts, strict=True):
        if not len(part):
            raise DataError(
                f"no row is left for {name}: there are too few values of '{column}'",
                where="mltk.yaml: split",
                hint="bring more of them, or change the shares of the split",
            )
    for index, label in enumerate(table.classes):
        if not (table.target[parts[0]] == index).any():
            raise DataError(
                f"no row in train is of class '{label}', split by '{column}'",
                where="mltk.yaml: split",
                hint="bring rows of that class, or change the shares of the split",
            )


def _draws(features: Array, seed: int) -> Array:
    """Give each row a number that is uniform over uint64."""
    rows = np.ascontiguousarray(features, dtype="<f4") + np.float32(0)  # -0.0 becomes 0.0
    return _hashes((row.tobytes() for row in rows), seed)


def _hashes(texts: Iterable[bytes], seed: int) -> Array:
    salt = seed.to_bytes(8, "little")
    digests = (hashlib.blake2b(text, digest_size=8, salt=salt).digest() for text in texts)
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _cut(members: Ints, shares: Split, *, holdout_first: bool = False) -> _Parts:
    # Hold-out from one end and validation from the other: neither border moves the other. In the
    # order of time the two follow one another.
    count = len(members)
    holdout = max(1, round(count * shares.holdout))
    validation = max(1, round(count * shares.validation))
    if holdout + validation >= count:
        holdout = validation = 1
    if holdout_first:
        both = holdout + validation
        return members[both:], members[holdout:both], members[:holdout]
    return members[holdout : count - validation], members[count - validation :], members[:holdout]
