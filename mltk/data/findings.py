"""What is wrong with a table, collected so that a user fixes a file in one go."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from mltk.errors import DataError

SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong: at a line of the file (the header is line 1), in a column."""

    message: str
    line: int | None = None
    column: str | None = None
    hint: str | None = None

    @property
    def place(self) -> str:
        """Line and column in words; empty for a finding about the whole table."""
        parts = [f"line {self.line}"] if self.line is not None else []
        parts += [f"column '{self.column}'"] if self.column is not None else []
        return ", ".join(parts)


def refuse(findings: Sequence[Finding], path: str) -> None:
    """Raise one DataError that tells all `findings` (the first 20 in full); none is no error."""
    if not findings:
        return
    hint = next((finding.hint for finding in findings if finding.hint), None)
    if len(findings) == 1:
        place = findings[0].place
        where = f"{path}, {place}" if place else path
        raise DataError(findings[0].message, where=where, hint=hint)
    raise DataError("\n".join(_listing(findings)), where=path, hint=hint)


def _listing(findings: Sequence[Finding]) -> Iterable[str]:
    yield f"{len(findings)} things are wrong with the table"
    for finding in findings[:SHOWN]:
        yield f"  {finding.place or 'table'}: {finding.message}"
    if len(findings) > SHOWN:
        yield f"  and {len(findings) - SHOWN} more"
