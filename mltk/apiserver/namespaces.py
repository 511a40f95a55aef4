"""Namespaces: ``default``, those that were made, and those in which something lies."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable

from mltk.apiserver.collections import Change, Stored, View, labels_text
from mltk.local.encoding import dump
from mltk.local.reading import DEFAULT_NAMESPACE
from mltk.local.store import Store
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import Obj, name_of

_NAME = "kubernetes.io/metadata.name"


class Namespaces(View):
    """A store keeps objects by namespace, and so its Namespaces lie in ``default``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stored = Stored(store, find_kind("Namespace"))

    def exists(self, name: str) -> bool:
        """Whether objects may be made in it."""
        return self.find("", name) is not None

    def objects(self, namespace: str) -> Iterable[Obj]:  # noqa: ARG002  (has none)
        """All Namespaces."""
        rows = self._stored.rows(DEFAULT_NAMESPACE, "", None, -1, ())
        made = {row.name: as_namespace(json.loads(row.text)) for row in rows}
        used = self._store.database.query(
            "SELECT namespace, MIN(json_extract(body, '$.metadata.creationTimestamp'))"
            " FROM objects WHERE kind<>'Namespace' GROUP BY namespace"
        )
        implied = [_implied(name, since) for name, since in used if name not in made]
        return [*made.values(), *implied]

    def changes(self, since: int, namespace: str, name: str) -> Iterable[Change]:  # noqa: ARG002
        """What happened to those that were made."""
        for change in self._stored.changes(since, DEFAULT_NAMESPACE, name):
            obj = as_namespace(json.loads(change.text))
            yield change._replace(namespace="", labels=labels_text(obj), text=dump(obj))


def as_namespace(stored: Obj) -> Obj:
    """A Namespace as clients see it."""
    metadata = {key: stored["metadata"][key] for key in stored["metadata"] if key != "namespace"}
    labels = {_NAME: name_of(stored), **(metadata.get("labels") or {})}
    return {
        **stored,
        "metadata": {**metadata, "labels": labels},
        "spec": {"finalizers": ["kubernetes"], **(stored.get("spec") or {})},
        "status": {"phase": "Active"},
    }


def _implied(name: str, since: str) -> Obj:
    """A namespace that nobody made, but in which something lies since then."""
    metadata = {
        "name": name,
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"namespace/{name}")),
        "resourceVersion": "1",
        "creationTimestamp": since,
    }
    return as_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
