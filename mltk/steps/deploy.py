"""deploy: lay the registered bundle out as a static site and point the model's channel at it."""

from __future__ import annotations

from pathlib import Path

import click

from mltk.deploy import publish
from mltk.errors import StepError
from mltk.records import Registration
from mltk.steps.results import Requested, result_option, write
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import bundle_digest


@click.command("deploy")
@workspace_option
@click.option(
    "--folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the site.",
)
@result_option
def command(workspace: RunWorkspace, folder: Path, results: Requested) -> None:
    """Publish the bundle that was registered, and nothing else."""
    registered = workspace.read(Registration)
    if bundle_digest(workspace.bundle) != registered.digest:
        raise StepError(
            "the bundle is not the one that was registered",
            where=str(workspace.bundle),
            hint="it was changed since: run the pipeline again",
        )
    release = publish(folder, registered.name, workspace.bundle, registered.version)
    state = "now serves" if release.changed else "serves already"
    click.echo(f"{folder} {state} {registered.name} from {release.url}")
    write(results, {"url": release.url})
