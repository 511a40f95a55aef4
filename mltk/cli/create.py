"""`mltk create -f`: objects from files; runs among them are run."""

from __future__ import annotations

import click

from mltk.cli.app import example
from mltk.cli.arguments import RUNS
from mltk.cli.documents import filename_option, read_objects
from mltk.cli.engine_options import (
    cache_option,
    check_engine,
    jobs_option,
    runtime_option,
    wait_option,
)
from mltk.cli.output import output_option
from mltk.cli.where import Where, place_options


@click.command(
    "create",
    **example(
        "mltk create -f pipelinerun.yaml",
        "mltk create -f - < run.yaml",
        "mltk create -f pipelinerun.yaml --on cluster --no-wait",
    ),
)
@filename_option
@place_options
@jobs_option
@cache_option
@runtime_option
@wait_option
@output_option("table", "json", "yaml", "name")
def command(
    filenames: tuple[str, ...],
    on: Where,
    namespace: str | None,
    jobs: int | None,
    cache: bool,
    runtime: str | None,
    wait: bool,
    output: str,
) -> int:
    """Create objects, and run those that are runs.

    A PipelineRun or TaskRun is run to its end, with progress. On this machine the engine lives in
    this command and ends with it, so runs are never left to the background: put an `&` behind the
    command and use `mltk wait`. On a cluster Tekton runs them, with or without the command.
    Objects that exist are refused (`mltk apply` changes them). Needs no mltk.yaml: state then lies
    in .mltk/ of this folder.
    """
    from mltk.cli.drive import drive
    from mltk.cli.engine import Effort
    from mltk.cli.get import address
    from mltk.cli.place import open_place
    from mltk.cli.summary import announce, finish
    from mltk.cli.waiting import problem_lines

    check_engine(on, jobs=jobs, cache=cache, wait=wait, runtime=runtime)
    located = read_objects(filenames)
    place = open_place(on, namespace, make=True)
    created = place.engine.create(located, place.namespace)
    for line in problem_lines(created):
        click.echo(f"warning: {line}", err=True)
    runs = [obj for obj in created if obj["kind"] in RUNS]
    if runs and not wait:
        announce(created, output)
        return 0
    for obj in created:
        click.echo(f"{address(obj)} created", err=bool(runs))
    if not runs:
        return 0
    effort = Effort(jobs, cache, runtime=runtime)
    return finish(place, drive(place, runs, effort=effort), output)
