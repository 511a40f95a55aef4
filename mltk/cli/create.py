"""`mltk create -f`: objects from files; runs among them are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import RUNS, namespace_option
from mltk.cli.documents import Document, filename_option, read_objects
from mltk.cli.engine_options import cache_option, jobs_option
from mltk.cli.output import output_option

if TYPE_CHECKING:
    from mltk.local.backend import LocalBackend
    from mltk.tekton.objects import Obj


@click.command(
    "create", **example("mltk create -f pipelinerun.yaml", "mltk create -f - < run.yaml")
)
@filename_option
@namespace_option
@jobs_option
@cache_option
@output_option("table", "json", "yaml", "name")
def command(
    filenames: tuple[str, ...], namespace: str, jobs: int | None, cache: bool, output: str
) -> int:
    """Create objects, and run those that are runs.

    A PipelineRun or TaskRun is run to its end, with progress. The engine lives in this command and
    ends with it, so runs are never left to the background: put an `&` behind the command and use
    `mltk wait`. Objects that exist are refused (`mltk apply` changes them). Needs no mltk.yaml:
    state then lies in .mltk/ of this folder.
    """
    from mltk.cli.drive import drive
    from mltk.cli.get import address
    from mltk.cli.place import open_place
    from mltk.cli.summary import finish

    located = read_objects(filenames)
    place = open_place(make=True)
    # Admission is whole or not at all, so that a mistake in the last object leaves no half.
    with place.backend.store.transaction():
        created = [_create(place.backend, each, namespace) for each in located]
    runs = [obj for obj in created if obj["kind"] in RUNS]
    for obj in created:
        click.echo(f"{address(obj)} created", err=bool(runs))
    if not runs:
        return 0
    return finish(place, drive(place, runs, jobs=jobs, cache=cache), output)


def _create(backend: LocalBackend, document: Document, namespace: str) -> Obj:
    with document.blamed():
        return backend.create(document.placed(namespace))
