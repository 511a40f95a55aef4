"""plan: the trials of a search, and the key of what they have in common."""

from __future__ import annotations

import click

from mltk.project.key import shared_key
from mltk.project.parameters import words
from mltk.project.trials import plan
from mltk.records import Source
from mltk.steps.results import Requested, result_option, write
from mltk.steps.workspace import RunWorkspace, workspace_option


@click.command("plan")
@workspace_option
@result_option
def command(workspace: RunWorkspace, results: Requested) -> None:
    """Say which trials there are; each is trained by itself."""
    source = workspace.read(Source)
    model = workspace.model(source.model)
    planned = plan(source.model, model)
    for each in planned.trials:
        click.echo(f"trial {each.number:>3}  {each.name}  {words(each.parameters)}")
    for rung in planned.rungs:
        click.echo(f"{rung.trials} trials up to {rung.epochs} epochs")
    searched = planned.trials[0].parameters
    write(results, {"key": shared_key(source.model, model, source.data_version, searched)})
