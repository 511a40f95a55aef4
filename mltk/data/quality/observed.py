"""The columns by which tables are compared: what the model reads of each feature, and the targets.

A time is compared by its cyclic parts, each a column of its own (`when.hour`). How it goes on is
not compared: the next table is later, and that is no fault of it. A text is compared by the number
of its words that count (`comment.words`), an image or a sequence by the mean of its numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array
from mltk.data.dates import reading
from mltk.data.rows import Table

if TYPE_CHECKING:
    from mltk.project.features import Datetime
    from mltk.project.spec import Model

FEATURE, TARGET = "feature", "target"

_NAMES = {
    "weekday": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "month": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_UNITS = {"hour": "h", "year_day": "d"}


@dataclasses.dataclass(frozen=True)
class Observed:
    """A column: numbers with NaN where one is missing, or indices into `values` (else below 0)."""

    name: str
    role: str
    unit: str
    cells: Array
    values: tuple[str, ...] = ()


def observed(table: Table, spec: Model) -> Iterator[Observed]:
    """Give the columns of a table, the targets last."""
    for feature in spec.features:
        if feature.type == "datetime":
            yield from _parts(feature, table.block(feature.name))
        elif feature.type == "text":
            block = table.block(feature.name)
            count = np.where(np.isnan(block[:, 0]), np.nan, (block > 0).sum(axis=1))
            yield Observed(f"{feature.name}.words", FEATURE, "", count)
        elif feature.type in ("image", "sequence"):
            mean = table.block(feature.name).mean(axis=1, dtype=np.float64)
            yield Observed(f"{feature.name}.mean", FEATURE, feature.unit, mean)
        else:
            values = feature.values if feature.type == "categorical" else ()
            cells = table.column(feature.name)
            yield Observed(feature.name, FEATURE, feature.unit, cells, values)
    targets = table.target_columns(spec)
    for target in spec.all_targets:
        found = targets[target.name]
        yield Observed(target.name, TARGET, target.unit, found.cells, found.values)


def _parts(feature: Datetime, block: Array) -> Iterator[Observed]:
    day, second = block.astype(np.float64).T
    for part in feature.parts:
        if part != "trend":
            cells = reading(part, day, second)
            name = f"{feature.name}.{part}"
            yield Observed(name, FEATURE, _UNITS.get(part, ""), cells, _NAMES.get(part, ()))
