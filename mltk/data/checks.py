"""What only shows when the whole table is seen: pure functions of a table and its specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.data.dates import reading
from mltk.data.findings import Finding
from mltk.data.rows import Table, TargetColumn, opaque
from mltk.data.split import MIN_CLASS_ROWS, MIN_ROWS
from mltk.wording import counted

if TYPE_CHECKING:
    from mltk.project.spec import Feature, Model
    from mltk.records import Splits

NEARLY_CONSTANT = 0.99
"""Share of equal values from which a column is worth a look."""

SAME_IN_OTHER_UNITS = 0.99999
"""Correlation from which a feature is hardly anything else than the target."""

_MISSING = -np.inf
"""What no cell holds: infinite values are refused."""


def whole_table(table: Table, spec: Model) -> list[Finding]:
    """Find what makes a table unfit to learn from, although each of its cells is fine."""
    return [
        *_size(table),
        *_constant_features(table, spec),
        *_constant_parts(table, spec),
        *_target(table, spec),
    ]


def warnings(table: Table, spec: Model) -> list[str]:
    """Give what is worth a look and stops nothing."""
    return [
        *_nearly_constant(table),
        *_renamed(table, spec),
        *_rescaled(table, spec),
        *_unused_values(table, spec),
        *_duplicates(table),
    ]


def unseen(table: Table, splits: Splits, spec: Model) -> list[str]:
    """Tell of categories that the training rows do not have, and rows that judge do."""
    train, others = list(splits.train), sorted({*splits.validation, *splits.holdout})
    found = []
    for feature in spec.features:
        if feature.type != "categorical":
            continue
        cells = _comparable(table.column(feature.name))
        known = set(cells[train].tolist())
        rows = [row for row in others if float(cells[row]) not in known]
        if rows:
            names = dict.fromkeys(_said(feature.values, cells[row]) for row in rows)
            found.append(
                f"column '{feature.name}': no row in train has {', '.join(names)}, which"
                f" {counted(len(rows), 'row')} of the others {'has' if len(rows) == 1 else 'have'},"
                f" e.g. line {table.lines[rows[0]]}: the model will guess"
            )
    return found


def untaught(table: Table, splits: Splits, spec: Model) -> list[Finding]:
    """Find columns of which the training rows have no value: nothing can stand in for theirs."""
    train = list(splits.train)
    return [
        Finding(
            f"the column has no value in any of the {len(train)} rows that train",
            column=feature.name,
            hint=f"remove feature '{feature.name}' from mltk.yaml, or bring rows that have it",
        )
        for feature in spec.features
        if np.isnan(table.column(feature.name)[train]).all()
    ]


def _said(values: tuple[str, ...], cell: float) -> str:
    return "no value" if cell == _MISSING else values[int(cell)]


def _comparable(columns: Floats) -> Floats:
    """Missing values as a number that equals itself and no other."""
    filled: Floats = np.where(np.isnan(columns), _MISSING, columns)
    return filled


def _size(table: Table) -> list[Finding]:
    rows, width = len(table.features), len(table.names)
    if rows < MIN_ROWS:
        message = f"{rows} rows are too few to train, to stop and to judge: {MIN_ROWS} are needed"
        return [Finding(message)]
    if rows <= width:
        message = f"{width} features for {rows} rows: more features than rows to learn them from"
        return [Finding(message, hint="list fewer features in mltk.yaml, or bring more rows")]
    return []


def _constant_features(table: Table, spec: Model) -> list[Finding]:
    # Judged as float32: that is what the model will see.
    return [
        Finding(
            "the column is constant: nothing to learn from it",
            column=feature.name,
            hint=f"remove feature '{feature.name}' from mltk.yaml",
        )
        for feature in spec.features
        if _is_constant(table.block(feature.name), tells_missing=feature.tells_missing)
    ]


def _is_constant(block: Floats, *, tells_missing: bool) -> bool:
    """Whether all values are one; that some are missing counts where the model is told of it."""
    present = block[~np.isnan(block[:, 0])]
    whole = len(present) == len(block)
    return bool((present == present[:1]).all()) and (whole or not tells_missing)


def _constant_parts(table: Table, spec: Model) -> list[Finding]:
    """Find parts of times in which they do not differ, as the hour of mere dates."""
    return [
        Finding(
            f"all times have the same {part}: nothing to learn from it",
            column=feature.name,
            hint=f"remove {part} from the parts of feature '{feature.name}' in mltk.yaml",
        )
        for feature in spec.features
        if feature.type == "datetime"
        for part in feature.parts
        if part != "trend" and _part_is_constant(table.block(feature.name), part)
    ]


def _part_is_constant(block: Floats, part: str) -> bool:
    present = block[~np.isnan(block[:, 0])].astype(np.float64)
    # Where the times themselves are one, that is said of the column.
    varies = bool((present != present[:1]).any())
    cells = reading(part, present[:, 0], present[:, 1])
    return varies and bool((cells == cells[0]).all())


def _target(table: Table, spec: Model) -> list[Finding]:
    return [
        finding
        for name, target in table.target_columns(spec).items()
        for finding in (_classes if target.values else _numbers)(table, spec, name, target)
    ]


def _classes(table: Table, spec: Model, name: str, target: TargetColumn) -> list[Finding]:
    counts = np.bincount(target.cells, minlength=len(target.values))
    if np.count_nonzero(counts) == 1:
        label = target.values[int(np.argmax(counts))]
        return [Finding(f"all rows are of one class, '{label}'", column=name)]
    hint = "merge rare classes, or, when the target is a quantity, set problem: regression"
    if table.labels:
        hint = f"bring more such rows, or remove target '{name}' from mltk.yaml"
    return _leaks(table, spec, name, target) + [
        Finding(
            f"class '{label}' has {count} rows, too few to train, to stop and to judge:"
            f" {MIN_CLASS_ROWS} are needed",
            column=name,
            hint=hint,
        )
        for label, count in zip(target.values, counts, strict=True)
        if count < MIN_CLASS_ROWS
    ]


def _numbers(table: Table, spec: Model, name: str, target: TargetColumn) -> list[Finding]:
    if (target.cells == target.cells[0]).all():
        return [Finding("the target is constant: nothing to learn", column=name)]
    return _leaks(table, spec, name, target)


def _leaks(table: Table, spec: Model, name: str, target: TargetColumn) -> list[Finding]:
    """Find features that are the target itself, under another name."""
    which = f"target '{name}'" if spec.targets else "target"
    return [
        Finding(
            f"the column is the {which} in every row that has it: it leaks what is to be learnt",
            column=feature.name,
            hint=f"remove feature '{feature.name}' from mltk.yaml; no client knows it beforehand",
        )
        for feature in spec.features
        if _is_target(feature, table, target)
    ]


def _is_target(feature: Feature, table: Table, target: TargetColumn) -> bool:
    if feature.type in ("image", "sequence"):
        cells = target.cells.astype(np.float32)
        return not target.values and _has_column(table.block(feature.name), cells)
    if feature.type not in ("numeric", "categorical"):
        return False
    column = table.column(feature.name)
    present = ~np.isnan(column)
    column, cells = column[present], target.cells[present]
    if len(column) < min(MIN_ROWS, len(present)):
        return False  # few values may agree by chance
    if not target.values:
        same = column == cells.astype(np.float32)
        return feature.type == "numeric" and bool(same.all())
    if feature.type == "categorical":
        said = [feature.values[int(index)] for index in column]
        return said == [target.values[index] for index in cells]
    try:
        labels = np.array([float(label) for label in target.values], dtype=np.float32)
    except ValueError:
        return False
    return bool((column == labels[cells]).all())


def _has_column(block: Floats, target: Array) -> bool:
    return bool((block == target[:, None]).all(axis=0).any())


def _single(table: Table) -> list[str]:
    """The features that are one column, and so one value of a row."""
    return [name for name in table.names if table.block(name).shape[1] == 1]


def _renamed(table: Table, spec: Model) -> list[str]:
    """Each class has one value of the column, and each value one class: hardly ever an accident."""
    found = []
    for name, target in table.target_columns(spec).items():
        which = f"class of '{name}'" if spec.targets else "class"
        for each in _single(table) if target.values else ():
            column = _comparable(table.column(each))
            pairs = len(np.unique(np.column_stack([column, target.cells]), axis=0))
            if pairs == len(np.unique(column)) == len(np.unique(target.cells)):
                found.append(
                    f"column '{each}' has a value of its own for each {which}: may it leak it?"
                )
    return found


def _rescaled(table: Table, spec: Model) -> list[str]:
    """Find columns that are the target in another unit, but for rounding."""
    found = []
    for name, target in table.target_columns(spec).items():
        if target.values:
            continue
        which = f"the target '{name}'" if spec.targets else "the target"
        for feature in spec.features:
            if feature.type == "numeric":
                column = table.column(feature.name).astype(np.float64)
                if abs(_correlation(column, target.cells)) >= SAME_IN_OTHER_UNITS:
                    found.append(
                        f"column '{feature.name}' gives {which} by a straight line: may it leak it?"
                    )
    return found


def _correlation(column: Floats, target: Array) -> float:
    """Correlate where the column has values; 0 where they are too few, or do not vary."""
    present = ~np.isnan(column)
    x, y = column[present], target[present]
    if len(x) < MIN_ROWS or (x == x[0]).all() or (y == y[0]).all():
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def _nearly_constant(table: Table) -> list[str]:
    found = []
    for name in _single(table):
        values, counts = np.unique(_comparable(table.column(name)), return_counts=True)
        most = int(np.argmax(counts))
        if (share := counts[most] / len(table.features)) >= NEARLY_CONSTANT:
            what = "missing" if values[most] == _MISSING else "the same"
            found.append(f"column '{name}': {share:.1%} of the values are {what}")
    return found


def _unused_values(table: Table, spec: Model) -> list[str]:
    found = []
    for feature in spec.features:
        if feature.type == "categorical":
            seen = set(table.column(feature.name).tolist())
            unseen = [value for index, value in enumerate(feature.values) if index not in seen]
            if unseen:
                found.append(f"column '{feature.name}': no row has {', '.join(unseen)}")
    return found


def _duplicates(table: Table) -> list[str]:
    rows = opaque(np.column_stack([table.features.astype(np.float64), table.target]))
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    repeats = len(rows) - len(first)
    if not repeats:
        return []
    inverse = inverse.reshape(-1)
    row = int(np.flatnonzero(first[inverse] != np.arange(len(rows)))[0])
    line, of = table.lines[row], table.lines[first[inverse[row]]]
    return [f"{repeats} rows repeat others, e.g. line {line} repeats line {of}"]
