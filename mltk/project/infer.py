"""A table that nobody described -> what a project file would say about it. Pure.

Nothing is dropped in silence: a column that cannot be a feature is listed with the reason. Observed
ranges are notes and no limits, because tomorrow's rows may rightly lie outside.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import re
from collections.abc import Sequence

import numpy as np

from mltk.data.arrays import Floats
from mltk.data.columns import decimal_commas, labels, numbers
from mltk.data.dates import iso, reading, walls
from mltk.data.findings import Finding, refuse
from mltk.data.missing import is_missing
from mltk.data.reader import DELIMITERS, TextTable
from mltk.data.split import MIN_CLASS_ROWS
from mltk.errors import DataError
from mltk.project.features import Datetime
from mltk.wording import did_you_mean

MAX_VALUES = 30
"""Longest vocabulary that is taken for one."""

MAX_CLASSES = 10
"""Most values of a whole-numbered target that are taken for classes."""

_MOSTLY = 0.9

_FEW_WORDS = 2
"""A text of no more is rather a name."""

_DATE = re.compile(r"\s*\d{4}-\d{2}-\d{2}")

_AFTER = {"hour": 0, "weekday": 14, "year_day": 365}
"""Parts of times that are proposed, and how many days of them must be there."""


@dataclasses.dataclass(frozen=True)
class Column:
    """A feature: categorical with `values`, a time with `parts`, else numeric.

    `note` is what was seen in the data, `missing` what to do about missing values, where there are
    some.
    """

    name: str
    values: tuple[str, ...]
    note: str
    missing: str = ""
    parts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A column that is no feature, and why."""

    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Inference:
    """What a table looks like: `problem` with the reason, `classes` in order (or none).

    `target` is None for a problem that learns the rows themselves.
    """

    target: str | None
    problem: str
    reason: str
    classes: tuple[str, ...]
    features: tuple[Column, ...]
    left_out: tuple[LeftOut, ...]


