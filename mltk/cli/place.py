"""Where the command works: the project's folder and the objects in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.errors import ConfigError

if TYPE_CHECKING:
    from mltk.local.backend import LocalBackend

PROJECT_FILE = "mltk.yaml"
STATE = ".mltk"
DEFAULT_NAMESPACE = "default"


@dataclasses.dataclass(frozen=True)
class Place:
    """A folder with its state; `backend` holds the objects, `root` is where mltk.yaml lies."""

    root: Path
    backend: LocalBackend

    @property
    def state(self) -> Path:
        """The folder of the state."""
        return self.root / STATE


def find_root(start: Path, *, make: bool = False) -> Path:
    """The nearest folder upwards with mltk.yaml, or with the state of an engine.

    Any Tekton pipeline can run without a project file, so `make` takes `start` when there is
    neither; without it that is a ConfigError.
    """
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file() or (folder / STATE / "state.db").is_file():
            return folder
    if make:
        return start
    raise ConfigError(
        f"no {PROJECT_FILE} here or in a folder above",
        where=str(start),
        hint="type `mltk init DIR --data FILE.csv --target COLUMN` to start a project from a table",
    )


def open_place(*, make: bool = False) -> Place:
    """Open the objects of the folder at hand; runs whose process died are marked and named."""
    from mltk.local.backend import LocalBackend

    root = find_root(Path.cwd(), make=make)
    backend = LocalBackend(root / STATE)
    for run in backend.interrupted:
        name = run["metadata"]["name"]
        click.echo(f"note: {run['kind']} {name} was interrupted: mltk rerun {name}", err=True)
    return Place(root, backend)
