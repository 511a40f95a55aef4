"""CSV files as rows of text. `read_file` touches the disk, `parse` judges what it found."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

from mltk.data.findings import Finding, refuse
from mltk.errors import DataError

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = ",;\t|"
"""What may separate columns where nobody said what does."""


@dataclasses.dataclass(frozen=True)
class TextTable:
    """A rectangular table of text; `lines` are the line numbers of the rows in the file."""

    header: tuple[str, ...]
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> list[str]:
        """Give the cells of a column from top to bottom."""
        index = self.header.index(name)
        return [row[index] for row in self.rows]


def read_file(path: Path, shown: str, delimiter: str = ",") -> TextTable:
    """Read a CSV file with a header; `shown` is the file's name in errors.

    Raises DataError when the file is not there, not UTF-8, empty or not rectangular.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError("the data file is not there", where=shown, hint="dvc pull") from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=shown) from None
    return parse_bytes(content, shown, delimiter)


def parse_bytes(content: bytes, shown: str, delimiter: str = ",") -> TextTable:
    """Split the bytes of a file into a rectangular table; as `read_file` in all else."""
    return parse(_decode(content, shown), shown, delimiter)


def parse(text: str, shown: str, delimiter: str = ",") -> TextTable:
    """Split `text` into a rectangular table; blank lines do not count as rows."""
    records = _records(text, shown, delimiter)
    _, header = next(records, (1, ()))
    if not header:
        raise DataError(
            "the file is empty", where=shown, hint="its first line must name the columns"
        )
    refuse(_header_findings(header, delimiter), shown)
    lines, rows = [], []
    ragged = []
    for line, row in records:
        lines.append(line)
        rows.append(row)
        if len(row) != len(header):
            message = f"the row has {len(row)} values, the header has {len(header)}"
            ragged.append(Finding(message, line))
    refuse(ragged, shown)
    if not rows:
        raise DataError(
            "there is a header but no rows", where=shown, hint="bring rows below the header"
        )
    return TextTable(header, tuple(lines), tuple(rows))


def _decode(content: bytes, shown: str) -> str:
    if content.startswith(_UTF16_MARKS):
        raise DataError(
            "the file is UTF-16, not UTF-8", where=shown, hint=f"iconv -f UTF-16 -t UTF-8 {shown}"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise DataError(
            f"byte 0x{byte:02x} is not UTF-8",
            where=f"{shown}, line {line}",
            hint=f"iconv -f ISO-8859-1 -t UTF-8 {shown}",
        ) from None


def _records(text: str, shown: str, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield line, tuple(row)
            # A quoted cell may span lines: a row is where it begins.
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"not CSV: {error}", where=f"{shown}, line {line}") from None


def _header_findings(header: tuple[str, ...], delimiter: str) -> list[Finding]:
    if len(header) == 1:
        for other in DELIMITERS.replace(delimiter, ""):
            if other in header[0]:
                hint = f"set data.delimiter: {other!r} in mltk.yaml"
                return [Finding(f"the header is one column: '{header[0]}'", 1, hint=hint)]
    findings = []
    for position, name in enumerate(header):
        if name in header[:position]:
            findings.append(Finding(f"column '{name}' is there twice", 1, name))
        if not name.strip():
            findings.append(Finding(f"column {position + 1} has no name", 1))
    return findings
