"""report: what happened, as task results, to the git host and in MLflow. Runs after every run.

Any earlier step may have failed, so every record may be missing. What is known is told first and
recorded afterwards: a tracking server that is down cannot hide it.
"""

from __future__ import annotations

import os
from typing import TypeVar

import click

from mltk.data.quality.found import PROFILE_FILE, RECORDS, DataChecks
from mltk.errors import MltkError, StepError
from mltk.project.spec import Model
from mltk.records import (
    Environment,
    Evaluation,
    Record,
    Registration,
    Source,
    Splits,
    TableReport,
    TrainingReport,
    Verdict,
    Verification,
)
from mltk.registry import Tracking
from mltk.steps import evidence
from mltk.steps.account import Account, markdown
from mltk.steps.results import Requested, result_option, write
from mltk.steps.telling import tell
from mltk.steps.tracking import open_registry, run_options, tracking_options
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.urls import without_password

R = TypeVar("R", bound=Record)

_RECORDS = (
    Source,
    TableReport,
    Splits,
    DataChecks,
    TrainingReport,
    Environment,
    Evaluation,
    Verification,
    Verdict,
    Registration,
)
_ENDINGS = {"failed": "Failed", "incomplete": "Cancelled"}


def _statuses(
    _ctx: click.Context, _param: click.Parameter, items: tuple[str, ...]
) -> dict[str, str]:
    pairs = [item.partition("=") for item in items]
    for name, separator, _status in pairs:
        if not (name and separator):
            raise click.BadParameter(f"'{name}' is not NAME=STATUS")
    return {name: status for name, _, status in pairs}


@click.command("report")
@workspace_option
@tracking_options
@run_options
@click.option("--model", default="", help="Model of mltk.yaml, should the fetch have failed.")
@click.option("--repo-url", default="", help="Project, should the fetch have failed.")
@click.option("--revision", default="", help="Commit, should the fetch have failed.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="NAME=STATUS",
    callback=_statuses,
    help="How a task ended, e.g. --task gate-model=Failed.",
)
@click.option(
    "--register", default="true", help="false for a run that was only to judge its model."
)
@click.option("--forge", default="", metavar="KIND:URL", help="Repository on a git host to tell.")
@click.option("--pull-request", default="", help="Number of the pull request to comment on.")
@result_option
def command(
    workspace: RunWorkspace,
    tracking_uri: str,
    experiment: str,
    patience: float,
    run_name: str,
    run_uid: str,
    event_id: str,
    model: str,
    repo_url: str,
    revision: str,
    tasks: dict[str, str],
    register: str,
    forge: str,
    pull_request: str,
    results: Requested,
) -> None:
    """Tell and record what became of the run, as far as it got."""
    source = _read(workspace, Source)
    account = Account(
        run=run_name,
        model=source.model if source else model,
        repository=without_password(source.repository if source else repo_url),
        revision=source.revision if source else revision,
        tasks=tasks,
        source=source,
        table=_read(workspace, TableReport),
        training=_read(workspace, TrainingReport),
        evaluation=_read(workspace, Evaluation),
        verification=_read(workspace, Verification),
        verdict=_read(workspace, Verdict),
        checks=_read(workspace, DataChecks),
        registration=_read(workspace, Registration),
        registers=register != "false",
        event_id=event_id,
    )
    click.echo(markdown(account), nl=False)
    write(results, account.results() | {"tracking-run": ""})
    tell(account, forge, pull_request, os.environ)
    tracking = open_registry(tracking_uri, experiment, patience).tracking
    run_id = _record(tracking, account, workspace, run_uid)
    write(results, account.results() | {"tracking-run": run_id})


def _read(workspace: RunWorkspace, kind: type[R]) -> R | None:
    try:
        return workspace.read(kind)
    except StepError:
        return None


def _record(tracking: Tracking, account: Account, workspace: RunWorkspace, uid: str) -> str:
    """Write the account to MLflow: a run for the whole, nested ones for the tasks; its id."""
    told, spec = markdown(account), _spec(workspace)
    parent = tracking.parent(uid, account.run)
    tracking.log(parent, evidence.of_run(account, spec, told))
    source = account.source
    if source:
        # MLflow keeps one data set for all runs with the same data, so the place of it must not
        # name the commit of one of them; a tag of the run does.
        place = {"repository": account.repository, "path": source.data_path}
        tracking.log_data(parent, source.data_path, source.data_version, place)
    tracking.log_text(parent, told, "report.md")
    _record_data(tracking, parent, account, workspace)
    tracking.log_files(parent, workspace.plots, "plots")
    for kind in _RECORDS:
        tracking.log_files(parent, workspace.root / kind.filename, RECORDS)
    if source and workspace.trials.is_dir():
        # A run that is no search goes without reading mltk.yaml for it.
        from mltk.steps.tried import record

        record(tracking, parent, workspace, uid)
    for task, facts in evidence.of_tasks(account).items():
        nested = tracking.nested(parent, uid, task)
        tracking.log(nested, facts)
        tracking.finish(nested, account.tasks[task])
    tracking.finish(parent, _ENDINGS.get(account.outcome, "Succeeded"))
    return parent


def _record_data(
    tracking: Tracking, run_id: str, account: Account, workspace: RunWorkspace
) -> None:
    """Keep the report of the table, if it got as far as to be read."""
    if not (workspace.root / PROFILE_FILE).is_file():
        return
    # A run that failed before it read a table goes without them.
    from mltk.data.quality import page
    from mltk.data.quality.profile import ChampionProfile, Profile

    now, before = _read(workspace, Profile), _read(workspace, ChampionProfile)
    if now is None:
        return
    version = account.source.data_version if account.source else "unknown"
    heading = page.Heading(account.model, account.run, version)
    said = (heading, now, before, account.checks)
    tracking.log_text(run_id, page.markdown(*said), "data-report.md")
    tracking.log_text(run_id, page.html(*said), "data-report.html")
    tracking.log_files(run_id, workspace.root / PROFILE_FILE, RECORDS)


def _spec(workspace: RunWorkspace) -> Model | None:
    """Give the model's specification; None when it is what the run failed on."""
    try:
        return workspace.spec()
    except MltkError:
        return None
