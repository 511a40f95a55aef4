"""`mltk cancel`: stop a run that another process, or a cluster, drives."""

from __future__ import annotations

import click

from mltk.cli.app import example
from mltk.cli.arguments import find_run, run_argument
from mltk.cli.where import Where, place_options
from mltk.errors import Conflict, UsageError

_GRACES = {"cancel": "Cancelled", "run-finally": "CancelledRunFinally", "stop": "StoppedRunFinally"}


@click.command(
    "cancel",
    **example("mltk cancel wine-x7k2p", "mltk cancel pr/wine-x7k2p --grace run-finally"),
)
@run_argument
@place_options
@click.option(
    "--grace",
    type=click.Choice(list(_GRACES)),
    default="cancel",
    show_default=True,
    help="cancel: stop everything at once; run-finally: then run the finally tasks; stop: let"
    " the running tasks end, then run the finally tasks.",
)
def command(words: tuple[str, ...], on: Where, namespace: str | None, grace: str) -> None:
    """Cancel a running PipelineRun or TaskRun."""
    from mltk.cli.get import address
    from mltk.cli.place import open_place
    from mltk.tekton.objects import is_done, name_of, reason

    place = open_place(on, namespace)
    run = find_run(place, words)
    if is_done(run):
        raise Conflict(
            f"{run['kind']} '{name_of(run)}' has ended already ({reason(run)})",
            hint=place.mltk(f"rerun {name_of(run)}"),
        )
    status = _GRACES[grace]
    if run["kind"] == "TaskRun":
        if grace != "cancel":
            raise UsageError("only a PipelineRun has finally tasks", hint="leave --grace out")
        status = "TaskRunCancelled"
    place.backend.cancel(run, status)
    click.echo(f"{address(run)} cancelled")
