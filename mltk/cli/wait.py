"""`mltk wait`: until a run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import find_run, run_argument
from mltk.cli.duration import DURATION
from mltk.cli.where import Where, place_options
from mltk.errors import InfrastructureError, NotFound

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.tekton.objects import Obj


@click.command("wait", **example("mltk wait wine-x7k2p", "mltk wait pr/wine-x7k2p --timeout 30m"))
@run_argument
@place_options
@click.option("--timeout", type=DURATION, help="Give up after, e.g. 10m.")
def command(words: tuple[str, ...], on: Where, namespace: str | None, timeout: float | None) -> int:
    """Wait until a run has ended.

    Ends with the code that `mltk run` would end with, and says why when a gate said no.
    """
    from mltk.cli.drive import outcomes
    from mltk.cli.place import open_place

    place = open_place(on, namespace)
    run = _ended(place, find_run(place, words), timeout)
    (ended,) = outcomes(place, [run])
    refused = f"  the gate said no: {ended.reason}" if ended.verdict == "fail" else ""
    click.echo(f"{ended.run}  {ended.status}{refused}")
    return ended.exit_code


def _ended(place: Place, run: Obj, timeout: float | None) -> Obj:
    """The run as it is when it has ended; InfrastructureError when that takes too long."""
    from mltk.tekton.objects import is_done, name_of, namespace_of

    if is_done(run):
        return run
    what = f"{run['kind']} '{name_of(run)}'"
    if not place.engine.attends(run):
        click.echo(f"note: nobody drives {what} now; `mltk serve` goes on with it", err=True)
    changes = place.backend.watch(
        run["kind"], namespace_of(run), name=name_of(run), timeout=timeout
    )
    for event in changes:
        if event.type == "DELETED":
            raise NotFound(
                f"{what} was deleted before it ended", hint=place.mltk("get pipelineruns")
            )
        if is_done(event.obj):
            return event.obj
    raise InfrastructureError(
        f"{what} has not ended in time", hint=place.mltk(f"logs {name_of(run)} -f")
    )
