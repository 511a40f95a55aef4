"""The rows of a table in the order of their times, and what a window cuts out of it.

A cut does not depend on the order in which rows came: they are sorted by time, then by their
cells, and its digest is made of the sum of the digests of its rows.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from mltk.data.reader import TextTable
from mltk.data.windows.schedule import Window

_MODULUS = 1 << 256
# MLflow takes 36 characters of the version of a data set.
_HEX = 30

PREFIX = "rows:"
"""How the version of a cut begins, where that of a file begins with `md5:`."""


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Rows by time: `times[i]` is that of `rows[i]`, `sums[i]` belongs to the first i rows."""

    header: tuple[str, ...]
    times: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[int, ...]

    def count(self, window: Window) -> int:
        """How many rows the window holds."""
        first, beyond = self._bounds(window)
        return beyond - first

    def before(self, moment: int) -> int:
        """How many rows are earlier than the moment."""
        return bisect_left(self.times, moment)

    def version(self, window: Window) -> str:
        """The version of the window's rows: the same rows under the same header, the same text."""
        first, beyond = self._bounds(window)
        total = (self.sums[beyond] - self.sums[first]) % _MODULUS
        said = f"{_joined(self.header)}|{beyond - first}|{total:x}"
        return PREFIX + hashlib.sha256(said.encode()).hexdigest()[:_HEX]

    def cut(self, window: Window, delimiter: str = ",") -> str:
        """The window's rows as CSV below the header."""
        first, beyond = self._bounds(window)
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(self.rows[first:beyond])
        return text.getvalue()

    def _bounds(self, window: Window) -> tuple[int, int]:
        return bisect_left(self.times, window.start), bisect_left(self.times, window.end)


def timeline(table: TextTable, times: Sequence[int]) -> Timeline:
    """Sort the rows of a table by their times."""
    pairs = sorted(zip(times, table.rows, strict=True))
    rows = tuple(row for _, row in pairs)
    sums = accumulate(map(_number, rows), lambda a, b: (a + b) % _MODULUS, initial=0)
    return Timeline(table.header, tuple(time for time, _ in pairs), rows, tuple(sums))


def _number(row: tuple[str, ...]) -> int:
    digest = hashlib.sha256(_joined(row).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest, "big")


def _joined(cells: Sequence[str]) -> str:
    """The cells as one text that tells where each of them ends."""
    return "".join(f"{len(cell)}:{cell}" for cell in cells)
