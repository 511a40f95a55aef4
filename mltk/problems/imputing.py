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

if TYPE_CHECKING:
    from mltk.project.spec import Feature

_NO_CATEGORY = -1.0
"""An index that no value of a vocabulary has, so that it belongs to none."""


@dataclasses.dataclass(frozen=True)
class Imputation:
    """`fill` float32 [F] goes where a value is missing, in the columns that are `filled` [F].

    In the others a missing value is an error and stays one. `told` are the columns with an
    indicator.
    """

    fill: Floats
    filled: Array
    told: tuple[int, ...]

    @classmethod
    def of(cls, rows: Array, features: Sequence[Feature]) -> Imputation:
        """Learn from training rows [n, F]."""
        fill = [_stand_in(rows[:, index], each) for index, each in enumerate(features)]
        gaps = np.isnan(rows).any(axis=0)
        told = (index for index, each in enumerate(features) if each.tells_missing and gaps[index])
        filled = np.array([each.missing != "error" for each in features])
        return cls(np.array(fill, dtype=np.float32), filled, tuple(told))

    def whole(self, rows: Array) -> Array:
        """Give rows [m, F] without gaps, in those columns that may have some."""
        whole: Array = np.where(np.isnan(rows) & self.filled, self.fill, rows)
        return whole

    def indicators(self, rows: Array) -> Floats:
        """Give the indicators of rows [m, F], float64 [m, T]."""
        missing: Floats = np.isnan(rows[:, list(self.told)]).astype(np.float64)
        return missing


def _stand_in(cells: Array, feature: Feature) -> float:
    present = cells[~np.isnan(cells)].astype(np.float64)
    if feature.missing == "constant" and feature.fill_value is not None:
        return feature.fill_value
    if feature.missing == "category":
        return _NO_CATEGORY
    if feature.missing == "most_frequent":
        return float(np.bincount(present.astype(np.int64)).argmax())
    # Also where a gap is an error, so that every column has a number here.
    return float(np.median(present) if feature.missing == "median" else present.mean())
