"""`mltk apply -f`: make the store hold what the files say."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import RUNS
from mltk.cli.documents import filename_option, read_objects
from mltk.cli.where import Where, place_options
from mltk.errors import MltkError, UsageError

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.tekton.objects import Obj


@click.command("apply", **example("mltk apply -f tasks/", "mltk apply -f pipeline.yaml -n lab"))
@filename_option
@place_options
def command(filenames: tuple[str, ...], on: Where, namespace: str | None) -> None:
    """Create definitions, or bring them up to date.

    That is Tasks, Pipelines, StepActions, Secrets, ConfigMaps, LimitRanges and claims. Runs are
    refused: they happen once, which is what `mltk create` is for. What has no effect here is said
    on stderr.
    """
    from mltk.cli.get import address
    from mltk.cli.place import open_place

    located = read_objects(filenames)
    for each in located:
        if each.obj["kind"] in RUNS:
            raise UsageError(
                f"a {each.obj['kind']} cannot be applied",
                where=each.where,
                hint=f"mltk create -f {each.origin}{on.flags}",
            )
    place = open_place(on, namespace, make=True)
    applied = place.engine.apply(located, place.namespace)
    for obj, what in applied:
        click.echo(f"{address(obj)} {what}")
    _warn_of_lacks(place, [obj for obj, _ in applied if obj["kind"] == "EventListener"])


def _warn_of_lacks(place: Place, listeners: Sequence[Obj]) -> None:
    """Say what EventListeners refer to and is not there; Tekton says it when an event comes."""
    for listener in listeners:
        from mltk.listener.lacking import known, lacking

        with suppress(MltkError):  # whoever may apply may not be one who reads Secrets
            for lack in lacking(listener, known(place.backend)):
                click.echo(f"warning: {lack}", err=True)
