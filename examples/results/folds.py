"""Repeated cross-validation: who learns, who stops the training, and who judges."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from mltk.data.arrays import Array, Ints
from mltk.data.rows import Rows, Table

PARTS = 5
_VALIDATION = 0.15 / 0.8
"""Of the rows that do not judge, the share that a model keeps to stop its training by."""


@dataclasses.dataclass(frozen=True)
class Fold:
    """The rows of one round; `known` are those that train and those that stop, together."""

    seed: int
    train: Rows
    validation: Rows
    known: Rows
    held_out: Ints


def folds(table: Table, repeats: int) -> Iterator[Fold]:
    """Give `repeats` times five folds; every row judges once in each repeat."""
    classes = table.target if table.classes else None
    for seed in range(repeats):
        kind = KFold if classes is None else StratifiedKFold
        for known, held_out in kind(PARTS, shuffle=True, random_state=seed).split(
            table.features, classes
        ):
            train, validation = train_test_split(
                known,
                test_size=_VALIDATION,
                random_state=seed,
                stratify=None if classes is None else classes[known],
            )
            yield Fold(
                seed, _rows(table, train), _rows(table, validation), _rows(table, known), held_out
            )


def _rows(table: Table, places: Array) -> Rows:
    return table.rows(places.tolist())
