"""Rows that a model learns from, as arrays, and the table that they are taken from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mltk.data.arrays import Array, Floats


def opaque(rows: Array) -> Array:
    """Give rows [n, W] as bytes, [n]: sorting them takes a tenth of what np.unique(axis=0) does.

    Equal rows are equal bytes: 0 has one sign, and NaN is NaN.
    """
    same = np.ascontiguousarray(rows.astype(np.float64) + 0.0)
    return same.view(np.dtype((np.void, same.dtype.itemsize * same.shape[1]))).reshape(-1)


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
    """`features` float32 [n, W] in the order of the project file, categories as indices.

    NaN is a value that is missing, in columns of which the project file allows it. The features
    called `names` take `widths` columns each, one where nothing is said.

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
    widths: tuple[int, ...] = ()

    def column(self, name: str) -> Floats:
        """Give a feature's only column, or its first, float32 [n]; NaN where it is missing."""
        values: Floats = self.block(name)[:, 0]
        return values

    def block(self, name: str) -> Floats:
        """Give a feature's columns, float32 [n, width]."""
        place = self.names.index(name)
        widths = self.widths or (1,) * len(self.names)
        start = sum(widths[:place])
        values: Floats = self.features[:, start : start + widths[place]]
        return values

    def rows(self, chosen: Sequence[int]) -> Rows:
        """Give some rows, by index."""
        index = np.array(chosen)
        return Rows(self.features[index], self.target[index], self.classes)
