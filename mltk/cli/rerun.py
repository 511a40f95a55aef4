"""`mltk rerun`: a run once more, from where it failed."""

from __future__ import annotations

import click

from mltk.cli.app import example
from mltk.cli.arguments import find_run, namespace_option, run_argument
from mltk.cli.engine_options import cache_option, jobs_option
from mltk.cli.labels import MODEL
from mltk.cli.output import output_option
from mltk.errors import Conflict


@click.command(
    "rerun",
    **example("mltk rerun wine-x7k2p", "mltk rerun pr/wine-x7k2p --no-cache"),
)
@run_argument
@namespace_option
@jobs_option
@cache_option
@output_option("table", "json", "yaml", "name")
def command(
    words: tuple[str, ...], namespace: str, jobs: int | None, cache: bool, output: str
) -> int:
    """Run again, from where it failed.

    Makes the copy of a PipelineRun or TaskRun that the Tekton Dashboard makes, and runs it to its
    end. The copy asks for the same. Tasks that were done and whose inputs are the same are restored
    from the cache, so it goes on from the task that failed.
    """
    from mltk.cli.drive import drive
    from mltk.cli.place import open_place
    from mltk.cli.shipped import install
    from mltk.cli.summary import finish
    from mltk.tekton.objects import is_done, name_of
    from mltk.tekton.rerun import rerun

    place = open_place()
    old = find_run(place.backend, words, namespace)
    if not is_done(old):
        raise Conflict(
            f"{old['kind']} '{name_of(old)}' still runs", hint=f"mltk cancel {name_of(old)}"
        )
    if MODEL in (old["metadata"].get("labels") or {}):
        install(place.backend, namespace)
    run = place.backend.create(rerun(old))
    ended = drive(place, [run], jobs=jobs, cache=cache, warm=not cache)
    return finish(place, ended, output)
