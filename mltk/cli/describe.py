"""`mltk describe`: one object in words."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from mltk.cli.app import example
from mltk.cli.arguments import get, named_targets, namespace_option, words_argument


@click.command(
    "describe",
    **example("mltk describe pr wine-x7k2p", "mltk describe task train-model"),
)
@words_argument(metavar="KIND NAME...")
@namespace_option
def command(words: tuple[str, ...], namespace: str) -> None:
    """Show an object with all that belongs to it.

    For a run: params, results, workspaces, its TaskRuns or steps, and what was skipped and why.
    """
    from mltk.cli.logs import children
    from mltk.cli.place import open_place
    from mltk.cli.portrait import portrait

    targets = named_targets(words)
    backend = open_place().backend
    now = datetime.now(UTC)
    texts = []
    for kind, name in targets:
        obj = get(backend, kind.kind, name, namespace)
        runs = children(backend, obj) if obj["kind"] == "PipelineRun" else []
        texts.append(portrait(obj, runs, now))
    click.echo("\n".join(texts), nl=False)
