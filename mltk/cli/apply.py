"""`mltk apply -f`: make the store hold what the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import RUNS, namespace_option
from mltk.cli.documents import Document, filename_option, read_objects
from mltk.errors import NotFound, UsageError

if TYPE_CHECKING:
    from mltk.local.backend import LocalBackend
    from mltk.tekton.objects import Obj


@click.command("apply", **example("mltk apply -f tasks/", "mltk apply -f pipeline.yaml -n lab"))
@filename_option
@namespace_option
def command(filenames: tuple[str, ...], namespace: str) -> None:
    """Create definitions, or bring them up to date.

    That is Tasks, Pipelines, Secrets, ConfigMaps and claims. Runs are refused: they happen once,
    which is what `mltk create` is for.
    """
    from mltk.cli.get import address
    from mltk.cli.place import open_place

    located = read_objects(filenames)
    for each in located:
        if each.obj["kind"] in RUNS:
            raise UsageError(
                f"a {each.obj['kind']} cannot be applied",
                where=each.where,
                hint=f"mltk create -f {each.origin}",
            )
    backend = open_place(make=True).backend
    with backend.store.transaction():
        done = [_apply(backend, each, namespace) for each in located]
    for obj, what in done:
        click.echo(f"{address(obj)} {what}")


def _apply(backend: LocalBackend, document: Document, namespace: str) -> tuple[Obj, str]:
    obj = document.placed(namespace)
    name = obj["metadata"].get("name", "")
    with document.blamed():
        try:
            present = backend.get(obj["kind"], name, obj["metadata"]["namespace"])
        except NotFound:
            return backend.create(obj), "created"
        fresh = backend.store.update(obj)
    same = fresh["metadata"]["resourceVersion"] == present["metadata"]["resourceVersion"]
    return fresh, "unchanged" if same else "configured"
