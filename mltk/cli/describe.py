"""`mltk describe`: one object in words."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import RUNS, get, named_targets, words_argument
from mltk.cli.where import Where, place_options

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.tekton.objects import Obj


@click.command(
    "describe",
    **example("mltk describe pr wine-x7k2p", "mltk describe task train-model"),
)
@words_argument(metavar="KIND NAME...")
@place_options
def command(words: tuple[str, ...], on: Where, namespace: str | None) -> None:
    """Show an object with all that belongs to it.

    For a run: params, results, workspaces, its TaskRuns (those of runs within it, too) or its
    steps and sidecars, what was skipped and why, and its Events (of the TaskRuns and pods of a
    PipelineRun only warnings). Of one that waits in a queue, its place and what it waits for. On a
    cluster also what TaskRuns wait for that no node takes.
    """
    from mltk.cli.place import open_place

    targets = named_targets(words)
    place = open_place(on, namespace)
    texts = [_text(place, get(place, kind.kind, name)) for kind, name in targets]
    click.echo("\n".join(texts), nl=False)


def _text(place: Place, obj: Obj) -> str:
    from mltk.cli.obstacle import explained, is_unexplained
    from mltk.cli.parts import parts
    from mltk.cli.portrait import portrait
    from mltk.cli.waiting import queue_notes

    events = place.backend.events(obj)
    found = parts(place.backend, obj) if obj["kind"] in RUNS else ()
    told = [
        dataclasses.replace(each, obj=explained(each.obj, events))
        if is_unexplained(each.obj)
        else each
        for each in found
    ]
    shown = [each for each in events if _concerns(obj, each)]
    return portrait(obj, told, datetime.now(UTC), shown, queue_notes(place.backend, obj))


def _concerns(obj: Obj, event: Obj) -> bool:
    """Whether an Event is to be shown: all is well with many pods in many lines."""
    if obj["kind"] != "PipelineRun" or event.get("type") == "Warning":
        return True
    return bool(event.get("involvedObject", {}).get("uid") == obj["metadata"]["uid"])
