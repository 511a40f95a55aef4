"""What only shows when the whole table is seen: pure functions of a table and its specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mltk.data.findings import Finding
from mltk.data.rows import Table
from mltk.data.split import MIN_CLASS_ROWS, MIN_ROWS

if TYPE_CHECKING:
    from mltk.project.spec import Model

NEARLY_CONSTANT = 0.99
"""Share of equal values from which a column is worth a look."""


def whole_table(table: Table, spec: Model) -> list[Finding]:
    """Find what makes a table unfit to learn from, although each of its cells is fine."""
    return [*_size(table), *_constant_features(table), *_target(table, spec)]


def warnings(table: Table, spec: Model) -> list[str]:
    """Give what is worth a look and stops nothing."""
    return [*_nearly_constant(table), *_unused_values(table, spec), *_duplicates(table)]


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
    name = spec.target.name
    if not table.classes:
        if (table.target == table.target[0]).all():
            return [Finding("the target is constant: nothing to learn", column=name)]
        return []
    counts = np.bincount(table.target, minlength=len(table.classes))
    if np.count_nonzero(counts) == 1:
        label = table.classes[int(np.argmax(counts))]
        return [Finding(f"all rows are of one class, '{label}'", column=name)]
    hint = "merge rare classes, or, when the target is a quantity, set problem: regression"
    return [
        Finding(
            f"class '{label}' has {count} rows, too few to train, to stop and to judge:"
            f" {MIN_CLASS_ROWS} are needed",
            column=name,
            hint=hint,
        )
        for label, count in zip(table.classes, counts, strict=True)
        if count < MIN_CLASS_ROWS
    ]


def _nearly_constant(table: Table) -> list[str]:
    found = []
    for name in table.names:
        share = np.unique(table.column(name), return_counts=True)[1].max() / len(table.target)
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
