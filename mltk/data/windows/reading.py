"""A table with its times, and the cut of one window out of its file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from mltk.data.findings import Finding, refuse
from mltk.data.reader import TextTable, read_file
from mltk.data.windows.rows import Timeline, timeline
from mltk.data.windows.schedule import Window
from mltk.data.windows.times import moments, parse_window, window_text
from mltk.errors import ConfigError, DataError
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.project.spec import Model
    from mltk.project.windowing import Windows


@dataclasses.dataclass(frozen=True)
class Cut:
    """What was left of a table: the window in UTC, the version of its rows, and how many."""

    window: str
    version: str
    rows: int


def read_timeline(
    table: TextTable, windows: Windows, shown: str, now: int | None = None
) -> Timeline:
    """The rows of a table by time; DataError, with line and column, for what is no time.

    `shown` names the file; a row that lies beyond the clock `now` is refused, None does not look.
    """
    column = windows.time_column
    if column not in table.header:
        raise DataError(
            f"there is no column '{column}'{did_you_mean(column, table.header)}",
            where=f"{shown}, line 1",
            hint="correct windows.time_column in mltk.yaml",
        )
    cells, zone = table.column(column), windows.zone()
    times, findings = moments(column, cells, table.lines, zone, windows.time_format, now)
    refuse(findings[:1] if _all_alike(findings, cells) else findings, shown)
    return timeline(table, times)


def _all_alike(findings: list[Finding], cells: list[str]) -> bool:
    """Whether the column as a whole is of another form, which is said once."""
    return len(cells) > 1 and len(findings) == len(cells)


def cut_file(file: Path, name: str, model: Model, window: str) -> Cut:
    """Leave the rows of `window` (START/END) alone in the table of model `name`.

    ConfigError for a model without windows, DataError for a window without rows.
    """
    if model.windows is None:
        raise ConfigError(
            f"a window of '{name}' is asked for, but the model has no windows at this revision",
            where="mltk.yaml",
            hint="say windows: {every: ..., time_column: ...}, or leave the param window empty",
        )
    chosen = _window(window)
    shown, delimiter = model.data.path, model.data.delimiter
    rows = read_timeline(read_file(file, shown, delimiter), model.windows, shown)
    if not rows.count(chosen):
        raise DataError(
            f"no row lies in the window {window}",
            where=shown,
            hint=f"`mltk windows list {name}` shows which windows hold rows",
        )
    draft = file.with_name(f".{file.name}.part")
    draft.write_text(rows.cut(chosen, delimiter), encoding="utf-8", newline="")
    draft.replace(file)
    return Cut(window_text(chosen.start, chosen.end), rows.version(chosen), rows.count(chosen))


def _window(text: str) -> Window:
    try:
        return Window(0, *parse_window(text))
    except ValueError as error:
        raise ConfigError(str(error), where="param window") from None
