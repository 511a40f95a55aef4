"""Whether the training knows of the rows that judge it: copies, groups, and time. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array, Ints
from mltk.data.quality.found import Leak
from mltk.data.rows import Table, opaque
from mltk.records import Splits
from mltk.wording import counted

if TYPE_CHECKING:
    from mltk.project.spec import Split

PARTS = ("train", "validation", "holdout")

DUPLICATES, GROUP, TIME = "duplicates", "group", "time"


def leaks(table: Table, splits: Splits, asked: Split) -> tuple[Leak, ...]:
    """Find what ties rows of different parts of the split together.

    Groups and times are looked at where the project file names their columns.
    """
    part = _part_of(table, splits)
    return (
        *_copies(table, part),
        *(_groups(table, part, asked.group) if asked.group else ()),
        *(_times(table, splits, asked.time) if asked.time else ()),
    )


def _part_of(table: Table, splits: Splits) -> Ints:
    part = np.zeros(len(table.features), dtype=np.int64)
    part[list(splits.validation)] = 1
    part[list(splits.holdout)] = 2
    return part


def _copies(table: Table, part: Ints) -> Iterator[Leak]:
    """Find rows, equal in all features and the target, on both sides of a border."""
    parts = [table.features.astype(np.float64)]
    if table.target is not table.features:
        parts.append(table.target)
    _, group = np.unique(opaque(np.column_stack(parts)), return_inverse=True)
    hint = (
        "remove the copies from the table; where different cases just look alike,"
        " `checks: {leakage: off}` in mltk.yaml says so"
    )
    what = "are copies of rows in"
    yield from _shared(DUPLICATES, group.reshape(-1), part, table.lines, what, hint)


def _groups(table: Table, part: Ints, column: str) -> Iterator[Leak]:
    if table.groups is None:
        return
    hint = f"keep the rows of each '{column}' in one part; `split: {{group: {column}}}` does"
    what = f"share their '{column}' with rows in"
    yield from _shared(GROUP, table.groups, part, table.lines, what, hint)


def _shared(
    kind: str, group: Ints, part: Ints, lines: Array, what: str, hint: str
) -> Iterator[Leak]:
    """Tell, for each two parts, of rows of the later one whose group the earlier one has."""
    for first, second in itertools.combinations(range(len(PARTS)), 2):
        both = np.intersect1d(group[part == first], group[part == second])
        rows = np.flatnonzero((part == second) & np.isin(group, both))
        if len(rows):
            origin = int(np.flatnonzero((part == first) & (group == group[rows[0]]))[0])
            pair = (int(lines[rows[0]]), int(lines[origin]))
            message = (
                f"{counted(len(rows), 'row')} in {PARTS[second]} {what} {PARTS[first]},"
                f" e.g. line {pair[0]} and line {pair[1]}"
            )
            yield Leak(kind, f"{PARTS[first]}/{PARTS[second]}", len(rows), message, pair, hint)


def _times(table: Table, splits: Splits, column: str) -> Iterator[Leak]:
    """Find rows that judge and are earlier than rows that train."""
    if table.times is None:
        return
    train, judged = np.array(splits.train), np.array(splits.holdout)
    latest = train[np.argmax(table.times[train])]
    early = judged[table.times[judged] < table.times[latest]]
    if len(early):
        pair = (int(table.lines[early[0]]), int(table.lines[latest]))
        message = (
            f"{counted(len(early), 'row')} in holdout are earlier, by '{column}', than rows in"
            f" train, e.g. line {pair[0]} than line {pair[1]}"
        )
        hint = f"hold out the latest rows; `split: {{time: {column}}}` does"
        yield Leak(TIME, "train/holdout", len(early), message, pair, hint)
