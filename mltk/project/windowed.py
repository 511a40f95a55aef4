"""The windows of a project's models over the data that a revision names."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

from mltk.data.dvc import content, locate
from mltk.data.reader import parse_bytes
from mltk.data.windows.ledger import Ledger
from mltk.data.windows.periods import MINUTE
from mltk.data.windows.planning import Look, Standing, look
from mltk.data.windows.reading import read_timeline
from mltk.data.windows.times import iso, window_text
from mltk.errors import ConfigError
from mltk.project.request import RunRequest, windowed

if TYPE_CHECKING:
    from pathlib import Path

    from mltk.project.git import Repository
    from mltk.project.spec import Model, Project
    from mltk.project.windowing import Windows


def windows_of(project: Project, name: str) -> Windows:
    """The windows of a model; ConfigError when it has none."""
    windows = project.models[name].windows
    if windows is None:
        raise ConfigError(
            f"the model '{name}' has no windows",
            where="mltk.yaml",
            hint="give it some, as in windows: {every: 1d, length: 7d, time_column: when}",
        )
    return windows


def version_looked_at(model: Model, data_version: str) -> str:
    """Names what a look depends on: the data, and what mltk.yaml says of the windows."""
    said = model.windows.model_dump_json() if model.windows else ""
    return f"{data_version} {hashlib.sha256(said.encode()).hexdigest()[:12]}"


def look_at(
    project: Project,
    name: str,
    repository: Repository,
    revision: str,
    before: Ledger,
    now: int,
    objects: Path | None = None,
) -> Look:
    """Compare the data of model `name` at `revision` with what is known; `now` is the clock.

    `objects` is the DVC project that has the data, where that is not the repository's own.

    DataError for a time that is none, with line and column, or a table that no window fits.
    """
    model, windows = project.models[name], windows_of(project, name)
    tracked = locate(repository, model.data.path, revision, objects)
    shown = model.data.path
    data = content(repository, tracked, revision, objects)
    table = parse_bytes(data, shown, model.data.delimiter)
    rows = read_timeline(table, windows, shown, now)
    try:
        return look(windows.rules(), before, rows, now, version_looked_at(model, tracked.version))
    except ValueError as error:
        raise ConfigError(
            str(error), where=shown, hint="correct windows.every in mltk.yaml, or the time"
        ) from None


def request_of(request: RunRequest, standing: Standing) -> RunRequest:
    """The request to train on one window; `request` is that for the whole table."""
    return windowed(request, name_of(standing), standing.digest)


def name_of(standing: Standing) -> str:
    """The window as runs name it."""
    return window_text(standing.window.start, standing.window.end)


@dataclasses.dataclass(frozen=True)
class Newest:
    """The request for the newest closed window; without one `why` says what is missing."""

    request: RunRequest | None
    why: str = ""


def newest(
    project: Project,
    asked: RunRequest,
    repository: Repository,
    now: int,
    objects: Path | None = None,
) -> Newest:
    """The newest window that `asked`, for the whole table, can be narrowed to.

    All rows count that are there. A model without windows keeps its table. `objects` as in
    `look_at`.
    """
    windows = project.models[asked.model].windows
    if windows is None:
        return Newest(asked)
    found = look_at(project, asked.model, repository, asked.revision, Ledger(), now, objects)
    standing = latest(found)
    if standing is None:
        return Newest(None, why_none(windows, found))
    return Newest(request_of(asked, standing))


def no_window(name: str, why: str) -> ConfigError:
    """What is raised for a model that was named and has no window to deliver."""
    return ConfigError(
        why, where=f"model '{name}'", hint=f"`mltk windows list {name}` shows its windows"
    )


def latest(found: Look) -> Standing | None:
    """The newest window that is closed, whole and full enough to be trained on."""
    fit = [each for each in found.standings if each.state != "open" and _is_fit(each)]
    return fit[-1] if fit else None


def _is_fit(each: Standing) -> bool:
    return each.rows > 0 and each.fate in ("run", "skipped")


def why_none(windows: Windows, found: Look) -> str:
    """Why no window can be trained on, in words."""
    first = next((each for each in found.standings if each.fate != "partial"), None)
    whole = [each for each in found.standings if each.fate not in ("partial", None)]
    if whole:
        most = max(each.rows for each in whole)
        return f"no closed window has {windows.min_rows} rows, the fullest has {most}"
    end = f"; the first ends at {iso(first.window.end)}" if first else ""
    return (
        f"no window is closed yet: the data reaches {iso(found.watermark)}, and a window is"
        f" {windows.length or windows.every} long{end}"
    )


def backstep(before: Ledger, now: int) -> str:
    """Say so when the clock shows less than at the last look; empty when it does not.

    By less than a minute clocks are set all the time.
    """
    if before.clock is None or now > before.clock - MINUTE:
        return ""
    return (
        f"the clock went back from {iso(before.clock)} to {iso(now)}; the watermark stays where it"
        " was: look at the clock of this machine"
    )
