"""`mltk windows`: the time windows of models, what is due of them, and those of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mltk.cli.app import example
from mltk.cli.candidates import complete_model
from mltk.cli.engine_options import (
    check_engine,
    jobs_option,
    runtime_option,
    wait_option,
)
from mltk.cli.event_option import PARAM, event_option
from mltk.cli.output import FORMATS, output_option, table, write_document
from mltk.cli.where import Where, place_options

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.cli.window_tables import Row


@click.group("windows", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """See the time windows of models, and run those that are due."""


def _models_argument(function: Any) -> Any:
    return click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete_model)(
        function
    )


@command.command("list", **example("mltk windows list", "mltk windows list wine -o json"))
@_models_argument
@place_options
@output_option(*FORMATS, jsonpath=True)
def list_windows(models: tuple[str, ...], on: Where, namespace: str | None, output: str) -> None:
    """List the windows of models: their rows, whether they are closed, and their runs.

    Looks at the data as it is and changes nothing.
    """
    from mltk.cli.place import open_place
    from mltk.cli.window_tables import TITLES

    rows = [row for _, rows in _looked(open_place(on, namespace), models) for row in rows]
    if output == "table":
        click.echo(table(TITLES, [row.cells() for row in rows]))
    elif output == "name":
        for row in rows:
            click.echo(f"{row.model}/{row.as_dict()['window']}")
    else:
        write_document([row.as_dict() for row in rows], output)


@command.command("status", **example("mltk windows status", "mltk windows status wine -o yaml"))
@_models_argument
@place_options
@output_option(*FORMATS, jsonpath=True)
def status(models: tuple[str, ...], on: Where, namespace: str | None, output: str) -> None:
    """Show the watermark of each model and how many of its windows are in which state."""
    from mltk.cli.place import open_place
    from mltk.cli.window_tables import STATUS_TITLES

    found = [status for status, _ in _looked(open_place(on, namespace), models)]
    if output == "table":
        click.echo(table(STATUS_TITLES, [tuple(map(str, each.values())) for each in found]))
    elif output == "name":
        for each in found:
            click.echo(each["model"])
    else:
        write_document(found, output)


def _looked(place: Place, models: tuple[str, ...]) -> list[tuple[dict[str, Any], list[Row]]]:
    """The numbers and the windows of each model."""
    from mltk.cli.engine import note
    from mltk.cli.ticking import observe
    from mltk.cli.window_tables import rows_of, status_of
    from mltk.moments import utc_now

    found = []
    for seen in observe(place, models, utc_now()):
        for text in seen.notes:
            note(text)
        rows = rows_of(seen.model, seen.look, seen.runs)
        found.append((status_of(seen.model, seen.look, rows), rows))
    return found


@command.command(
    "tick",
    **example(
        "mltk windows tick",
        "mltk windows tick wine --on cluster --no-wait",
        "mltk windows tick --post http://127.0.0.1:8080",
    ),
)
@_models_argument
@click.option("--retry", is_flag=True, help="Run again what failed or was cancelled, too.")
@click.option(
    "--post",
    metavar="URL",
    help="Look at nothing here, but post a tick to an event listener, which does.",
)
@event_option
@jobs_option
@runtime_option
@wait_option
@place_options
@output_option(*FORMATS)
def tick(
    models: tuple[str, ...],
    retry: bool,
    post: str | None,
    event_id: str,
    jobs: int | None,
    runtime: str | None,
    wait: bool,
    on: Where,
    namespace: str | None,
    output: str,
) -> int:
    """Run the windows that are due now.

    Those are the windows that closed since the last tick, and those that late rows changed. A tick
    that finds nothing new starts nothing, so that it may come as often as you like: from cron, or
    from `mltk listen`, which looks every quarter of an hour. A model whose data is wrong keeps no
    other one waiting. Ends as `mltk run` does.
    """
    from mltk.cli.drive import drive, outcomes
    from mltk.cli.due import exit_code, tell
    from mltk.cli.engine import Effort
    from mltk.cli.place import open_place
    from mltk.cli.summary import announce, finish
    from mltk.cli.ticking import tick as make_due
    from mltk.moments import utc_now

    if post is not None:
        from mltk.cli.tick_event import post as post_tick

        click.echo(post_tick(post), err=True)
        return 0
    check_engine(on, jobs=jobs, cache=True, runtime=runtime)
    place = open_place(on, namespace, drives=wait)
    if not wait:
        place.engine.require_attendance()
    with place.engine.turn() as turn:
        params = {PARAM: event_id} if event_id else {}
        found = make_due(place, models, utc_now(), params, retry=retry)
        tell(found)
        planned = found.plan
        if not planned.new:
            turn.close()
        failed = exit_code(found)
        if not wait:
            announce(planned.in_order, output)
            return failed
        effort = Effort(jobs, runtime=runtime)
        ran = drive(place, planned.new, follow=planned.running, effort=effort, claimed=turn.close)
    return finish(place, [*outcomes(place, planned.done), *ran], output) or failed


@command.command(
    "backfill",
    **example(
        "mltk windows backfill wine --from 2026-01-01 --to 2026-07-01 --dry-run",
        "mltk windows backfill wine --from 2026-01-01 --to 2026-07-01 --parallel 4 --yes",
    ),
)
@click.argument("model", shell_complete=complete_model)
@click.option("--from", "begin", required=True, metavar="TIME", help="Windows begin then or later.")
@click.option("--to", "end", required=True, metavar="TIME", help="Windows end then or before.")
@click.option(
    "--parallel", type=click.IntRange(min=1), default=2, show_default=True, help="Runs at a time."
)
@click.option("--dry-run", is_flag=True, help="Print the plan, run nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Run what is up to date, too.")
@runtime_option
@place_options
@output_option(*FORMATS)
def backfill(
    model: str,
    begin: str,
    end: str,
    parallel: int,
    dry_run: bool,
    yes: bool,
    force: bool,
    runtime: str | None,
    on: Where,
    namespace: str | None,
    output: str,
) -> int:
    """Run the closed windows of a stretch of time, with all the rows that are there now.

    Prints its plan and asks first. Rows that came too late for a window are in it then. What is up
    to date is not run again, so that a backfill that was interrupted goes on when it is typed
    again.
    """
    from mltk.cli.backfilling import Stretch, carry_out, plan_backfill, show
    from mltk.cli.place import open_place
    from mltk.moments import utc_now

    check_engine(on, jobs=None, cache=True, wait=True, runtime=runtime)
    place = open_place(on, namespace)
    planned = plan_backfill(place, model, Stretch(begin, end), utc_now(), force=force)
    show(planned, output, final=dry_run)
    if dry_run or not planned.chosen:
        return 0
    if not yes:
        _ask(len(planned.chosen), parallel)
    return carry_out(place, planned, parallel, output, force=force, runtime=runtime)


def _ask(count: int, parallel: int) -> None:
    import sys

    from mltk.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(
            "a backfill asks before it runs, and nobody is there to answer",
            hint="type --yes, or --dry-run for the plan alone",
        )
    click.confirm(f"Run {count} windows, {parallel} at a time?", abort=True, err=True)
