"""What has to be kept of the windows of a model between two looks at its data.

Everything else follows from the rows. The watermark must not go back when rows are deleted, and
only what a window held when it became final tells which rows came too late.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal

Fate = Literal["run", "skipped", "few", "partial", "late"]
"""What became of the last version of a window: a run was made of it, `catch_up` passed it over, it
has too few rows, it began before the data, or all its rows came when it was final."""

MOST = 8000
"""Windows that are remembered one by one; a ConfigMap holds a megabyte, an entry takes about 80
bytes."""

_FIELDS = ("version", "rows", "digest", "fate", "run")


@dataclasses.dataclass(frozen=True)
class Entry:
    """The last version of one window: how many there were, its rows, and their digest."""

    version: int
    rows: int
    digest: str
    fate: Fate
    run: str = ""


@dataclasses.dataclass(frozen=True)
class Ledger:
    """`entries` by index of the window. All windows before `sealed` are final and forgotten.

    `geometry` says how the windows lie that the indices count; `watermark` is the largest time that
    was seen, `clock` when that was, `data` the version of the table that was looked at.
    `sealed_rows` are those that lay before window `sealed` when it was sealed.
    """

    geometry: str = ""
    watermark: int | None = None
    clock: int | None = None
    data: str = ""
    sealed: int | None = None
    sealed_rows: int = 0
    entries: Mapping[int, Entry] = dataclasses.field(default_factory=dict)

    def with_runs(self, runs: Mapping[int, str]) -> Ledger:
        """The same with the names of the runs that were made, by index of their window."""
        named = {
            index: dataclasses.replace(self.entries[index], run=name)
            for index, name in runs.items()
            if index in self.entries  # it may have been sealed meanwhile
        }
        return dataclasses.replace(self, entries={**self.entries, **named})


def dumps(ledger: Ledger) -> str:
    """The ledger as compact JSON, the same bytes for the same ledger."""
    document = dataclasses.asdict(ledger)
    document["entries"] = {
        str(index): [getattr(entry, name) for name in _FIELDS]
        for index, entry in sorted(ledger.entries.items())
    }
    return json.dumps(document, separators=(",", ":"))


def loads(text: str) -> Ledger:
    """Read what `dumps` wrote; ValueError for anything else."""
    try:
        document: dict[str, Any] = json.loads(text)
        entries = {
            int(index): Entry(**dict(zip(_FIELDS, values, strict=True)))
            for index, values in document.pop("entries").items()
        }
        return Ledger(**document, entries=entries)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a ledger of windows: {error}") from None
