"""Which hold-out rows a slice of the gate is about."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mltk.data.arrays import Array
from mltk.errors import ConfigError
from mltk.project.gating import Condition, Range, Slice


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of the hold-out rows [n]: numbers, or indices into `values` where it has some."""

    cells: Array
    values: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Group:
    """Rows that are judged by themselves: `chosen` [n] is true for those in it."""

    name: str
    asked: Slice
    chosen: Array


def groups(slices: Sequence[Slice], columns: Mapping[str, Column]) -> tuple[Group, ...]:
    """Find the rows of every slice; a slice by a column becomes one for each value or bin.

    Raises ConfigError for a condition that does not fit the column (`mltk.project.gating` refuses
    what mltk.yaml alone shows to be wrong).
    """
    return tuple(
        group for index, each in enumerate(slices) for group in _groups(index, each, columns)
    )


def _groups(index: int, asked: Slice, columns: Mapping[str, Column]) -> Iterator[Group]:
    conditions: list[Mapping[str, Condition]] = [asked.where]
    if asked.by:
        conditions = [{asked.by: one} for one in _bins(index, asked, columns[asked.by])]
    for where in conditions:
        name = asked.name or " and ".join(_words(column, one) for column, one in where.items())
        parts = [_chosen(index, column, one, columns[column]) for column, one in where.items()]
        yield Group(name, asked, np.logical_and.reduce(parts))


def _bins(index: int, asked: Slice, column: Column) -> list[str] | list[Range]:
    if column.values and asked.at:
        raise _refusal(index, f"'{asked.by}' holds classes and has no bins", "remove at")
    if column.values:
        return list(column.values)
    if not asked.at:
        hint = "say where its bins end, as at: [40, 60]"
        raise _refusal(index, f"'{asked.by}' holds numbers", hint)
    ends = (None, *asked.at, None)
    return [Range(min=low, max=high) for low, high in itertools.pairwise(ends)]


def _chosen(index: int, name: str, condition: Condition, column: Column) -> Array:
    cells: Array = column.cells
    if isinstance(condition, Range):
        if column.values:
            raise _refusal(index, f"'{name}' holds classes, not numbers", "give a class")
        low = -np.inf if condition.min is None else condition.min
        high = np.inf if condition.max is None else condition.max
        inside: Array = (cells >= low) & (cells < high)
        return inside
    wanted = (condition,) if isinstance(condition, str) else condition
    unknown = [value for value in wanted if value not in column.values]
    if unknown:
        hint = f"its values: {', '.join(column.values) or 'numbers; give a range'}"
        raise _refusal(index, f"'{name}' has no value '{unknown[0]}'", hint)
    found: Array = np.isin(cells, [column.values.index(value) for value in wanted])
    return found


def _words(name: str, condition: Condition) -> str:
    if not isinstance(condition, Range):
        return f"{name} {condition if isinstance(condition, str) else '/'.join(condition)}"
    low = "" if condition.min is None else f"from {condition.min:g}"
    high = "" if condition.max is None else f"below {condition.max:g}"
    return " ".join(part for part in (name, low, high) if part)


def _refusal(index: int, what: str, hint: str) -> ConfigError:
    return ConfigError(what, where=f"mltk.yaml: gate.slices[{index}]", hint=hint)
