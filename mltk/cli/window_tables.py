"""Windows as the commands print them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mltk.cli.output import short_digest
from mltk.data.windows.planning import Look, Standing
from mltk.data.windows.times import iso
from mltk.project.windowed import name_of
from mltk.tekton.objects import Obj, is_done, is_success, reason, results

TITLES = ("MODEL", "WINDOW", "ROWS", "STATE", "VERSION", "DATA", "RUN", "STATUS", "VERDICT", "LATE")
STATUS_TITLES = (
    "MODEL", "WATERMARK", "OPEN", "CLOSED", "LATE", "FINAL", "DUE", "FAILED", "TOO LATE",
)  # fmt: skip
_WHY_NOT = {
    "skipped": "skipped",
    "few": "too few rows",
    "partial": "begins before the data",
    "late": "came too late",
}
"""What stands in the place of a run where there is none."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One window of a model with its run (None: none was made, or it is gone)."""

    model: str
    standing: Standing
    run: Obj | None

    @property
    def status(self) -> str:
        """How the run stands, or why there is none."""
        each = self.standing
        if each.due:
            return "due"
        if self.run is not None:
            return reason(self.run) or "Pending"
        if each.fate == "run":
            return "run deleted" if each.run else "-"
        return _WHY_NOT.get(each.fate or "", "-")

    @property
    def failed(self) -> bool:
        """Whether the run ended without a verdict."""
        return self.run is not None and is_done(self.run) and not is_success(self.run)

    @property
    def verdict(self) -> str:
        """What the gate said; empty where nothing is known."""
        return str(results(self.run).get("verdict", "")) if self.run else ""

    def cells(self) -> tuple[str, ...]:
        """The row of a table."""
        each = self.standing
        return (
            self.model,
            name_of(each),
            str(each.rows),
            each.state,
            str(each.version or "-"),
            short_digest(each.digest) or "-",
            each.run or "-",
            self.status,
            self.verdict or "-",
            str(each.late or "-"),
        )

    def as_dict(self) -> dict[str, Any]:
        """For `-o json`."""
        each = self.standing
        return {
            "model": self.model,
            "window": name_of(each),
            "start": iso(each.window.start),
            "end": iso(each.window.end),
            "rows": each.rows,
            "state": each.state,
            "version": each.version,
            "dataVersion": each.digest,
            "due": each.due,
            "run": each.run,
            "status": self.status,
            "verdict": self.verdict,
            "late": each.late,
        }


def rows_of(model: str, found: Look, runs: Mapping[str, Obj]) -> list[Row]:
    """The windows of a look that hold rows, or held some; `runs` are those of the model by name."""
    return [
        Row(model, each, runs.get(each.run))
        for each in found.standings
        if each.rows or each.version or each.late
    ]


def status_of(model: str, found: Look, rows: Sequence[Row]) -> dict[str, Any]:
    """The windows of a model in numbers."""
    return {
        "model": model,
        "watermark": iso(found.watermark),
        **{state: _count(rows, state) for state in ("open", "closed", "late", "final")},
        "due": len(found.due),
        "failed": sum(row.failed for row in rows),
        "tooLate": found.late,
    }


def _count(rows: Iterable[Row], state: str) -> int:
    return sum(row.standing.state == state for row in rows)
