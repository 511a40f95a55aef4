"""ingest: data that arrived become a DVC data version on a branch, before a model trains on it."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import click

from mltk.data.arrivals.arrival import Arrival, Told
from mltk.data.arrivals.delivering import Delivery, in_clone, in_place, own_tree
from mltk.data.arrivals.forms import FORMS, TOO_LONG, decode
from mltk.data.arrivals.found import Storage
from mltk.data.arrivals.ingest import storage
from mltk.data.arrivals.reporting import refuse_in_vain, refuse_length, report
from mltk.data.arrivals.wanted import Table, tables
from mltk.errors import ConfigError, InfrastructureError
from mltk.project.git import SOMEONE, Repository
from mltk.project.load import FILENAME, load
from mltk.steps.results import Requested, result_option, write

_SECONDS = 30


@click.command("ingest")
@click.option(
    "--workspace",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for the clone and for what is fetched.",
)
@click.option("--repo-url", required=True, help="Project that gets the data; a URL or a folder.")
@click.option("--form", default="", help=f"Form of the event: {', '.join(FORMS)}.")
@click.option("--event", default="", help="The event, as JSON in base64; empty looks everywhere.")
@click.option("--model", default="", help="Look for data of this model alone.")
@click.option("--author", default=SOMEONE, help="In whose name is committed: NAME <EMAIL>.")
@result_option
def command(
    workspace: Path,
    repo_url: str,
    form: str,
    event: str,
    model: str,
    author: str,
    results: Requested,
) -> None:
    """Take what is new at the sources of mltk.yaml into the project's data."""
    is_cut = event == TOO_LONG
    told = decode(form, event) if event and not is_cut else None
    if told and told.validation_url:
        confirm(told.validation_url)
    delivery = _deliver(workspace, repo_url, told, model, author)
    for line in report(delivery):
        click.echo(line, err=True)
    write(
        results,
        {
            "revision": delivery.revision,
            "before": delivery.before,
            "changed": "true" if delivery.models else "false",
            "due": "true" if delivery.is_due else "false",
            "models": " ".join(delivery.models),
        },
    )
    for line in refuse_length(delivery) if is_cut else ():
        click.echo(line, err=True)
    refuse_in_vain(delivery)


def _deliver(
    workspace: Path, repo_url: str, told: Told | None, model: str, author: str
) -> Delivery:
    arrivals: Sequence[Arrival] = told.arrivals if told else ()

    def choose(tree: Repository) -> Sequence[Table]:
        project = load(tree.root / FILENAME)
        found = tables(project, [model] if model else [])
        if not found:
            raise ConfigError(
                "no model says where its data arrive from",
                where=FILENAME,
                hint="models.NAME.arrival.from names a bucket or a folder (docs/sources.md)",
            )
        return found

    def open_storage(table: Table) -> Storage:
        return storage(table, arrivals, lambda words: click.echo(f"warning: {words}", err=True))

    tree = own_tree(repo_url)
    if tree is not None:
        # Runs of two senders may come at once; what this one was told of is not to be lost.
        return in_place(tree, choose, open_storage, author, wait=True)
    return in_clone(repo_url, workspace, choose, open_storage, author)


def confirm(url: str) -> None:
    """Tell Azure Event Grid that its events are welcome here."""
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS):  # noqa: S310 - https, checked
            click.echo("the subscription of Event Grid is confirmed", err=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise InfrastructureError(
            f"the subscription cannot be confirmed: {error}",
            where=url.partition("?")[0],
            hint="open the address that Event Grid sent within ten minutes, or subscribe again",
        ) from None
