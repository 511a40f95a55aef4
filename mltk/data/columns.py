"""One column of text becomes numbers: values, and a finding for each cell that is wrong.

A cell that is wrong becomes NaN (numbers) or -1 (indices), so that later checks can go on. So does
a cell without a value, which is no finding where the project file says what it counts as.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from mltk.data.arrays import Array, Floats, Ints
from mltk.data.findings import Finding
from mltk.data.missing import COMPLAINT, is_missing
from mltk.data.windows.times import moments
from mltk.project.features import LARGEST
from mltk.wording import did_you_mean

_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")


def numbers(
    name: str,
    cells: Sequence[str],
    lines: Sequence[int],
    low: float | None = None,
    high: float | None = None,
    *,
    gaps: bool = False,
) -> tuple[Floats, list[Finding]]:
    """Parse a numeric column, float64 [n]; `low` and `high` bound what is no error.

    With `gaps` cells may have no value.
    """
    if missing := _all_missing(name, cells):
        return np.full(len(cells), np.nan), [missing]
    return each_number(name, cells, lines, low, high, gaps=gaps)


def each_number(
    name: str,
    cells: Sequence[str],
    lines: Sequence[int],
    low: float | None = None,
    high: float | None = None,
    *,
    gaps: bool = False,
) -> tuple[Floats, list[Finding]]:
    """Parse numbers that are no whole column, as `numbers` does."""
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        values = np.array([_number(cell) for cell in cells])
    limits = (-LARGEST if low is None else low, LARGEST if high is None else high)
    fine = (np.abs(values) <= LARGEST) & (values >= limits[0]) & (values <= limits[1])
    # float() reads 1_000, which in a data file is a slip.
    suspects = {int(row) for row in np.flatnonzero(~fine)}
    suspects |= {row for row, cell in enumerate(cells) if "_" in cell}
    if gaps:
        suspects = {row for row in suspects if not is_missing(cells[row])}
    findings = []
    for row in sorted(suspects):
        message, hint = _number_complaint(cells[row], low, high)
        findings.append(Finding(message, lines[row], name, hint))
    return values, findings


def decimal_commas(name: str, cells: Sequence[str], lines: Sequence[int]) -> Finding | None:
    """Give one finding for a column most of whose cells are numbers with a decimal comma."""
    if not any("," in cell for cell in cells):
        return None  # as in nearly every table, and quick to see
    present = [row for row, cell in enumerate(cells) if not is_missing(cell)]
    found = [row for row in present if _DECIMAL_COMMA.fullmatch(cells[row].strip())]
    if 2 * len(found) <= len(present):
        return None
    example = cells[found[0]].strip()
    return Finding(
        f"the numbers have a decimal comma, e.g. '{example}'; mltk reads decimal points",
        lines[found[0]],
        name,
        r"type `sed -E 's/([0-9]),([0-9])/\1.\2/g' OLD.csv > NEW.csv` where no comma separates the"
        " cells, or save the table anew from a spreadsheet set to English",
    )


def indices(
    name: str,
    cells: Sequence[str],
    lines: Sequence[int],
    vocabulary: Sequence[str],
    *,
    gaps: bool = False,
) -> tuple[Ints, list[Finding]]:
    """Look the cells up in `vocabulary`, int64 [n]; with `gaps` cells may have no value."""
    positions = {value: index for index, value in enumerate(vocabulary)}
    values = np.array([positions.get(cell, -1) for cell in cells], dtype=np.int64)
    if (values < 0).any() and (missing := _all_missing(name, cells)):
        return values, [missing]
    findings = [
        Finding(_vocabulary_complaint(cells[row], vocabulary), lines[row], name)
        for row in np.flatnonzero(values < 0)
        if not (gaps and is_missing(cells[row]))
    ]
    return values, findings


def labels(cells: Sequence[str]) -> tuple[str, ...]:
    """Give the distinct labels in order: by number when all are numbers, else by text.

    Texts for a missing value are no labels.
    """
    distinct = {cell for cell in cells if not is_missing(cell)}
    if all(np.isfinite(_number(cell)) for cell in distinct):
        return tuple(sorted(distinct, key=lambda cell: (float(cell), cell)))
    return tuple(sorted(distinct))


def groups(name: str, cells: Sequence[str], lines: Sequence[int]) -> tuple[Ints, list[Finding]]:
    """Give each row a number that stands for its value in any table, int64 [n]: a digest."""
    findings = [
        Finding("the value is missing; it says which rows stay together", line, name)
        for cell, line in zip(cells, lines, strict=True)
        if is_missing(cell)
    ]
    digests = {cell: hashlib.blake2b(cell.encode(), digest_size=8).digest() for cell in set(cells)}
    return np.frombuffer(b"".join(digests[cell] for cell in cells), dtype="<i8"), findings


def times(name: str, cells: Sequence[str], lines: Sequence[int]) -> tuple[Array, list[Finding]]:
    """Parse a column that orders the rows: numbers, or ISO 8601 (in UTC without an offset)."""
    if all(np.isfinite(_number(cell)) for cell in cells):
        return np.array([float(cell) for cell in cells]), []
    found, findings = moments(name, cells, lines, ZoneInfo("UTC"))
    return np.array(found, dtype=np.int64), findings


def _all_missing(name: str, cells: Sequence[str]) -> Finding | None:
    """Give one finding for a column without any value, in place of one for every cell."""
    if not all(map(is_missing, cells)):
        return None
    hint = f"remove '{name}' from mltk.yaml, or bring a table that has it"
    return Finding("the column has no value in any row", column=name, hint=hint)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _number_complaint(cell: str, low: float | None, high: float | None) -> tuple[str, str | None]:
    if is_missing(cell):
        return COMPLAINT, None
    value = float("nan") if "_" in cell else _number(cell)
    if np.isnan(value):
        comma = np.isfinite(_number(cell.replace(",", ".", 1))) and "_" not in cell
        return f"text '{cell}' in a numeric column", "use a decimal point" if comma else None
    if abs(value) > LARGEST:
        return f"{cell} is not a finite 32-bit number", None
    bounds = f"[{'-inf' if low is None else f'{low:g}'}, {'inf' if high is None else f'{high:g}'}]"
    return f"{cell} is out of the declared range {bounds}", None


def _vocabulary_complaint(cell: str, vocabulary: Sequence[str]) -> str:
    if is_missing(cell):
        return COMPLAINT
    listed = ", ".join(vocabulary[:8]) + (", ..." if len(vocabulary) > 8 else "")
    return f"'{cell}' is not one of {listed}{did_you_mean(cell, vocabulary)}"
