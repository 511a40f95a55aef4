"""What only shows when the whole table is seen: pure functions of a table and its specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Floats
from mltk.data.findings import Finding
from mltk.data.rows import Table, TargetColumn
from mltk.data.split import MIN_CLASS_ROWS, MIN_ROWS
from mltk.wording import counted

if TYPE_CHECKING:
    from mltk.project.spec import Feature, Model
    from mltk.records import Splits

NEARLY_CONSTANT = 0.99
"""Share of equal values from which a column is worth a look."""

SAME_IN_OTHER_UNITS = 0.99999
"""Correlation from which a feature is hardly anything else than the target."""


def whole_table(table: Table, spec: Model) -> list[Finding]:
    """Find what makes a table unfit to learn from, although each of its cells is fine."""
    return [*_size(table), *_constant_features(table), *_target(table, spec)]


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
        cells = table.column(feature.name)
        known = set(cells[train].tolist())
        rows = [row for row in others if float(cells[row]) not in known]
        if rows:
            names = dict.fromkeys(feature.values[int(cells[row])] for row in rows)
            found.append(
                f"column '{feature.name}': no row in train has {', '.join(names)}, which"
                f" {counted(len(rows), 'row')} of the others {'has' if len(rows) == 1 else 'have'},"
                f" e.g. line {table.lines[rows[0]]}: the model will guess"
            )
    return found


def _size(table: Table) -> list[Finding]:
    rows, width = table.features.shape
    if rows < MIN_ROWS:
        message = f"{rows} rows are too few to train, to stop and to judge: {MIN_ROWS} are needed"
        return [Finding(message)]
    if rows <= width:
        message = f"{width} features for {rows} rows: more features than rows to learn them from"
        return [Finding(message, hint="list fewer features in mltk.yaml, or bring more rows")]
    return []


def _constant_features(table: Table) -> list[Finding]:
    # Judged as float32: that is what the model will see.
    constant = (table.features == table.features[:1]).all(axis=0)
    return [
        Finding(
            "the column is constant: nothing to learn from it",
            column=name,
            hint=f"remove feature '{name}' from mltk.yaml",
        )
        for name, flag in zip(table.names, constant, strict=True)
        if flag
    ]


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
            f"the column is the {which} in every row: it leaks what is to be learnt",
            column=feature.name,
            hint=f"remove feature '{feature.name}' from mltk.yaml; no client knows it beforehand",
        )
        for feature in spec.features
        if _is_target(feature, table.column(feature.name), target)
    ]


def _is_target(feature: Feature, column: Floats, target: TargetColumn) -> bool:
    if not target.values:
        same = column == target.cells.astype(np.float32)
        return feature.type == "numeric" and bool(same.all())
    if feature.type == "categorical":
        said = [feature.values[int(index)] for index in column]
        return said == [target.values[index] for index in target.cells]
    try:
        labels = np.array([float(label) for label in target.values], dtype=np.float32)
    except ValueError:
        return False
    return bool((column == labels[target.cells]).all())


def _renamed(table: Table, spec: Model) -> list[str]:
    """Each class has one value of the column, and each value one class: hardly ever an accident."""
    found = []
    for name, target in table.target_columns(spec).items():
        which = f"class of '{name}'" if spec.targets else "class"
        for each in table.names if target.values else ():
            column = table.column(each)
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
                if abs(np.corrcoef(column, target.cells)[0, 1]) >= SAME_IN_OTHER_UNITS:
                    found.append(
                        f"column '{feature.name}' gives {which} by a straight line: may it leak it?"
                    )
    return found


def _nearly_constant(table: Table) -> list[str]:
    found = []
    for name in table.names:
        share = np.unique(table.column(name), return_counts=True)[1].max() / len(table.features)
        if share >= NEARLY_CONSTANT:
            found.append(f"column '{name}': {share:.1%} of the values are the same")
    return found


def _unused_values(table: Table, spec: Model) -> list[str]:
    found = []
    for feature in spec.features:
        if feature.type == "categorical":
            seen = set(table.column(feature.name).astype(int).tolist())
            unseen = [value for index, value in enumerate(feature.values) if index not in seen]
            if unseen:
                found.append(f"column '{feature.name}': no row has {', '.join(unseen)}")
    return found


def _duplicates(table: Table) -> list[str]:
    rows = np.column_stack([table.features.astype(np.float64), table.target])
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    repeats = len(rows) - len(first)
    if not repeats:
        return []
    inverse = inverse.reshape(-1)
    row = int(np.flatnonzero(first[inverse] != np.arange(len(rows)))[0])
    line, of = table.lines[row], table.lines[first[inverse[row]]]
    return [f"{repeats} rows repeat others, e.g. line {line} repeats line {of}"]
