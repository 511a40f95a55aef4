"""Whether two hold-outs are the same rows, told by a small sample of each."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np

from mltk.data.arrays import Array

SIZE = 64
SHARED = 0.1
"""Hold-outs that share more than this are the same rows: one may have been chosen by the other."""


@dataclasses.dataclass(frozen=True)
class HoldOut:
    """Rows as they are told apart: the digest of all, and the smallest of their hashes."""

    digest: str
    smallest: tuple[str, ...]


def hold_out(features: Array, y_true: Array) -> HoldOut:
    """Describe rows; the same rows give the same, in any order."""
    targets = np.asarray(y_true, dtype="<f8").reshape(len(y_true), -1)
    rows = np.ascontiguousarray(features, dtype="<f4")
    hashes = sorted(
        hashlib.blake2b(row.tobytes() + target.tobytes(), digest_size=6).hexdigest()
        for row, target in zip(rows, targets, strict=True)
    )
    digest = hashlib.sha256("".join(hashes).encode()).hexdigest()
    return HoldOut(digest, tuple(sorted(set(hashes))[:SIZE]))


def same_rows(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two hold-outs share more than a few of their rows.

    A tenth of all rows of both, by A. Broder's bottom-k sketch ("On the resemblance and containment
    of documents", 1997): of the smallest hashes of both together the share that both have.
    """
    smallest = sorted({*one, *other})[:SIZE]
    both = {*one} & {*other}
    return sum(each in both for each in smallest) > SHARED * len(smallest)
