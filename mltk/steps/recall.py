"""recall: what was recorded of a model that is to be made again, and its bundle beside it.

It runs before the training, so that an environment that is not wanted costs none.
"""

from __future__ import annotations

import shutil

import click

from mltk.errors import ConfigError, NotFound, StepError
from mltk.records import Environment, Finding, Original
from mltk.registry import Registry
from mltk.registry.origin import Origin, find
from mltk.registry.references import parse
from mltk.steps.environment import PROCESSOR, differences, measure
from mltk.steps.tracking import open_registry, tracking_options
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import read_bundle

_NAMED = 6
"""Differences that an error names."""


@click.command("recall")
@workspace_option
@tracking_options
@click.option("--reference", required=True, help="models:/NAME/VERSION or runs:/ID.")
@click.option("--strict", default="false", help="true refuses another environment.")
def command(
    workspace: RunWorkspace,
    tracking_uri: str,
    experiment: str,
    patience: float,
    reference: str,
    strict: str,
) -> None:
    """Fetch the record and the bundle; compare the environment with that of the record."""
    registry = open_registry(tracking_uri, experiment, patience)
    origin = find(registry, parse(reference))
    _compare_environment(origin, strict=strict == "true")
    original = _original(origin, _fetch(registry, origin, workspace))
    workspace.write(original)
    click.echo(f"{origin.reference}: {origin.digest}")
    if original.damage:
        click.echo(f"warning: its stored bundle {original.damage}", err=True)


def _compare_environment(origin: Origin, *, strict: bool) -> None:
    if origin.environment is None:
        _warn_or_refuse(f"{origin.reference} has no record of its environment", strict=strict)
        return
    other = differences(origin.environment, measure())
    for each in other:
        click.echo(f"warning: {_said(each)}", err=True)
    if refused := [each for each in other if each.name != PROCESSOR]:
        named = "; ".join(map(_said, refused[:_NAMED]))
        more = f"; and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        _warn_or_refuse(
            f"this is another environment than {origin.reference} was made in: {named}{more}",
            strict=strict,
        )


def _said(found: Finding) -> str:
    return f"{found.name} was {found.recorded}, is {found.found}"


def _warn_or_refuse(what: str, *, strict: bool) -> None:
    if strict:
        raise ConfigError(
            what,
            where=Environment.filename,
            hint="install those versions, or run in the image of then; without --strict it is a"
            " warning",
        )
    click.echo(f"warning: {what}", err=True)


def _fetch(registry: Registry, origin: Origin, workspace: RunWorkspace) -> str:
    """Put the stored bundle, if there is one, into its place; how it is damaged, if it is."""
    folder = workspace.original_bundle
    shutil.rmtree(folder, ignore_errors=True)  # of an attempt before
    if not origin.version:
        click.echo("its bundle was not registered: digests and metrics are compared", err=True)
        return ""
    try:
        registry.download(origin.name, origin.version, folder)
        digest = read_bundle(folder).digest
    except (NotFound, StepError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        return f"cannot be taken for it: {error.what}"
    if digest != origin.digest:
        return f"has the digest {digest}, registered was {origin.digest}"
    return ""


def _original(origin: Origin, damage: str) -> Original:
    return Original(
        reference=origin.reference,
        digest=origin.digest,
        data_version=origin.data_version,
        key_parts=dict(origin.key_parts),
        metrics=dict(origin.metrics),
        environment=origin.environment,
        damage=damage,
    )
