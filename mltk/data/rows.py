"""Rows that a model learns from, as arrays, and the table that they are taken from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mltk.data.arrays import Array, Floats


@dataclasses.dataclass(frozen=True)
class Rows:
    """What a model learns from: features float32 [n, F], their encoded target, its classes.

    Where there is no target, `target` is the features.
    """

    features: Floats
    target: Array
    classes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """`features` float32 [n, F] in the order of the project file, categories as indices.

    NaN is a value that is missing, in columns of which the project file allows it.

    `target` [n] is float64, or int64 indices into `classes`; without a target it is `features`.
    `lines` int64 [n] are the rows' line numbers in the file. Where the split goes by a column,
    `groups` int64 [n] numbers its values, or `times` [n] orders the rows.
    """

    names: tuple[str, ...]
    features: Floats
    target: Array
    classes: tuple[str, ...]
    lines: Array
    groups: Array | None = None
    times: Array | None = None

    def column(self, name: str) -> Floats:
        """Give a feature's column, float32 [n]."""
        values: Floats = self.features[:, self.names.index(name)]
        return values

    def rows(self, chosen: Sequence[int]) -> Rows:
        """Give some rows, by index."""
        index = np.array(chosen)
        return Rows(self.features[index], self.target[index], self.classes)
