"""The Tasks and Pipelines that ship with mltk, put into the store when they are needed there."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import click

from mltk.errors import NotFound
from mltk.tekton.objects import Obj, annotations_of, name_of

if TYPE_CHECKING:
    from mltk.local.backend import LocalBackend

# On objects that came from here: what they were. One that was applied by hand has none.
_SHIPPED = "mltk.dev/shipped"


def install(backend: LocalBackend, namespace: str) -> None:
    """Bring the shipped manifests into `namespace`; those that the user applied are left alone."""
    from mltk.project.compile import manifests

    for manifest in manifests():
        _install(backend, _marked(manifest, namespace))


def _install(backend: LocalBackend, obj: Obj) -> None:
    kind, name, namespace = obj["kind"], name_of(obj), obj["metadata"]["namespace"]
    try:
        present = backend.get(kind, name, namespace)
    except NotFound:
        backend.create(obj)
        return
    mark = annotations_of(present).get(_SHIPPED)
    if mark is None:
        click.echo(
            f"note: using your own {kind} {name}; back to the shipped one:"
            f" mltk delete {kind.lower()} {name}",
            err=True,
        )
    elif mark != annotations_of(obj)[_SHIPPED]:
        backend.store.update(obj)


def _marked(manifest: Obj, namespace: str) -> Obj:
    text = json.dumps(manifest, sort_keys=True)
    metadata = dict(manifest["metadata"])
    metadata["namespace"] = namespace
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        _SHIPPED: hashlib.sha256(text.encode()).hexdigest()[:16],
    }
    return {**manifest, "metadata": metadata}
