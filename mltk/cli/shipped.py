"""The Tasks and Pipelines that ship with mltk, put into the store when they are needed there."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from mltk.errors import NotFound
from mltk.tekton.objects import Obj, annotations_of, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mltk.local.backend import LocalBackend
    from mltk.local.layout import Layout
    from mltk.project.arriving import Arrival

# On objects that came from here: what they were. One that was applied by hand has none.
_SHIPPED = "mltk.dev/shipped"


def install(backend: LocalBackend, namespace: str) -> None:
    """Bring the shipped manifests into `namespace`; those that the user applied are left alone."""
    from mltk.project.compile import manifests

    for manifest in manifests():
        _install(backend, _marked(manifest, namespace))


def install_triggers(backend: LocalBackend, namespace: str) -> None:
    """Bring the shipped triggers, and the Task that they start, into `namespace`.

    The Task is told, as the chart tells it its values, where runs are made: in this very store,
    which it alone of all Tasks may open.
    """
    from mltk.project.compile import trigger_manifests

    install(backend, namespace)
    for manifest in trigger_manifests():
        if manifest["kind"] == "Task":
            manifest = _of_this_store(manifest, backend.layout)
        _install(backend, _marked(manifest, namespace))


def install_arrivals(
    backend: LocalBackend, namespace: str, root: Path, settings: Sequence[Arrival]
) -> None:
    """Bring in the triggers for data that arrive, for the project in the folder `root`.

    Its Task is told where the project is, and may write there; the folders that data come from it
    may see. How long a burst is waited for says mltk.yaml: here it is at hand.
    """
    from mltk.project.arriving import seconds
    from mltk.project.compile import arrival_manifests

    folders = [each.place.removeprefix("file://") for each in settings if each.is_folder]
    told = {
        "repo-url": str(root),
        "quiet-period": max((each.quiet_period for each in settings), key=seconds),
        "longest-wait": max((each.longest_wait for each in settings), key=seconds),
    }
    for manifest in arrival_manifests():
        if manifest["kind"] == "Task":
            manifest = _with_folders(manifest, [str(root), *folders])
        elif manifest["kind"] == "TriggerBinding":
            given = [each for each in manifest["spec"]["params"] if each["name"] not in told]
            given += [{"name": name, "value": value} for name, value in told.items()]
            manifest = {**manifest, "spec": {**manifest["spec"], "params": given}}
        _install(backend, _marked(manifest, namespace))


def remove_arrivals(backend: LocalBackend, namespace: str) -> None:
    """Take out what install_arrivals brought: an event would be taken, and its run would fail.

    What the user applied stays.
    """
    from mltk.project.compile import arrival_manifests

    for manifest in arrival_manifests():
        kind, name = manifest["kind"], name_of(manifest)
        with suppress(NotFound):
            if _SHIPPED in annotations_of(backend.get(kind, name, namespace)):
                backend.delete(kind, name, namespace)


def _with_folders(task: Obj, folders: Sequence[str]) -> Obj:
    """ingest-data with folders of this machine at their own places."""
    named = {f"folder-{number}": path for number, path in enumerate(dict.fromkeys(folders))}
    volumes = [{"name": name, "hostPath": {"path": path}} for name, path in named.items()]
    mounts = [{"name": name, "mountPath": path} for name, path in named.items()]
    spec = task["spec"]
    steps = [{**each, "volumeMounts": mounts} for each in spec["steps"]]
    return {**task, "spec": {**spec, "steps": steps, "volumes": volumes}}


def _of_this_store(task: Obj, layout: Layout) -> Obj:
    """start-runs with the folder of the store as default of `on`, and the store's files mounted."""
    spec = task["spec"]
    on = f"local:{layout.root.parent.absolute()}"
    params = [{**each, "default": on} if each["name"] == "on" else each for each in spec["params"]]
    state = layout.state.absolute()
    names = {f"state{end}": f"{state}{end}" for end in ("", "-wal", "-shm")}
    names["office"] = str(layout.office.absolute())  # it asks whether anybody serves the store
    mounts = [{"name": name, "mountPath": path} for name, path in names.items()]
    *others, start = spec["steps"]
    volumes = [
        {"name": name, "hostPath": {"path": path, "type": "File"}} for name, path in names.items()
    ]
    steps = [*others, {**start, "volumeMounts": mounts}]
    return {**task, "spec": {**spec, "params": params, "steps": steps, "volumes": volumes}}


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
