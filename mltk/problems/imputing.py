"""What stands in for missing values: learnt from the training rows, put in by the graph itself.

A column that tells the network of its missing values has an indicator: 1 where one is missing. It
is left out where no training row misses one, because its weights would be those of chance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.project.features import starts

if TYPE_CHECKING:
    from mltk.project.features import Feature

_NO_CATEGORY = -1.0
"""An index that no value of a vocabulary has, so that it belongs to none."""


@dataclasses.dataclass(frozen=True)
class Imputation:
    """`fill` float32 [W] goes where a value is missing, in the columns that are `filled` [W].

    In the others a missing value stays one: it is an error, or the parts of a time are filled in
    (`mltk.data.dates`). `told` are the columns with an indicator.
    """

    fill: Floats
    filled: Array
    told: tuple[int, ...]

    @classmethod
    def of(cls, rows: Array, features: Sequence[Feature]) -> Imputation:
        """Learn from training rows [n, W]."""
        fill = np.zeros(rows.shape[1], dtype=np.float32)
        filled = np.zeros(rows.shape[1], dtype=bool)
        told = []
        for start, feature in starts(features):
            if feature.type in ("numeric", "categorical") and feature.missing != "error":
                fill[start], filled[start] = _stand_in(rows[:, start], feature), True
            if feature.type == "text" and feature.missing != "error":
                filled[start : start + feature.width] = True  # by 0, which is no word
            if feature.tells_missing and np.isnan(rows[:, start]).any():
                told.append(start)
        return cls(fill, filled, tuple(told))

    def whole(self, rows: Array) -> Array:
        """Give rows [m, W] without gaps, in those columns that may have some."""
        whole: Array = np.where(np.isnan(rows) & self.filled, self.fill, rows)
        return whole

    def indicators(self, rows: Array) -> Floats:
        """Give the indicators of rows [m, W], float64 [m, T]."""
        missing: Floats = np.isnan(rows[:, list(self.told)]).astype(np.float64)
        return missing


def _stand_in(cells: Array, feature: Feature) -> float:
    present = cells[~np.isnan(cells)].astype(np.float64)
    if feature.type == "numeric" and feature.fill_value is not None:
        return feature.fill_value
    if feature.missing == "category":
        return _NO_CATEGORY
    if feature.missing == "most_frequent":
        return float(np.bincount(present.astype(np.int64)).argmax())
    return float(np.median(present) if feature.missing == "median" else present.mean())
