"""tried: the trials of a search in MLflow, so that none is made twice, whoever made it.

The report writes them, each as a nested run; the next search of the same model, data, code and
seed takes over what they came to. On a cluster nothing else outlives the run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from mltk.errors import NotFound, StepError
from mltk.project.trials import PlannedTrial, plan, trial_name
from mltk.records import Source
from mltk.registry import Facts, Tracking
from mltk.steps.choose import read_all
from mltk.steps.tracking import open_registry, tracking_options
from mltk.steps.trials import VALIDATION_LOSS, TrialRecord
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.wording import worded

_KEY = "mltk.trial-key"
_FOLDER = "records"


@click.command("tried")
@workspace_option
@tracking_options
@click.option("--key", required=True, help="Key of what all trials have in common.")
@click.option("--recall", default="true", help="false takes over nothing.")
def command(
    workspace: RunWorkspace,
    tracking_uri: str,
    experiment: str,
    patience: float,
    key: str,
    recall: str,
) -> None:
    """Fetch what trials of the same key came to before."""
    if recall != "true":
        click.echo("all trials are made anew")
        return
    tracking = open_registry(tracking_uri, experiment, patience).tracking
    names = set()
    for record in _recorded(tracking, key):
        folder = workspace.trial(record.name)
        if record.name in names or (folder / TrialRecord.filename).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        record.write(folder)
        names.add(record.name)
    click.echo(f"{len(names)} trials are known from before")


def _recorded(tracking: Tracking, key: str) -> Iterator[TrialRecord]:
    """The records of that key, of each trial the newest first; what cannot be read is no record."""
    for run_id in tracking.tagged(_KEY, key):
        with tempfile.TemporaryDirectory(prefix="mltk-trial-") as scratch:
            try:
                path = f"{_FOLDER}/{TrialRecord.filename}"
                record = TrialRecord.read(tracking.fetch_file(run_id, path, Path(scratch)).parent)
            except (NotFound, StepError):
                continue
        # Its name becomes one of a folder.
        if record.key == key and record.name == trial_name(record.parameters):
            yield record


def record(tracking: Tracking, parent: str, workspace: RunWorkspace, uid: str) -> None:
    """Write the trials of a run to MLflow, nested in its run."""
    source = workspace.read(Source)
    planned = plan(source.model, workspace.model(source.model))
    chosen = trial_name(source.parameters) if source.parameters else ""
    records = read_all(workspace, planned)
    for each in planned.trials:
        if each.name not in records:
            continue
        found = records[each.name]
        run_id = tracking.nested(parent, uid, f"trial-{each.number:03d}")
        tracking.log(run_id, _facts(source, each, found, chosen=each.name == chosen))
        tracking.log_files(run_id, workspace.trial(each.name) / TrialRecord.filename, _FOLDER)
        tracking.finish(run_id, "Failed" if found.failure else "Succeeded")


def _facts(source: Source, trial: PlannedTrial, found: TrialRecord, *, chosen: bool) -> Facts:
    numbers = {"parameters": float(found.weights), "seconds": found.seconds}
    if found.losses:
        least = min(found.losses)
        numbers |= {VALIDATION_LOSS: least, "best_epoch": float(found.losses.index(least) + 1)}
    tags = {
        "mltk.model": source.model,
        "mltk.trial": trial.name,
        _KEY: found.key,
        "mltk.trial.chosen": str(chosen).lower(),
    }
    return Facts(
        params={name: worded(value) for name, value in trial.parameters.items()},
        metrics=numbers,
        curves={f"epoch/{name}": curve for name, curve in found.curves.items()},
        tags=tags | ({"mltk.trial.failure": found.failure} if found.failure else {}),
    )
