"""`mltk run`: models of the project from their data to the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import params_option
from mltk.cli.candidates import complete_model
from mltk.cli.engine_options import (
    cache_option,
    check_engine,
    jobs_option,
    parallel_option,
    refuse_parallel,
    runtime_option,
    wait_option,
)
from mltk.cli.event_option import PARAM, event_option
from mltk.cli.labels import MODEL
from mltk.cli.output import output_option
from mltk.cli.where import Where, place_options
from mltk.errors import UsageError

if TYPE_CHECKING:
    from mltk.cli.planning import Plan

# Empty, they say what nobody says; a Task cannot leave them out.
_OPTIONAL = {"forge", "pull-request", PARAM}


@click.command(
    "run",
    **example(
        "mltk run",
        "mltk run wine-alcohol --force",
        "mltk run --all --parallel 2",
        "mltk run 'load-*' --dry-run",
        "mltk run --param deploy-folder=/srv/www",
        "mltk run --since main",
        "mltk run --on cluster",
    ),
)
@click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete_model)
@click.option("--all", "every", is_flag=True, help="All models, as without any name; say the plan.")
@parallel_option
@click.option("--dry-run", is_flag=True, help="Say the plan and make nothing.")
@params_option
@click.option("--force", is_flag=True, help="Run what is up to date, too, and train it again.")
@click.option(
    "--since",
    metavar="COMMIT",
    help="Leave out models that did not change since that commit; one that is empty or gone"
    " leaves out none.",
)
@click.option(
    "--due",
    is_flag=True,
    help="Of models with windows run what is due, as `mltk windows tick` does; also the newest"
    " window where more than the data changed since COMMIT. Not for runs that register nothing.",
)
@click.option(
    "--untrusted",
    is_flag=True,
    envvar="MLTK_UNTRUSTED",
    show_envvar=True,
    help="The project of somebody else: its runs see no Secret and register nothing, and neither"
    " the image nor the MLflow that mltk.yaml names is taken.",
)
@event_option
@jobs_option
@cache_option
@runtime_option
@wait_option
@place_options
@output_option("table", "json", "yaml", "name")
def command(
    models: tuple[str, ...],
    every: bool,
    parallel: int | None,
    dry_run: bool,
    params: dict[str, str],
    force: bool,
    since: str | None,
    due: bool,
    untrusted: bool,
    event_id: str,
    jobs: int | None,
    cache: bool,
    runtime: str | None,
    wait: bool,
    on: Where,
    namespace: str | None,
    output: str,
) -> int:
    """Deliver models, from data to the registry; all by default.

    A name may be a pattern, as of files in a shell; quote it.
    The Tasks fetch, train, evaluate, export, verify, judge and register. A model whose data, spec,
    code and seed were delivered before is up to date and not run again; a run that another process
    has in hand is followed. Work that is not committed is run from a snapshot of it; a cluster
    clones the repository, so there it must be committed and pushed. Ends with 4 when a gate said
    no.
    """
    from mltk.cli.delivery import snapshot, wanted
    from mltk.cli.drive import drive, outcomes
    from mltk.cli.due import NOTHING
    from mltk.cli.due import due as make_due
    from mltk.cli.engine import Effort
    from mltk.cli.place import open_place
    from mltk.cli.planning import plan, together
    from mltk.cli.pushed import tell_host
    from mltk.cli.runplan import decided, foreseen, show
    from mltk.cli.summary import announce, finish
    from mltk.moments import utc_now

    check_engine(on, jobs=jobs, cache=cache, runtime=runtime)
    refuse_parallel(on, parallel)
    _refuse_together(models, every=every, dry_run=dry_run, due=due)
    params = {PARAM: event_id, **params}
    params = {name: value for name, value in params.items() if value or name not in _OPTIONAL}
    place = open_place(on, namespace, drives=wait)
    if not wait and not dry_run:
        place.engine.require_attendance()
    due = due and not untrusted and params.get("register") != "false"
    asked = wanted(place, models, params, since=since, untrusted=untrusted, due=due)
    if dry_run:
        with place.engine.turn():
            show(foreseen(place, asked.manifests, force=force), output, final=True)
        return 0
    with place.engine.turn() as turn:
        planned, failed = NOTHING, 0
        if asked.windowed:
            planned, failed = make_due(place, asked.windowed, utc_now(), params)
        planned = together(planned, plan(place, asked.manifests, force=force))
        if every or parallel:
            show(decided(planned), output, final=False)
        else:
            _say(planned)
        if not planned.new:
            turn.close()
        elif commit := snapshot(place, planned.new[0]):
            click.echo(f"not committed: running snapshot {commit[:8]} of the work tree", err=True)
        stands = {"done": planned.done, "running": planned.running, "new": planned.new}
        each = [(run, how) for how, runs in stands.items() for run in runs]
        if each:
            tell_host(each, {} if untrusted else params, asked.revision)
        if not wait:
            announce([*planned.done, *planned.running, *planned.new], output)
            return failed
        # Made known to the others only when the engine has taken them.
        ran = drive(
            place,
            planned.new,
            follow=planned.running,
            effort=Effort(jobs, cache and not force, runtime=runtime, parallel=parallel),
            claimed=turn.close,
        )
    return finish(place, [*outcomes(place, planned.done), *ran], output) or failed


def _refuse_together(models: tuple[str, ...], *, every: bool, dry_run: bool, due: bool) -> None:
    if every and models:
        raise UsageError(
            f"--all and {', '.join(models)} cannot go together", hint="leave out one of the two"
        )
    if dry_run and due:
        raise UsageError(
            "--dry-run does not look at what is due", hint="`mltk windows list` shows it"
        )


def _say(planned: Plan) -> None:
    said = {"up to date": planned.done, "already running": planned.running}
    for what, runs in said.items():
        for run in runs:
            model = run["metadata"]["labels"][MODEL]
            click.echo(f"{what}: {model}, run {run['metadata']['name']}", err=True)
