"""The ledgers of windows in ConfigMaps: in the store of this machine and in a cluster alike.

A ConfigMap, because it is there wherever runs are, survives them, and needs no other server; a
run is made before its ledger is written, so that what dies in between is done again and not lost.
"""

from __future__ import annotations

import dataclasses

from mltk.cli.labels import MODEL, PROJECT
from mltk.cli.place import Place
from mltk.data.windows.ledger import Ledger, dumps, loads
from mltk.errors import Conflict, InfrastructureError, NotFound
from mltk.tekton.objects import Obj

_KEY = "ledger.json"


@dataclasses.dataclass(frozen=True)
class Kept:
    """A ledger and the version of the object that it was read from; empty for none yet."""

    ledger: Ledger
    version: str = ""


def object_name(project: str, model: str) -> str:
    """Name of the ConfigMap of a model; names of projects and models hold no dots."""
    return f"mltk-windows.{project}.{model}"


def read(place: Place, project: str, model: str) -> Kept:
    """The ledger of a model; an empty one when there is none yet."""
    name = object_name(project, model)
    try:
        found = place.backend.get("ConfigMap", name, place.namespace)
    except NotFound:
        return Kept(Ledger())
    try:
        ledger = loads((found.get("data") or {})[_KEY])
    except (KeyError, ValueError):
        raise InfrastructureError(
            "the ConfigMap does not hold what mltk knows of windows",
            where=name,
            hint=f"`{place.mltk(f'delete configmap {name}')}` forgets it; the next tick looks at"
            " all windows anew and trains none twice whose run is still there",
        ) from None
    return Kept(ledger, str(found["metadata"].get("resourceVersion", "")))


def write(place: Place, project: str, model: str, before: Kept, ledger: Ledger) -> None:
    """Keep the ledger, unless another one was kept since `before` was read: Conflict.

    Two that look at nearly the same moment find and make the same; that is no conflict.
    """
    if ledger == before.ledger:
        return
    name = object_name(project, model)
    data = {_KEY: dumps(ledger)}
    try:
        if not before.version:
            place.backend.create(_config_map(name, place.namespace, project, model, data))
            return
        patch: Obj = {"metadata": {"resourceVersion": before.version}, "data": data}
        place.backend.patch("ConfigMap", name, place.namespace, patch)
    except Conflict:
        theirs = read(place, project, model).ledger
        if dataclasses.replace(theirs, clock=ledger.clock) == ledger:
            return
        raise Conflict(
            f"another tick looked at the windows of '{model}' at the same moment",
            where=name,
            hint="nothing is lost: the next tick finds the runs that were made",
        ) from None


def _config_map(name: str, namespace: str, project: str, model: str, data: dict[str, str]) -> Obj:
    labels = {"app.kubernetes.io/part-of": "mltk", PROJECT: project, MODEL: model}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "data": data,
    }
