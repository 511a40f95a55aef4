"""`mltk models`: what is registered, and who is champion."""

from __future__ import annotations

import dataclasses
import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mltk.cli.app import example
from mltk.cli.candidates import complete_model
from mltk.cli.output import FORMATS, output_option, short_digest, table, write_document
from mltk.errors import UsageError
from mltk.urls import without_password

if TYPE_CHECKING:
    from mltk.project.spec import Model, Project
    from mltk.registry import ModelVersion, Registry

_ENVIRONMENT = "MLFLOW_TRACKING_URI"
_TITLES = ("NAME", "VERSION", "ALIAS", "METRICS", "DIGEST", "DATA", "GIT", "CREATED")


@click.group("models", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """See, promote and verify registered models."""


def _name_argument(function: Any) -> Any:
    return click.argument("name", metavar="NAME[@ALIAS|:VERSION]", shell_complete=complete_model)(
        function
    )


def tracking_option(function: Any) -> Any:
    """Add `--tracking-uri`; the command gets `tracking_uri: str | None`."""
    return click.option(
        "--tracking-uri",
        metavar="URI",
        help="MLflow to ask; else that of mltk.yaml, else $MLFLOW_TRACKING_URI, else the database"
        " of the project.",
    )(function)


@command.command("list", **example("mltk models list", "mltk models list --all -o json"))
@click.option("--all", "everything", is_flag=True, help="Every version, not only those in use.")
@tracking_option
@output_option(*FORMATS, jsonpath=True)
def list_models(everything: bool, tracking_uri: str | None, output: str) -> None:
    """List the champion and the challenger of each model."""
    registry, _ = _open(tracking_uri)
    rows = registry.list_models(every_version=everything)
    if output == "table":
        if rows:
            click.echo(table(_TITLES, [_row(row) for row in rows]))
        else:
            click.echo("No registered models: mltk run", err=True)
    elif output == "name":
        for row in rows:
            click.echo(f"{row.name}:{row.version}")
    else:
        write_document([as_dict(row) for row in rows], output)


@command.command("show", **example("mltk models show wine", "mltk models show wine:3 -o json"))
@_name_argument
@tracking_option
@output_option("table", "json", "yaml", jsonpath=True)
def show(name: str, tracking_uri: str | None, output: str) -> None:
    """Show a version with its lineage, and the ledger of promotions of its model."""
    registry, _ = _open(tracking_uri)
    version = registry.version(*split(name))
    ledger = registry.history(version.name)
    if output != "table":
        document = as_dict(version)
        document["lineage"] = dataclasses.asdict(version.lineage)
        document["ledger"] = [dataclasses.asdict(entry) for entry in ledger]
        write_document(document, output)
        return
    for key, value in as_dict(version).items():
        shown = _metrics(value) if key == "metrics" else value
        click.echo(f"{f'{key}:':<13}{shown or '-'}")
    click.echo(f"{'mlflow run:':<13}{version.run_id}")
    if ledger:
        click.echo("\nLedger")
        rows = [(e.when, e.action, e.version, e.previous or "-", e.who, e.reason) for e in ledger]
        click.echo(table(("WHEN", "ACTION", "VERSION", "PREVIOUS", "WHO", "REASON"), rows))


@command.command("promote", **example('mltk models promote wine 3 --reason "better on reds"'))
@_name_argument
@click.argument("version", required=False)
@click.option("--reason", default="", help="Why; kept in the ledger.")
@tracking_option
def promote(name: str, version: str | None, reason: str, tracking_uri: str | None) -> None:
    """Make a version champion and say so in the ledger; the challenger when none is named."""
    model, which = split(name, default="")
    if which and version:
        raise UsageError(
            f"two versions are named, '{which}' and '{version}'",
            hint=f"mltk models promote {model} {version}",
        )
    registry, _ = _open(tracking_uri)
    # What is not there is said before anything is locked.
    found = registry.version(model, which or version or "challenger")
    made = registry.promote(model, found.version, who=_who(), reason=reason or "by hand")
    click.echo(f"{made.name} version {made.version} is champion")


@command.command("rollback", **example('mltk models rollback wine --reason "wrong on reds"'))
@click.argument("name", shell_complete=complete_model)
@click.option("--reason", default="", help="Why; kept in the ledger.")
@tracking_option
def rollback(name: str, reason: str, tracking_uri: str | None) -> None:
    """Make the champion before the present one champion again."""
    registry, _ = _open(tracking_uri)
    registry.version(name)  # as in `promote`
    made = registry.rollback(name, who=_who(), reason=reason or "by hand")
    click.echo(f"{made.name} version {made.version} is champion again")


@command.command(
    "verify",
    **example(
        "mltk models verify wine",
        "mltk models verify wine:3",
        "mltk models verify wine --tracking-uri http://127.0.0.1:5000",
    ),
)
@_name_argument
@tracking_option
@output_option("table", "json", "yaml", jsonpath=True)
def verify(name: str, tracking_uri: str | None, output: str) -> None:
    """Prove a stored bundle again.

    It comes out of the registry; its digest is checked and its golden rows run in Node.js on each
    backend.
    """
    from mltk.registry.proof import verify_registered

    registry, project = _open(tracking_uri)
    model, which = split(name)
    spec = project.models.get(model) if project else None
    proof = verify_registered(registry, model, which, **(_asked_of(spec) if spec else {}))
    if output != "table":
        found = dataclasses.asdict(proof.verification)
        write_document({**as_dict(proof.version), **found}, output)
        return
    version = proof.version
    click.echo(f"{version.name} version {version.version} ({version.digest}) is as registered")
    rows = [
        (check.backend, str(check.rows), f"{check.max_relative_error:.2g}")
        for check in proof.verification.backends
    ]
    click.echo(table(("BACKEND", "ROWS", "MAX RELATIVE ERROR"), rows))


def _asked_of(spec: Model) -> dict[str, Any]:
    """What mltk.yaml asks of a bundle, as the gate would read it today."""
    from mltk.gate.parity import allowed
    from mltk.problems import load_problem

    gate = load_problem(spec.problem).asked(spec.gate)
    return {"backends": spec.export.backends, "parity": allowed(gate, spec.export)}


def split(name: str, default: str = "champion") -> tuple[str, str]:
    """`wine@champion` and `wine:3` as model and version or alias; a name alone is `default`."""
    for mark in ("@", ":"):
        model, found, which = name.partition(mark)
        if found:
            return model, which or default
    return name, default


def as_dict(version: ModelVersion) -> dict[str, Any]:
    """A version for `-o json`."""
    return {
        "name": version.name,
        "version": version.version,
        "alias": version.alias,
        "digest": version.digest,
        "metrics": dict(version.lineage.metrics),
        "dataVersion": version.lineage.data_version,
        "gitSha": version.lineage.git_sha,
        "eventID": version.lineage.event_id,
        "created": version.created,
    }


def _open(asked: str | None) -> tuple[Registry, Project | None]:
    """The registry, and the project where there is one: a server can do without."""
    from mltk.cli.folder import PROJECT_FILE, find_root, project_above
    from mltk.project.load import load
    from mltk.registry import Registry

    given = asked or os.environ.get(_ENVIRONMENT)
    root = project_above(Path.cwd()) if given else find_root(Path.cwd())
    project = load(root / PROJECT_FILE) if root else None
    return Registry(_address(asked, project, root), _experiment(project)), project


def _address(asked: str | None, project: Project | None, root: Path | None) -> str:
    """The first of: the option, mltk.yaml, the environment, the database of the project."""
    from mltk.project.compile import tracking_uri

    named = asked or (project.tracking.uri if project else None)
    given = os.environ.get(_ENVIRONMENT)
    if named is None and given:
        click.echo(f"note: models of {without_password(given)} ({_ENVIRONMENT})", err=True)
        return given
    if named is not None or project is None or root is None:
        return named or ""
    return tracking_uri(project, root)


def _experiment(project: Project | None) -> str:
    # Runs are looked up in it; models are known by their names in the whole registry.
    return project.tracking.experiment or project.project if project else "Default"


def _row(version: ModelVersion) -> tuple[str, ...]:
    lineage = version.lineage
    return (
        version.name,
        version.version,
        version.alias or "-",
        _metrics(lineage.metrics),
        short_digest(version.digest),
        short_digest(lineage.data_version),
        lineage.git_sha[:8],
        version.created,
    )


def _metrics(metrics: Any) -> str:
    return " ".join(f"{name}={value:.4g}" for name, value in metrics.items())


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return "unknown"
