"""choose: which trials of a search go on, and at its end with which parameters the model is made.

The run that follows is an ordinary one: what it fetched is said to be asked for with the
parameters of the best trial, which so count in its key.
"""

from __future__ import annotations

import dataclasses
import json

import click

from mltk.project.key import key, key_parts, shared_key
from mltk.project.parameters import with_parameters, words
from mltk.project.trials import SearchPlan, plan
from mltk.records import Source
from mltk.steps import trials
from mltk.steps.results import Requested, result_option, write
from mltk.steps.trials import TrialRecord
from mltk.steps.workspace import RunWorkspace, workspace_option


@click.command("choose")
@workspace_option
@click.option("--rung", required=True, type=click.IntRange(min=1), help="The rung that is over.")
@result_option
def command(workspace: RunWorkspace, rung: int, results: Requested) -> None:
    """Let the better trials go on; after the last rung take the best one."""
    source = workspace.read(Source)
    planned = plan(source.model, workspace.model(source.model))
    records = read_all(workspace, planned)
    if rung < len(planned.rungs):
        names = trials.going_on(planned, records, rung)
        click.echo(f"{len(names)} go on to {planned.rungs[rung].epochs} epochs: {', '.join(names)}")
        write(results, {"trials": json.dumps(names)})
        return
    write(results, _take(workspace, planned, trials.winner(planned, records)))


def read_all(workspace: RunWorkspace, planned: SearchPlan) -> dict[str, TrialRecord]:
    """The records of the trials that were made, by name."""
    source = workspace.read(Source)
    common = shared_key(
        source.model,
        workspace.model(source.model),
        source.data_version,
        planned.trials[0].parameters,
    )
    found = {each.name: trials.read(workspace.trial(each.name), common) for each in planned.trials}
    return {name: record for name, record in found.items() if record is not None}


def _take(workspace: RunWorkspace, planned: SearchPlan, name: str) -> dict[str, str]:
    """Ask for the model with the parameters of a trial, in place of those of mltk.yaml."""
    source, best = workspace.read(Source), planned.trial(name)
    spec = with_parameters(workspace.model(source.model), best.parameters)
    parts = key_parts(source.model, spec, source.data_version)
    asked = dataclasses.replace(
        source, key=key(parts), key_parts=parts.as_dict(), parameters=dict(best.parameters)
    )
    workspace.write(asked)
    click.echo(f"trial {best.number} is the best: {words(best.parameters)}")
    return {"key": asked.key, "trial": name, "parameters": json.dumps(asked.parameters)}
