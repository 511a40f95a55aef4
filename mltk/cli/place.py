"""Where the command works: the objects, who drives them, and the project's folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.where import HERE, Where
from mltk.errors import ConfigError

if TYPE_CHECKING:
    from mltk.cli.engine import Engine
    from mltk.tekton.api import Backend

PROJECT_FILE = "mltk.yaml"
STATE = ".mltk"


@dataclasses.dataclass(frozen=True)
class Place:
    """`backend` holds the objects and `engine` drives the runs among them.

    `namespace` is the one that is meant, `root` the folder with mltk.yaml (None: there is none,
    which only a cluster allows), `flags` what a command needs that is to work in the same place.
    """

    backend: Backend
    engine: Engine
    namespace: str
    root: Path | None = None
    flags: str = ""

    def project_root(self) -> Path:
        """The folder of the project; ConfigError when there is none."""
        return self.root or find_root(Path.cwd())

    def mltk(self, words: str) -> str:
        """A command as it must be typed to work on the objects of this place."""
        return f"mltk {words}{self.flags}"


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


def open_place(on: Where = HERE, namespace: str | None = None, *, make: bool = False) -> Place:
    """Open the objects of a cluster or of the folder at hand.

    Runs of this machine whose process died are marked and named. On a cluster no folder is needed.
    """
    return _in_cluster(on, namespace) if on.cluster else _in_folder(namespace, make=make)


def _in_folder(namespace: str | None, *, make: bool) -> Place:
    from mltk.cli.embedded import EmbeddedEngine
    from mltk.local.backend import LocalBackend

    root = find_root(Path.cwd(), make=make)
    backend = LocalBackend(root / STATE, drives=True)
    for run in backend.interrupted:
        name = run["metadata"]["name"]
        click.echo(f"note: {run['kind']} {name} was interrupted: mltk rerun {name}", err=True)
    return Place(backend, EmbeddedEngine(backend), namespace or backend.namespace, root)


def _in_cluster(on: Where, namespace: str | None) -> Place:
    from mltk.cli.controller import Controller
    from mltk.cluster import ClusterBackend

    root = project_above(Path.cwd())
    settings = cluster_settings(root)
    backend = ClusterBackend(on.context or settings.context, namespace or settings.namespace)
    flags = on.flags + (f" -n {namespace}" if namespace else "")
    return Place(
        backend, Controller(backend, flags), namespace or backend.namespace, root, flags=flags
    )


@dataclasses.dataclass(frozen=True)
class ClusterSettings:
    """What mltk.yaml says of the cluster that a command without options means."""

    context: str | None = None
    namespace: str | None = None


def project_above(start: Path) -> Path | None:
    """The nearest folder upwards with mltk.yaml."""
    folders = (start, *start.parents)
    return next((each for each in folders if (each / PROJECT_FILE).is_file()), None)


def cluster_settings(root: Path | None) -> ClusterSettings:
    """Read the text of mltk.yaml, if there is one.

    Whether the file is right is for `mltk run` to judge: a mistake in a model must not keep anybody
    from looking at what runs, nor must loading it whole slow that down.
    """
    if root is None:
        return ClusterSettings()
    import yaml

    try:
        found = yaml.safe_load((root / PROJECT_FILE).read_text(encoding="utf-8-sig"))["cluster"]
        context, namespace = found.get("context"), found.get("namespace")
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return ClusterSettings()
    return ClusterSettings(
        context if isinstance(context, str) else None,
        namespace if isinstance(namespace, str) else None,
    )
