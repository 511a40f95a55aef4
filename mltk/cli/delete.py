"""`mltk delete`: objects, with what they own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import get, namespace_option, parse_targets, words_argument
from mltk.errors import UsageError

if TYPE_CHECKING:
    from mltk.local.backend import LocalBackend
    from mltk.tekton.kinds import Kind
    from mltk.tekton.objects import Obj


@click.command(
    "delete",
    **example(
        "mltk delete pr wine-x7k2p",
        "mltk delete pipelineruns -l mltk.dev/model=wine",
        "mltk delete taskruns --all",
    ),
)
@words_argument()
@namespace_option
@click.option("-l", "--selector", default="", help="Those whose labels match.")
@click.option("--all", "everything", is_flag=True, help="All objects of the kind.")
def command(words: tuple[str, ...], namespace: str, selector: str, everything: bool) -> None:
    """Delete objects and all that they own.

    With a run go its TaskRuns, volumes and logs; registered models stay. A run that is still
    running is refused; cancel it first.
    """
    from mltk.cli.get import address
    from mltk.cli.place import open_place

    targets = parse_targets(words)
    backend = open_place().backend
    objects = _chosen(backend, targets, namespace, selector, everything)
    for obj in objects:
        backend.delete(obj["kind"], obj["metadata"]["name"], namespace)
        click.echo(f"{address(obj)} deleted")


def _chosen(
    backend: LocalBackend,
    targets: list[tuple[Kind, str | None]],
    namespace: str,
    selector: str,
    everything: bool,
) -> list[Obj]:
    named = [(kind, name) for kind, name in targets if name is not None]
    if bool(named) + bool(selector) + everything != 1:
        raise UsageError("give names, a selector (-l) or --all")
    if named:
        return [get(backend, kind.kind, name, namespace) for kind, name in named]
    return list(backend.list(targets[0][0].kind, namespace, selector))
