"""What a table must look like, inferred from one table, and what of another does not fit. Pure.

A table always fits the schema that was inferred from it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array
from mltk.data.quality.found import Violation
from mltk.data.quality.observed import observed
from mltk.data.quality.profile import CATEGORICAL, NUMERIC, ColumnProfile, Profile
from mltk.data.quality.sketch import TAIL
from mltk.data.rows import Table
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.project.spec import Model

ALLOWANCE = 0.5
"""By how much of its width the range of a column is widened on either side."""

_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class ColumnSchema:
    """What a column must look like; `min` and `max` are of a numeric, `values` of a categorical.

    At most the share `outside` of the rows may lie out of the range, and `missing` have no value.
    """

    name: str
    type: str
    min: float | None = None
    max: float | None = None
    outside: float = 0.0
    values: tuple[str, ...] = ()
    missing: float = 0.0


@dataclasses.dataclass(frozen=True)
class Schema:
    """The columns of a table, and of how many rows that was inferred."""

    rows: int
    columns: tuple[ColumnSchema, ...]

    def column(self, name: str) -> ColumnSchema | None:
        """The column called `name`, if it is there."""
        return next((each for each in self.columns if each.name == name), None)


def infer(found: Profile, *, allowance: float = ALLOWANCE) -> Schema:
    """Infer the schema of the table that was profiled.

    The range of a numeric column is that of its values without the tails, widened, but not beyond 0
    where all have one sign; how many lay out of it may again, twice over.
    """
    return Schema(found.rows, tuple(_inferred(column, allowance) for column in found.columns))


def _inferred(column: ColumnProfile, allowance: float) -> ColumnSchema:
    missing = _allowed(column.missing / max(column.rows, 1))
    if column.numbers is None:
        values = tuple(sorted(each.value for each in column.counts))
        return ColumnSchema(column.name, CATEGORICAL, values=values, missing=missing)
    if not column.present:
        return ColumnSchema(column.name, NUMERIC, missing=missing)
    low, high = column.numbers.quantile(TAIL), column.numbers.quantile(1 - TAIL)
    room = allowance * (high - low)
    width = high - low
    least, most = column.numbers.points[0], column.numbers.points[-1]
    low, high = _rounded(low - room, width, math.floor), _rounded(high + room, width, math.ceil)
    # What was never negative, or never positive, is a quantity that has a sign.
    low, high = max(low, 0.0) if least >= 0 else low, min(high, 0.0) if most <= 0 else high
    _, inside = column.numbers.bounds(np.array([low]), left=True)
    above, _ = column.numbers.bounds(np.array([high]))
    outside = _allowed(float(inside[0] + 1 - above[0]))
    return ColumnSchema(column.name, NUMERIC, low, high, outside, missing=missing)


def _allowed(share: float) -> float:
    """Twice the share that was seen, rounded up; none where none was."""
    return min(1.0, math.ceil(2 * share * 1000 - 1e-9) / 1000) if share > 0 else 0.0


def _rounded(value: float, width: float, way: Callable[[float], int]) -> float:
    """Round, up or down, to a hundredth of the order of the width: people read it."""
    digits = 2 - math.floor(math.log10(width)) if width > 0 else 0
    scaled = value * 10.0**digits
    if not (width > 0 and math.isfinite(scaled)):
        return value
    return round(way(scaled) / 10.0**digits, max(digits, 0))


def violations(schema: Schema, table: Table, spec: Model) -> tuple[Violation, ...]:
    """Hold a table against a schema; every column that does not fit, with its first row."""
    return tuple(_violations(schema, table, spec))


def _violations(schema: Schema, table: Table, spec: Model) -> Iterator[Violation]:
    found = {each.name: each for each in observed(table, spec)}
    for name, column in found.items():
        wanted = schema.column(name)
        if wanted is None:
            near = did_you_mean(name, [each.name for each in schema.columns])
            yield Violation(name, "a column of the schema", f"it has no such column{near}")
            continue
        yield from _of_column(wanted, column.cells, column.values, table.lines)
    for each in schema.columns:
        if each.name not in found:
            yield Violation(each.name, f"a {each.type} column", "the model no longer uses it")


def _of_column(
    wanted: ColumnSchema, cells: Array, values: Sequence[str], lines: Array
) -> Iterator[Violation]:
    found = CATEGORICAL if values else NUMERIC
    if found != wanted.type:
        yield Violation(wanted.name, f"a {wanted.type} column", f"the column is {found}")
        return
    missing = ~(cells >= 0) if values else np.isnan(cells)
    if missing.mean() > wanted.missing:
        allowed = f"at most {wanted.missing:.2%} missing" if wanted.missing else "a value"
        said = f"no value, {missing.mean():.2%} of the rows"
        yield _at(wanted, allowed, said, missing, lines)
    yield from _strange(wanted, cells, values, lines) if values else _out(wanted, cells, lines)


def _strange(
    wanted: ColumnSchema, cells: Array, values: Sequence[str], lines: Array
) -> Iterator[Violation]:
    unknown = [index for index, value in enumerate(values) if value not in wanted.values]
    strange = np.isin(cells, unknown)
    if strange.any():
        names = [values[index] for index in unknown if (cells == index).any()]
        yield _at(wanted, f"one of {_listed(wanted.values)}", _listed(names), strange, lines)


def _out(wanted: ColumnSchema, cells: Array, lines: Array) -> Iterator[Violation]:
    low = -math.inf if wanted.min is None else wanted.min
    high = math.inf if wanted.max is None else wanted.max
    out = (cells < low) | (cells > high)
    if out.mean() > wanted.outside:
        strays = cells[out]
        said = f"{_span(float(strays.min()), float(strays.max()))}, {out.mean():.2%} of the rows"
        but = f" for all but {wanted.outside:.2%}" if wanted.outside else ""
        yield _at(wanted, f"from {low:g} to {high:g}{but}", said, out, lines)


def _at(wanted: ColumnSchema, expected: str, found: str, rows: Array, lines: Array) -> Violation:
    first = int(lines[int(np.argmax(rows))])
    return Violation(wanted.name, expected, found, int(rows.sum()), first)


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values[:_SHOWN]) + (", ..." if len(values) > _SHOWN else "")
