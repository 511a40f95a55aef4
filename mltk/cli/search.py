"""`mltk search`: a model trained with many parameters, and the best of them delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import params_option
from mltk.cli.candidates import complete_model
from mltk.cli.engine_options import (
    check_engine,
    jobs_option,
    runtime_option,
    wait_option,
)
from mltk.cli.output import output_option
from mltk.cli.where import Where, place_options

if TYPE_CHECKING:
    from mltk.cli.delivery import Sources
    from mltk.cli.place import Place
    from mltk.project.trials import SearchPlan
    from mltk.tekton.objects import Obj


@click.command(
    "search",
    **example(
        "mltk search wine-alcohol",
        "mltk search wine-alcohol --dry-run",
        "mltk search wine-alcohol --force -o json",
        "mltk search wine-alcohol --on cluster --no-wait",
    ),
)
@click.argument("model", metavar="MODEL", shell_complete=complete_model)
@click.option("--dry-run", is_flag=True, help="Say the plan and make nothing.")
@params_option
@click.option("--force", is_flag=True, help="Make all trials again, and train again.")
@jobs_option
@runtime_option
@wait_option
@place_options
@output_option("table", "json", "yaml", "name")
def command(
    model: str,
    dry_run: bool,
    params: dict[str, str],
    force: bool,
    jobs: int | None,
    runtime: str | None,
    wait: bool,
    on: Where,
    namespace: str | None,
    output: str,
) -> int:
    """Search the parameters of a model, and deliver it with the best ones.

    What to try says `search` of the model in mltk.yaml. Each trial learns from the training rows
    and is scored on the validation rows; the hold-out rows and the champion are met once, by the
    model that is chosen. A trial that is known from before is not trained again. Ends as
    `mltk run`.
    """
    from mltk.cli.drive import drive
    from mltk.cli.engine import Effort
    from mltk.cli.place import open_place
    from mltk.cli.searched import show_plan, tell
    from mltk.cli.summary import announce
    from mltk.project.trials import plan

    check_engine(on, jobs=jobs, cache=True, runtime=runtime)
    place = open_place(on, namespace, drives=wait)
    if not wait and not dry_run:
        place.engine.require_attendance()
    found, name = _sources(place, model, params)
    planned = plan(name, found.project.models[name])
    if dry_run:
        show_plan(name, planned, output, final=True)
        return 0
    with place.engine.turn() as turn:
        run, new = _find_or_make(place, found, name, planned, params, recall=not force)
        show_plan(name, planned, output, final=False)
        if not new:
            click.echo(f"already running: {run['metadata']['name']}", err=True)
            turn.close()
        if not wait:
            announce([run], output)
            return 0
        effort = Effort(jobs, cache=not force, runtime=runtime)
        runs, follow = ([run], []) if new else ([], [run])
        (ended,) = drive(place, runs, follow=follow, effort=effort, claimed=turn.close)
    return tell(place, name, planned, ended, output)


def _sources(place: Place, model: str, params: dict[str, str]) -> tuple[Sources, str]:
    """What runs are made from, and the one model that is meant."""
    from mltk.cli.delivery import check_params, sources
    from mltk.project.request import select_one

    if params:
        check_params(params)
    if "tracking-uri" in params:
        place.engine.check_tracking(params["tracking-uri"], "-p tracking-uri")
    found = sources(place)
    return found, select_one(found.project, model)


def _find_or_make(
    place: Place,
    found: Sources,
    name: str,
    planned: SearchPlan,
    params: dict[str, str],
    *,
    recall: bool,
) -> tuple[Obj, bool]:
    """The run that searches just this already, or a new one, and whether it is new."""
    from mltk.cli.delivery import for_now
    from mltk.cli.labels import SEARCHES
    from mltk.moments import utc_now
    from mltk.project.compile import PIPELINE
    from mltk.project.search import search_manifest
    from mltk.tekton.objects import is_done, params_of

    asked = for_now(found, name, utc_now(), named=True)
    assert asked is not None  # for a model that is named it raises  # noqa: S101
    delivery = found.manifest(place, asked, params)
    place.engine.equip(place.namespace, [delivery])
    installed = place.backend.get("Pipeline", PIPELINE, place.namespace)
    manifest = search_manifest(delivery, installed, planned, recall=recall)
    for run in place.backend.list("PipelineRun", place.namespace, {SEARCHES: name}):
        same = params_of(run) == params_of(manifest)
        if same and not is_done(run) and place.engine.tends(run):
            return run, False
    return place.backend.create(manifest), True
