"""`mltk rerun`: a run once more, from where it failed."""

from __future__ import annotations

import click

from mltk.cli.app import example
from mltk.cli.arguments import find_run, run_argument
from mltk.cli.engine_options import (
    cache_option,
    check_engine,
    jobs_option,
    runtime_option,
    wait_option,
)
from mltk.cli.labels import MODEL, REPRODUCES, SEARCHES
from mltk.cli.output import output_option
from mltk.cli.where import Where, place_options
from mltk.errors import Conflict


@click.command(
    "rerun",
    **example(
        "mltk rerun wine-x7k2p",
        "mltk rerun pr/wine-x7k2p --no-cache",
        "mltk rerun wine-x7k2p --on cluster",
    ),
)
@run_argument
@place_options
@jobs_option
@cache_option
@runtime_option
@wait_option
@output_option("table", "json", "yaml", "name")
def command(
    words: tuple[str, ...],
    on: Where,
    namespace: str | None,
    jobs: int | None,
    cache: bool,
    runtime: str | None,
    wait: bool,
    output: str,
) -> int:
    """Run again, from where it failed.

    Makes the copy of a PipelineRun or TaskRun that the Tekton Dashboard makes, and runs it to its
    end. The copy asks for the same. On this machine tasks that were done, whose author lets them be
    kept (annotation mltk.dev/cache) and whose inputs are the same are restored from the cache, so
    that a delivery goes on from the task that failed; a cluster does every task again, and
    registers nothing twice.
    """
    from mltk.cli.drive import drive
    from mltk.cli.engine import Effort
    from mltk.cli.place import open_place
    from mltk.cli.summary import announce, finish
    from mltk.tekton.objects import is_done, labels_of, name_of
    from mltk.tekton.rerun import rerun

    check_engine(on, jobs=jobs, cache=cache, wait=wait, runtime=runtime)
    place = open_place(on, namespace)
    old = find_run(place, words)
    if not is_done(old):
        raise Conflict(
            f"{old['kind']} '{name_of(old)}' still runs", hint=place.mltk(f"cancel {name_of(old)}")
        )
    if {MODEL, REPRODUCES, SEARCHES} & labels_of(old).keys():
        place.engine.equip(place.namespace)
    run = place.backend.create(rerun(old))
    if not wait:
        announce([run], output)
        return 0
    # What was restored would be the same for no other reason.
    cache = cache and REPRODUCES not in labels_of(old)
    effort = Effort(jobs, cache, warm=not cache, runtime=runtime)
    return finish(place, drive(place, [run], effort=effort), output)
