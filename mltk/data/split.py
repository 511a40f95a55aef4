"""Which rows train, which tell when to stop, and which judge.

A row's place is drawn from a hash of its features and the seed, not from its position. So a row
that is appended, edited or moved leaves the other rows (but for a few at the borders) where they
are, which keeps the hold-out rows of the next model unseen by the present champion; and rows with
equal features lie on the same side, so that a copy in the training rows does not flatter.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array, Ints
from mltk.records import Splits

if TYPE_CHECKING:
    from mltk.project.spec import Split

MIN_CLASS_ROWS = 3
"""Rows of a class that can be split: one each to train, to stop and to judge."""

MIN_ROWS = 10


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


def _draws(features: Array, seed: int) -> Array:
    """Give each row a number that is uniform over uint64."""
    salt = seed.to_bytes(8, "little")
    rows = np.ascontiguousarray(features, dtype="<f4") + np.float32(0)  # -0.0 becomes 0.0
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8, salt=salt).digest() for row in rows)
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _cut(members: Ints, shares: Split) -> tuple[Ints, Ints, Ints]:
    # Hold-out from one end and validation from the other: neither border moves the other.
    count = len(members)
    holdout = max(1, round(count * shares.holdout))
    validation = max(1, round(count * shares.validation))
    if holdout + validation >= count:
        holdout = validation = 1
    return members[holdout : count - validation], members[count - validation :], members[:holdout]
