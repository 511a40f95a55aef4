"""`mltk wait`: until a run has ended."""

from __future__ import annotations

import time

import click

from mltk.cli.app import example
from mltk.cli.arguments import find_run, namespace_option, run_argument
from mltk.cli.duration import parse
from mltk.errors import InfrastructureError


def _seconds(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    try:
        return None if text is None else parse(text)
    except (ValueError, KeyError):
        raise click.BadParameter(f"'{text}' is no duration; write 90s, 5m or 1h30m") from None


@click.command("wait", **example("mltk wait wine-x7k2p", "mltk wait pr/wine-x7k2p --timeout 30m"))
@run_argument
@namespace_option
@click.option("--timeout", metavar="DURATION", callback=_seconds, help="Give up after, e.g. 10m.")
def command(words: tuple[str, ...], namespace: str, timeout: float | None) -> int:
    """Wait until a run has ended.

    Ends with the code that `mltk run` would end with, and says why when a gate said no.
    """
    from mltk.cli.drive import outcomes
    from mltk.cli.place import open_place
    from mltk.local.recovery import recover
    from mltk.tekton.objects import is_done, name_of

    place = open_place()
    run = find_run(place.backend, words, namespace)
    deadline = None if timeout is None else time.monotonic() + timeout
    store = place.backend.store
    mark = store.mark()
    while not is_done(run):
        if deadline is not None and time.monotonic() > deadline:
            raise InfrastructureError(
                f"{run['kind']} '{name_of(run)}' has not ended in time",
                hint=f"mltk logs {name_of(run)} -f",
            )
        mark = store.wait(mark)
        recover(store)
        run = store.get(run["kind"], name_of(run), namespace)
    (ended,) = outcomes(place, [run])
    refused = f"  the gate said no: {ended.reason}" if ended.verdict == "fail" else ""
    click.echo(f"{ended.run}  {ended.status}{refused}")
    return ended.exit_code
