"""fetch: the project at its revision, with the data of one model, and the key of the run."""

from __future__ import annotations

import click

from mltk.data.checkout import check_out, materialise, objects_of
from mltk.data.windows.reading import cut_file
from mltk.errors import DataError
from mltk.project.key import key, key_parts
from mltk.project.parameters import parse, with_parameters
from mltk.project.spec import Model
from mltk.records import Source
from mltk.steps.results import Requested, result_option, write
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.urls import without_password


@click.command("fetch")
@workspace_option
@click.option("--repo-url", required=True, help="Project to clone; any URL that git takes.")
@click.option("--revision", required=True, help="Full commit SHA.")
@click.option("--model", "name", required=True, help="Model of mltk.yaml to fetch for.")
@click.option("--data-version", "expected", default="", help="md5:HEX or rows:HEX to insist on.")
@click.option("--window", default="", help="START/END of the rows to keep; all without.")
@click.option("--parameters", default="", help="JSON, in place of those of mltk.yaml.")
@result_option
def command(
    workspace: RunWorkspace,
    repo_url: str,
    revision: str,
    name: str,
    expected: str,
    window: str,
    parameters: str,
    results: Requested,
) -> None:
    """Check out a project and pull the data of one model."""
    clone = check_out(repo_url, revision, workspace.source)
    asked = parse(parameters)
    model = with_parameters(workspace.model(name), asked)
    version = materialise(clone, model.data.path, revision, objects_of(repo_url, clone)).version
    kept = ""
    if window:
        cut = cut_file(clone.root / model.data.path, name, model, window)
        version, window = cut.version, cut.window
        kept = f", {cut.rows} rows of {window}"
    _check(version, expected, model)
    parts = key_parts(name, model, version)
    source = Source(
        repository=without_password(repo_url),
        revision=revision,
        model=name,
        data_path=model.data.path,
        data_version=version,
        key=key(parts),
        key_parts=parts.as_dict(),
        window=window,
        parameters=asked,
    )
    workspace.write(source)
    write(results, {"revision": revision, "data-version": source.data_version, "key": source.key})
    click.echo(f"{source.repository} at {revision[:12]}", err=True)
    click.echo(f"{source.data_path} {source.data_version}{kept}", err=True)


def _check(version: str, expected: str, model: Model) -> None:
    if expected not in ("", version):
        raise DataError(
            f"the revision names {version}, but {expected} was asked for",
            where=model.data.path,
            hint="ask for the revision that records that version, or leave the version open",
        )
