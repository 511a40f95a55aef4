"""Rows that a model learns from, as arrays, and the table that they are taken from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array, Floats

if TYPE_CHECKING:
    from mltk.project.spec import Model


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
class TargetColumn:
    """One target [n]: numbers, or indices into `values` where it has some."""

    cells: Array
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """`features` float32 [n, W] in the order of the project file, categories as indices.

    NaN is a value that is missing, in columns of which the project file allows it. The features
    called `names` take `widths` columns each, one where nothing is said.

    `target` [n] is float64, or int64 indices into `classes`, of T `targets` [n, T]; without a
    target it is `features`. `labels` are the two values of each target that is a label, by name.
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
    labels: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
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

    def target_columns(self, spec: Model) -> dict[str, TargetColumn]:
        """Give the targets by name; none where the rows themselves are learnt."""
        columns = self.target.reshape(len(self.target), -1)
        return {
            each.name: TargetColumn(columns[:, at], self.labels.get(each.name, self.classes))
            for at, each in enumerate(spec.all_targets)
        }

    def rows(self, chosen: Sequence[int]) -> Rows:
        """Give some rows, by index."""
        index = np.array(chosen)
        return Rows(self.features[index], self.target[index], self.classes)