def delimiter_of(text: str) -> str:
    """The character that splits the header of a CSV into most columns, and the rows below alike."""

    def columns(delimiter: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            widths = [len(row) for row in itertools.islice(reader, 50) if row]
        except csv.Error:
            return 0, 0
        width = widths[0] if widths else 0
        # A row that is cut short is for the reader to complain about.
        return (width if widths.count(width) > len(widths) / 2 else 1), width

    # max keeps the first of equals: a comma, when nothing splits.
    return max(DELIMITERS, key=columns)


def infer(
    table: TextTable,
    target: str | None,
    problem: str | None,
    shown: str,
    *,
    texts: bool = True,
) -> Inference:
    """Describe `table` as the data of a model that learns `target`, or the rows themselves.

    `problem` is only inferred when it is None; `shown` is the file's name in errors; without
    `texts` only numbers become features, and only columns without gaps. DataError for a target that
    is missing, has gaps or one value only, for a column of numbers with decimal commas, and when no
    feature is left.
    """
    if target is not None and target not in table.header:
        raise DataError(
            f"there is no column '{target}'{did_you_mean(target, table.header)}",
            where=f"{shown}, line 1",
            hint=f"its columns: {', '.join(table.header)}",
        )
    _refuse_decimal_commas(table, shown)
    kind, reason = problem or "", "The kind that was asked for."
    if target is not None:
        cells = table.column(target)
        _refuse_gaps(target, cells, table.lines, shown)
        if not problem:
            kind, reason = _problem(target, cells, table, shown)
    judged = [_judge(name, table, texts=texts) for name in table.header if name != target]
    features = tuple(column for column in judged if isinstance(column, Column))
    left_out = tuple(column for column in judged if isinstance(column, LeftOut))
    if not features:
        raise DataError(
            "no column is left to learn from: "
            + ("; ".join(f"'{one.name}' {one.reason}" for one in left_out) or "there is no other"),
            where=shown,
            hint="mend the columns as said, or bring a table with others",
        )
    classes = labels(cells) if target is not None and kind == "classification" else ()
    return Inference(target, kind, reason, classes, features, left_out)


def _refuse_decimal_commas(table: TextTable, shown: str) -> None:
    # Read as text they would be categories or classes, or left out: hardly ever what was meant.
    for name in table.header:
        finding = decimal_commas(name, table.column(name), table.lines)
        if finding:
            refuse([finding], shown)


def _refuse_gaps(target: str, cells: Sequence[str], lines: Sequence[int], shown: str) -> None:
    hint = "drop the rows whose target is not known"
    refuse(
        [
            Finding("the target is missing", line, target, hint)
            for cell, line in zip(cells, lines, strict=True)
            if is_missing(cell)
        ],
        shown,
    )
    if len(set(cells)) == 1:
        raise DataError(
            f"the target has one value only, '{cells[0]}': nothing to learn",
            where=f"{shown}, column '{target}'",
            hint="name another column with --target, or bring rows with other values",
        )


def _problem(target: str, cells: Sequence[str], table: TextTable, shown: str) -> tuple[str, str]:
    """The kind of problem, and why."""
    values, findings = numbers(target, cells, table.lines)
    if findings:
        if len(findings) <= len(cells) * (1 - _MOSTLY):
            refuse(findings, shown)  # numbers with slips among them, not classes
        return "classification", "The target is text."
    distinct, counts = np.unique(values, return_counts=True)
    whole = bool((values == np.round(values)).all())
    if whole and len(distinct) <= MAX_CLASSES and counts.min() >= MIN_CLASS_ROWS:
        reason = f"The target has {len(distinct)} whole-numbered values."
        return "classification", f"{reason} For a quantity: regression, without target.values."
    return "regression", f"The target has {len(distinct)} different numbers."


def _judge(name: str, table: TextTable, *, texts: bool) -> Column | LeftOut:
    cells = table.column(name)
    gaps = [line for cell, line in zip(cells, table.lines, strict=True) if is_missing(cell)]
    if not gaps:
        return _judge_whole(name, cells, table.lines, texts=texts)
    share = f"{len(gaps)} of {len(cells)} values are missing, first in line {gaps[0]}"
    if not texts or len(gaps) >= len(cells) * _MOSTLY:
        return LeftOut(name, f"{share}; fill them or drop those rows to use it")
    present = [row for row, cell in enumerate(cells) if not is_missing(cell)]
    known, lines = [cells[row] for row in present], [table.lines[row] for row in present]
    column = _judge_whole(name, known, lines, texts=texts)
    if isinstance(column, LeftOut):
        return column
    note = f"{column.note}; {share}" if column.note else share
    missing = "category" if column.values else "mean" if column.parts else "median"
    return dataclasses.replace(column, note=note, missing=missing)


def _judge_whole(
    name: str, cells: Sequence[str], lines: Sequence[int], *, texts: bool
) -> Column | LeftOut:
    """Judge the cells of a column that have a value."""
    values, findings = numbers(name, cells, lines)
    if not findings:
        return _judge_numbers(name, values)
    if len(findings) <= len(cells) * (1 - _MOSTLY):
        first = findings[0]
        return LeftOut(name, f"numbers, but in line {first.line}: {first.message}")
    if not texts:
        return LeftOut(name, "text, and this kind of problem learns from numbers")
    return _judge_times(name, cells, lines) or _judge_text(name, cells, findings[0])


def _judge_numbers(name: str, values: Floats) -> Column | LeftOut:
    # The model sees 32-bit numbers.
    distinct = np.unique(values.astype(np.float32))
    if len(distinct) == 1:
        return LeftOut(name, f"constant, always {values[0]:g}")
    if (np.diff(values) == 1).all():
        return LeftOut(name, "numbers the rows")
    note = f"{values.min():g} .. {values.max():g}"
    if 2 < len(distinct) <= MAX_CLASSES and (values == np.round(values)).all():
        note += f", {len(distinct)} whole numbers; if they are codes, make it categorical"
    return Column(name, (), note)


def _judge_times(name: str, cells: Sequence[str], lines: Sequence[int]) -> Column | None:
    """Propose the parts in which times differ; None for what are no times, or but one."""
    if len(set(cells)) == 1 or not all(map(_DATE.match, cells)):
        return None
    feature = Datetime(name=name, type="datetime", parts=("hour",))
    shown, findings = walls(feature, cells, lines)
    if findings:
        return None
    day, second = shown.T
    days = float(np.ptp(day))
    varies = {part: len(np.unique(reading(part, day, second))) > 1 for part in _AFTER}
    parts = tuple(part for part, least in _AFTER.items() if varies[part] and days >= least)
    note = f"{iso(day.min(), 0)[:10]} .. {iso(day.max(), 0)[:10]}"
    return Column(name, (), note, parts=parts or ("trend",))


def _judge_text(name: str, cells: Sequence[str], finding: Finding) -> Column | LeftOut:
    values = labels(cells)
    if len(values) == 1:
        return LeftOut(name, f"constant, always '{values[0]}'")
    if len(values) <= min(MAX_VALUES, len(cells) // 3):
        return Column(name, values, "")
    reason = f"text with {len(values)} different values in {len(cells)} rows"
    if sum(len(cell.split()) > _FEW_WORDS for cell in cells) > len(cells) / 2:
        reason += "; `type: text` would learn from its words"
    comma = "; its numbers have decimal commas, mltk reads points" if finding.hint else ""
    return LeftOut(name, reason + comma)
