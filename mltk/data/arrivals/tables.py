"""Tables that arrive, joined to the one that is there, by columns and in whole rows."""

from __future__ import annotations

import csv
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mltk.errors import DataError
from mltk.wording import did_you_mean


@dataclasses.dataclass(frozen=True)
class Shape:
    """How a table is written, and which columns its models need."""

    delimiter: str
    needed: tuple[str, ...]


def header(file: Path, shape: Shape, name: str) -> tuple[str, ...]:
    """The columns of a table; DataError when it has none, or none of those that are needed."""
    with _rows(file, shape, name) as rows:
        return _header(next(rows, None), shape, name)


def begin(draft: Path, base: Path | None) -> None:
    """Let `draft` hold what is there, ended by a line end."""
    if base is None:
        draft.write_bytes(b"")
        return
    shutil.copyfile(base, draft)
    with draft.open("r+b") as stream:
        if stream.seek(0, os.SEEK_END) > 0:
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) not in (b"\n", b"\r"):
                stream.write(b"\n")


def add(draft: Path, part: Path, columns: Sequence[str] | None, shape: Shape, name: str) -> int:
    """Write the rows of `part` behind those of `draft`, in the order of its `columns`; how many.

    Without `columns` there is no table yet: the part brings its header along. When it is refused
    (DataError), the draft is as it was.
    """
    end = draft.stat().st_size
    try:
        with draft.open("a", encoding="utf-8", newline="") as out:
            return _copy(part, out, columns, shape, name)
    except DataError:
        os.truncate(draft, end)
        raise


def check(part: Path, shape: Shape, name: str) -> int:
    """How many rows a table has that is to be taken as it is; DataError when it is none."""
    with _rows(part, shape, name) as rows:
        width = len(_header(next(rows, None), shape, name))
        return sum(1 for _ in _whole(rows, width, name))


def _copy(part: Path, out: IO[str], columns: Sequence[str] | None, shape: Shape, name: str) -> int:
    write = _writer(out, shape)
    with _rows(part, shape, name) as rows:
        found = _header(next(rows, None), shape, name)
        order = _order(found, columns, name)
        if columns is None:
            write(found)
        count = 0
        for row in _whole(rows, len(found), name):
            write(row if order is None else [row[place] for place in order])
            count += 1
        return count


def _writer(out: IO[str], shape: Shape) -> Callable[[Sequence[str]], object]:
    """What writes a row as a line; a carriage return in a field is a line end unless in quotes."""
    plain = csv.writer(out, delimiter=shape.delimiter, lineterminator="\n")
    quoted = csv.writer(out, delimiter=shape.delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(row: Sequence[str]) -> object:
        return (quoted if any("\r" in field for field in row) else plain).writerow(row)

    return write


def _order(
    found: Sequence[str], columns: Sequence[str] | None, name: str
) -> tuple[int, ...] | None:
    """Where each column of the table stands in the part; None when they stand alike."""
    if columns is None or tuple(found) == tuple(columns):
        return None
    missing = [each for each in columns if each not in found]
    unknown = [each for each in found if each not in columns]
    if missing:
        guess = did_you_mean(missing[0], unknown)
        raise _refusal(f"it has no column '{missing[0]}', which the table has{guess}", name)
    if unknown:
        raise _refusal(f"its column '{unknown[0]}' is none of the table's", name)
    return tuple(found.index(each) for each in columns)


def _header(row: list[str] | None, shape: Shape, name: str) -> tuple[str, ...]:
    if not row:
        raise _refusal("it is empty", name)
    for column in row:
        if row.count(column) > 1:
            raise _refusal(f"its column '{column}' is there twice", name)
    for column in shape.needed:
        if column not in row:
            raise _refusal(
                f"it has no column '{column}', which a model needs{did_you_mean(column, row)}", name
            )
    return tuple(row)


def _whole(rows: Iterator[list[str]], width: int, name: str) -> Iterator[list[str]]:
    for number, row in enumerate(rows, 1):
        if row and len(row) != width:
            raise _refusal(f"its row {number} has {len(row)} fields, the header {width}", name)
        if row:
            yield row


@contextmanager
def _rows(file: Path, shape: Shape, name: str) -> Iterator[Iterator[list[str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader: Any = csv.reader(stream, delimiter=shape.delimiter, strict=True)
            yield iter(reader)
    except UnicodeDecodeError:
        raise _refusal("it is not UTF-8 text", name) from None
    except csv.Error as error:
        raise _refusal(f"it is no CSV: {error}", name) from None


def _refusal(what: str, name: str) -> DataError:
    return DataError(what, where=name, hint="correct it, and put it there again")
