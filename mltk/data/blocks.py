"""Images and sequences: features that are many numbers, in columns of their own or in one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.data import columns
from mltk.data.arrays import Floats
from mltk.data.findings import Finding
from mltk.data.missing import COMPLAINT, is_missing

if TYPE_CHECKING:
    from mltk.data.reader import TextTable
    from mltk.project.blocks import Image, Series


def read(feature: Image | Series, text: TextTable) -> tuple[Floats, list[Finding]]:
    """Read the numbers of each row, float64 [n, width], and what is wrong with them."""
    if feature.columns is None:
        return _in_cells(feature, text.column(feature.name), text.lines)
    parsed = [
        columns.numbers(name, text.column(name), text.lines, feature.min, feature.max)
        for name in feature.sources
    ]
    found = np.column_stack([values for values, _ in parsed])
    return found, [finding for _, findings in parsed for finding in findings]


def _in_cells(
    feature: Image | Series, cells: Sequence[str], lines: Sequence[int]
) -> tuple[Floats, list[Finding]]:
    """Read cells that hold all numbers of a row, with blanks between them."""
    found = np.full((len(cells), feature.width), np.nan)
    findings = []
    for row, (cell, line) in enumerate(zip(cells, lines, strict=True)):
        numbers = cell.split()
        if is_missing(cell) or len(numbers) != feature.width:
            findings.append(Finding(_count_complaint(feature, cell), line, feature.name))
            continue
        found[row], wrong = columns.each_number(
            feature.name, numbers, [line] * len(numbers), feature.min, feature.max
        )
        findings += wrong[:1]
    return found, findings


def _count_complaint(feature: Image | Series, cell: str) -> str:
    if is_missing(cell):
        return COMPLAINT
    held = len(cell.split())
    return f"the cell has {held} numbers with blanks between them, and {feature.asked} is asked for"
