"""`mltk delete`: objects, with what they own."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import RUNS, get, parse_targets, words_argument
from mltk.cli.duration import DURATION
from mltk.cli.where import Where, place_options
from mltk.errors import Conflict, NotFound, UsageError

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.tekton.kinds import Kind
    from mltk.tekton.objects import Obj

Targets = list[tuple["Kind", str | None]]


@dataclasses.dataclass(frozen=True)
class _Choice:
    """How the objects are chosen when they are not named."""

    selector: str
    everything: bool
    keep: int | None
    keep_since: float | None

    @property
    def prunes(self) -> bool:
        """Whether only old runs are meant."""
        return self.keep is not None or self.keep_since is not None


@click.command(
    "delete",
    **example(
        "mltk delete pr wine-x7k2p",
        "mltk delete pipelineruns -l mltk.dev/model=wine",
        "mltk delete taskruns --all",
        "mltk delete pr --all --keep 20 --keep-since 7d",
    ),
)
@words_argument()
@place_options
@click.option("-l", "--selector", default="", help="Those whose labels match.")
@click.option("--all", "everything", is_flag=True, help="All objects of the kind.")
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    metavar="N",
    help="Of all or selected runs, keep the N that ended last, and those still running.",
)
@click.option(
    "--keep-since",
    type=DURATION,
    help="Of all or selected runs, keep those that ended less than, e.g., 36h or 7d ago.",
)
def command(
    words: tuple[str, ...],
    on: Where,
    namespace: str | None,
    selector: str,
    everything: bool,
    keep: int | None,
    keep_since: float | None,
) -> None:
    """Delete objects and all that they own.

    With a run go its TaskRuns, volumes and logs; registered models stay. A run that is still
    running is refused; cancel it first. --keep and --keep-since leave it alone and delete old runs
    only; given both, a run goes when neither of them keeps it.
    """
    from mltk.cli.place import open_place

    targets = parse_targets(words)
    choice = _Choice(selector, everything, keep, keep_since)
    _check(targets, choice)
    place = open_place(on, namespace)
    for obj in _chosen(place, targets, choice):
        # Two that prune at a time, or a person beside them, may both see the same old run.
        with suppress(NotFound) if choice.prunes else nullcontext():
            _delete(place, obj)


def _delete(place: Place, obj: Obj) -> None:
    from mltk.cli.get import address
    from mltk.tekton.objects import is_done

    kind, name = obj["kind"], obj["metadata"]["name"]
    try:
        place.backend.delete(kind, name, place.namespace)
    except Conflict as error:
        if kind not in RUNS or is_done(obj):
            raise
        hint = f"`{place.mltk(f'cancel {name}')}` ends it; then it can be deleted."
        raise Conflict(error.what, where=error.where, hint=hint) from None
    click.echo(f"{address(obj)} deleted")


def _check(targets: Targets, choice: _Choice) -> None:
    named = any(name is not None for _, name in targets)
    if named + bool(choice.selector) + choice.everything != 1:
        raise UsageError("give names, a selector (-l) or --all")
    if not choice.prunes:
        return
    kind = targets[0][0]
    if named or kind.kind not in RUNS:
        raise UsageError(
            "--keep and --keep-since are for many runs",
            hint="mltk delete pipelineruns --all --keep 20",
        )


def _chosen(place: Place, targets: Targets, choice: _Choice) -> list[Obj]:
    from mltk.cli.prune import expired

    named = [(kind, name) for kind, name in targets if name is not None]
    if named:
        return [get(place, kind.kind, name) for kind, name in named]
    found = list(place.backend.list(targets[0][0].kind, place.namespace, choice.selector))
    if not choice.prunes:
        return found
    now = datetime.now(UTC)
    return expired(found, keep=choice.keep, keep_since=choice.keep_since, now=now)
