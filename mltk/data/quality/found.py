"""What the checks of a table found, as the steps of a run hand it on."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from mltk.records import Record
from mltk.wording import counted

WARN, FAIL, OFF = "warn", "fail", "off"

PROFILE_FILE = "profile.json"
"""The profile of a table in a workspace (`mltk.data.quality.profile`)."""

RECORDS = "records"
"""Folder of the records of a run among its artifacts in MLflow."""


@dataclasses.dataclass(frozen=True)
class Violation:
    """A column that is not as the schema says; `line` is where the first of `rows` rows lies.

    Neither is there for what concerns the column as a whole.
    """

    column: str
    expected: str
    found: str
    rows: int | None = None
    line: int | None = None

    @property
    def message(self) -> str:
        """What was expected and what came, in words."""
        place = f" (the first on line {self.line})" if self.line is not None else ""
        rows = "" if self.rows is None else f"{counted(self.rows, 'row')}{place}: "
        return f"expected {self.expected}; {rows}{self.found}"


@dataclasses.dataclass(frozen=True)
class Leak:
    """Rows by which the training knows of rows that judge it; `lines` is the first pair of them.

    `kind` is duplicates, group or time; `parts` says which parts of the split.
    """

    kind: str
    parts: str
    rows: int
    message: str
    lines: tuple[int, ...]
    hint: str


@dataclasses.dataclass(frozen=True)
class Shift:
    """A column against that of the champion's table.

    `what` is values or missing. `effect` is the share of rows that would have to be others for both
    to be alike, 0 to 1; `p_value` that of `test`, `adjusted` by Holm for all that was tested.
    """

    column: str
    role: str
    what: str
    test: str
    effect: float
    p_value: float
    adjusted: float
    drifted: bool
    words: str


@dataclasses.dataclass(frozen=True)
class DataChecks(Record):
    """validate and gate: what is wrong with the table, and by which policy.

    `schema` names what it was held against, empty for nothing. Policies are warn, fail or off.
    `champion` is the version whose table `shifts` compare with; without one `note` says why.
    """

    filename: ClassVar[str] = "checks.json"

    schema: str = ""
    schema_policy: str = WARN
    violations: tuple[Violation, ...] = ()
    leakage_policy: str = WARN
    leaks: tuple[Leak, ...] = ()
    drift_policy: str = WARN
    champion: str = ""
    shifts: tuple[Shift, ...] = ()
    note: str = ""

    @property
    def drifted(self) -> tuple[Shift, ...]:
        """What drifted, the largest effect first."""
        found = [shift for shift in self.shifts if shift.drifted]
        return tuple(sorted(found, key=lambda shift: -shift.effect))
