"""What a table held, in a few kilobytes: enough to judge the next one by, without the rows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mltk.data.quality.found import PROFILE_FILE
from mltk.data.quality.observed import Observed, observed
from mltk.data.quality.sketch import Sketch, sketch
from mltk.data.rows import Table
from mltk.records import Record

if TYPE_CHECKING:
    from mltk.project.spec import Model

MOST_VALUES = 1000
"""Values of a categorical column that are counted one by one, the most frequent first."""

NUMERIC, CATEGORICAL = "numeric", "categorical"


@dataclasses.dataclass(frozen=True)
class Count:
    """How many rows have a value."""

    value: str
    rows: int


@dataclasses.dataclass(frozen=True)
class ColumnProfile:
    """One column: a sketch of its numbers, or the rows of each of its values.

    `role` is feature or target, `type` numeric or categorical. `missing` rows have no value; those
    of rarer values than `counts` lists are `uncounted`.
    """

    name: str
    role: str
    type: str
    unit: str
    rows: int
    missing: int
    numbers: Sketch | None = None
    counts: tuple[Count, ...] = ()
    uncounted: int = 0

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing


@dataclasses.dataclass(frozen=True)
class Profile(Record):
    """validate: what the whole table held, by column, the targets last."""

    filename: ClassVar[str] = PROFILE_FILE

    rows: int
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile | None:
        """The column called `name`, if it is there."""
        return next((each for each in self.columns if each.name == name), None)


@dataclasses.dataclass(frozen=True)
class ChampionProfile(Profile):
    """gate: the profile of the champion's table, for those who compare the two."""

    filename: ClassVar[str] = "champion-profile.json"


def profile(table: Table, spec: Model) -> Profile:
    """Profile the features and the target; NaN, and an index below 0, are missing values."""
    return Profile(len(table.features), tuple(map(_column, observed(table, spec))))


def _column(found: Observed) -> ColumnProfile:
    cells, values, rows = found.cells, found.values, len(found.cells)
    told = (found.name, found.role)
    if not values:
        present = cells[~np.isnan(cells)]
        missing = rows - len(present)
        return ColumnProfile(*told, NUMERIC, found.unit, rows, missing, sketch(present))
    present = cells[cells >= 0].astype(np.int64)
    every = np.bincount(present, minlength=len(values)).tolist()
    seen = [Count(value, count) for value, count in zip(values, every, strict=True) if count]
    kept = tuple(sorted(seen, key=lambda each: -each.rows)[:MOST_VALUES])
    uncounted = len(present) - sum(each.rows for each in kept)
    missing = rows - len(present)
    return ColumnProfile(*told, CATEGORICAL, found.unit, rows, missing, None, kept, uncounted)
