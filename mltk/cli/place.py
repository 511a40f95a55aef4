"""Where the command works: the objects, who drives them, and the project's folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.folder import STATE, cluster_settings, find_root, project_above
from mltk.cli.where import HERE, Where

if TYPE_CHECKING:
    from mltk.cli.engine import Engine
    from mltk.tekton.api import Backend


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


def open_place(
    on: Where = HERE, namespace: str | None = None, *, make: bool = False, drives: bool = True
) -> Place:
    """Open the objects of a cluster, of the folder at hand, or of the one that `on` names.

    Runs of this machine whose process died are marked and named. On a cluster no folder is needed.
    One who does not drive the runs that it makes leaves them to the server of the folder.
    """
    if on.cluster:
        return _in_cluster(on, namespace)
    return _in_folder(on, namespace, make=make, drives=drives)


def _in_folder(on: Where, namespace: str | None, *, make: bool, drives: bool) -> Place:
    from mltk.cli.embedded import EmbeddedEngine
    from mltk.local.backend import LocalBackend

    root = find_root(Path(on.folder or ".").absolute(), make=make)
    if on.folder is not None:
        backend = LocalBackend(root / STATE, serves=True)
        here = project_above(Path.cwd()) or root
        engine = EmbeddedEngine(backend, guest=True)
        return Place(backend, engine, namespace or backend.namespace, here)
    backend = LocalBackend(root / STATE, drives=drives)
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
