"""A CSV file as the typed table that a model learns from.

`read_table` is the whole way: read, check every cell, check the columns and the table as a whole.
Every complaint names line and column; all complaints of one stage come together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from mltk.data import blocks, checks, columns, dates, tokens
from mltk.data.arrays import Array, Floats
from mltk.data.findings import Finding, refuse
from mltk.data.missing import COMPLAINT
from mltk.data.reader import TextTable, read_file
from mltk.data.rows import Rows, Table
from mltk.records import ColumnSummary, TableReport
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.project.spec import Feature, Model

__all__ = ["Rows", "Table", "TargetKind", "read_table"]

TargetKind = Literal["numeric", "label", "labels", "rows"]
"""What a problem learns: a number, one of a closed list of labels, several labels of two values
each, or the features themselves."""

LABEL_VALUES = 2

_STAND_INS = {
    "numeric": "median", "categorical": "most_frequent", "datetime": "mean", "text": "empty",
}  # fmt: skip
"""What a missing value of a feature may count as, by its type; docs/features.md has the others."""


def read_table(path: Path, spec: Model, target_kind: TargetKind) -> tuple[Table, TableReport]:
    """Read and check the table of a model.

    Raises DataError that tells each finding (the first 20), with line and column.
    """
    shown = spec.data.path
    text = read_file(path, shown, spec.data.delimiter)
    refuse(_missing_columns(text, spec), shown)
    _refuse_decimal_commas(text, spec, target_kind)
    table, findings = _convert(text, spec, target_kind)
    refuse(findings, shown)
    refuse(checks.whole_table(table, spec), shown)
    return table, _report(table, text, spec)


def _missing_columns(text: TextTable, spec: Model) -> list[Finding]:
    return [
        Finding(f"there is no column '{name}'{did_you_mean(name, text.header)}", 1)
        for name in spec.columns
        if name not in text.header
    ]


def _refuse_decimal_commas(text: TextTable, spec: Model, kind: TargetKind) -> None:
    """Say it once, of the first such column, in place of a complaint about every cell."""
    numeric = [
        source
        for feature in spec.features
        if feature.type == "numeric" or (feature.type in ("image", "sequence") and feature.columns)
        for source in feature.sources
    ]
    targets = [target.name for target in spec.all_targets] if kind == "numeric" else []
    for name in [*numeric, *targets]:
        finding = columns.decimal_commas(name, text.column(name), text.lines)
        if finding:
            refuse([finding], spec.data.path)


def _convert(text: TextTable, spec: Model, kind: TargetKind) -> tuple[Table, list[Finding]]:
    parsed = [_feature(text, feature) for feature in spec.features]
    with np.errstate(over="ignore"):  # what does not fit float32 is among the findings
        features = np.column_stack([values for values, _ in parsed]).astype(np.float32)
    labels: dict[str, tuple[str, ...]] = {}
    if kind == "labels":
        target, labels, findings = _labels(text, spec)
        classes: tuple[str, ...] = ()
    elif kind == "rows":
        target, classes, findings = features, (), []
    else:
        target, classes, findings = _target(text, spec, kind)
    groups, times, misplaced = _split_columns(text, spec)
    findings = [finding for _, found in parsed for finding in found] + findings + misplaced
    findings.sort(key=lambda finding: finding.line or 0)
    names = tuple(feature.name for feature in spec.features)
    lines = np.array(text.lines)
    widths = tuple(feature.width for feature in spec.features)
    table = Table(names, features, target, classes, lines, groups, times, labels, widths)
    return table, findings


def _split_columns(
    text: TextTable, spec: Model
) -> tuple[Array | None, Array | None, list[Finding]]:
    """Read the column by which the rows are split, if there is one."""
    if name := spec.split.group:
        groups, findings = columns.groups(name, text.column(name), text.lines)
        return groups, None, findings
    if name := spec.split.time:
        times, findings = columns.times(name, text.column(name), text.lines)
        return None, times, findings
    return None, None, []


def _feature(text: TextTable, feature: Feature) -> tuple[Array, list[Finding]]:
    if feature.type in ("image", "sequence"):
        return blocks.read(feature, text)
    values, findings = encoded(feature, text.column(feature.name), text.lines)
    return values, [_with_a_way_out(finding, feature.type) for finding in findings]


def _with_a_way_out(finding: Finding, kind: str) -> Finding:
    """Say of a missing value what may stand in for it."""
    if finding.hint or finding.message != COMPLAINT:
        return finding
    hint = (
        f"give it a value, or let the feature say `missing: {_STAND_INS[kind]}` (docs/features.md)"
    )
    return dataclasses.replace(finding, hint=hint)


def encoded(
    feature: Feature, cells: Sequence[str], lines: Sequence[int]
) -> tuple[Array, list[Finding]]:
    """Make the columns of a feature, [n] or [n, width], of the cells of the table."""
    name, gaps = feature.name, feature.missing != "error"
    if feature.type == "datetime":
        return dates.walls(feature, cells, lines)
    if feature.type == "text":
        return tokens.numbered(feature, cells, lines)
    if feature.type == "categorical":
        indices, findings = columns.indices(name, cells, lines, feature.values, gaps=gaps)
        return np.where(indices < 0, np.nan, indices), findings
    return columns.numbers(name, cells, lines, feature.min, feature.max, gaps=gaps)


def _target(
    text: TextTable, spec: Model, kind: TargetKind
) -> tuple[Array, tuple[str, ...], list[Finding]]:
    if kind == "numeric":
        return _numbers(text, spec)
    target = spec.learnt
    cells = text.column(target.name)
    classes = target.values or columns.labels(cells)
    indices, findings = columns.indices(target.name, cells, text.lines, classes)
    return indices, classes, findings


def _numbers(text: TextTable, spec: Model) -> tuple[Array, tuple[str, ...], list[Finding]]:
    """Read one target [n], or the columns of `targets` [n, T]."""
    parsed = [
        columns.numbers(each.name, text.column(each.name), text.lines, each.min, each.max)
        for each in spec.targets or (spec.learnt,)
    ]
    findings = [finding for _, found in parsed for finding in found]
    values = [values for values, _ in parsed]
    return (np.stack(values, axis=1) if spec.targets else values[0]), (), findings


def _labels(
    text: TextTable, spec: Model
) -> tuple[Array, dict[str, tuple[str, ...]], list[Finding]]:
    """Read targets of two values each: 1 for the second of them, int64 [n, T]."""
    parsed: list[Array] = []
    values: dict[str, tuple[str, ...]] = {}
    findings: list[Finding] = []
    for target in spec.all_targets:
        cells = text.column(target.name)
        two = target.values or columns.labels(cells)
        indices, found = columns.indices(target.name, cells, text.lines, two)
        if len(two) > LABEL_VALUES:
            listed = ", ".join(two[:8]) + (", ..." if len(two) > 8 else "")
            message = f"a label has two values, and the column has {len(two)}: {listed}"
            found = [Finding(message, column=target.name, hint="learn it by a model of its own")]
        parsed.append(indices)
        values[target.name] = two
        findings += found
    return np.stack(parsed, axis=1), values, findings


def _report(table: Table, text: TextTable, spec: Model) -> TableReport:
    summaries = tuple(_summary(feature, table.column(feature.name)) for feature in spec.features)
    unused = [name for name in text.header if name not in spec.columns]
    warnings = checks.warnings(table, spec)
    if unused:
        warnings.append(f"columns that the model does not use: {', '.join(unused)}")
    return TableReport(
        len(table.target), summaries, tuple(warnings), table.classes, dict(table.labels)
    )


def _summary(feature: Feature, values: Floats) -> ColumnSummary:
    present = values[~np.isnan(values)]
    distinct, missing = len(np.unique(present)), len(values) - len(present)
    if feature.type != "numeric":
        return ColumnSummary(feature.name, feature.type, None, None, distinct, missing)
    low, high = float(present.min()), float(present.max())
    return ColumnSummary(feature.name, feature.type, low, high, distinct, missing)
