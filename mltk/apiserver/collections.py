"""Where the objects of a resource are read from: the store, as JSON text that needs no parsing."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from mltk.local.encoding import dump
from mltk.local.store import Store
from mltk.tekton.kinds import Kind
from mltk.tekton.objects import Obj

Key = tuple[str, str]
"""Namespace and name, in which order objects are listed."""

_FORGOTTEN = "SELECT MAX(version) FROM deletions"
_KEPT = 1000  # deletions that the store remembers

# An object that was made after the last look is new, whatever happened to it since.
_CHANGES = """
SELECT version, CASE WHEN created > :since THEN 'ADDED' ELSE 'MODIFIED' END,
  namespace, name, uid, labels, body
FROM objects WHERE version > :since AND kind = :kind AND :namespace IN ('', namespace)
  AND :name IN ('', name)
UNION ALL
SELECT version, 'DELETED', namespace, json_extract(body, '$.metadata.name'),
  json_extract(body, '$.metadata.uid'), labels,
  json_set(body, '$.metadata.resourceVersion', CAST(version AS TEXT))
FROM deletions WHERE version > :since AND kind = :kind AND :namespace IN ('', namespace)
  AND :name IN ('', json_extract(body, '$.metadata.name'))
ORDER BY version
"""


class Row(NamedTuple):
    """An object as `text`; with paths asked for, as `parts` has it."""

    namespace: str
    name: str
    labels: str
    text: str


class Change(NamedTuple):
    """A change; `type` is ADDED, MODIFIED or DELETED, `text` the object as it then is."""

    version: int
    type: str
    namespace: str
    name: str
    uid: str
    labels: str
    text: str


class Collection(Protocol):
    """The objects of one resource. An empty namespace stands for all of them."""

    def find(self, namespace: str, name: str) -> str | None:
        """The object, None when it is not there."""

    def rows(
        self, namespace: str, name: str, after: Key | None, limit: int, paths: Sequence[str]
    ) -> Sequence[Row]:
        """Objects after a key, in their order; as many as there are with `limit` -1."""

    def count(self, namespace: str, after: Key) -> int:
        """How many come after a key."""

    def changes(self, since: int, namespace: str, name: str) -> Iterable[Change]:
        """What happened after a version, in its order."""


class Stored:
    """Objects that the store keeps as they are."""

    def __init__(self, store: Store, kind: Kind) -> None:
        self._store = store
        self._kind = kind.kind

    def find(self, namespace: str, name: str) -> str | None:
        """The object, None when it is not there."""
        rows = self._store.database.query(
            "SELECT body FROM objects WHERE kind=? AND namespace=? AND name=?",
            (self._kind, namespace, name),
        )
        return str(rows[0][0]) if rows else None

    def rows(
        self, namespace: str, name: str, after: Key | None, limit: int, paths: Sequence[str]
    ) -> Sequence[Row]:
        """Objects after a key, in their order."""
        wanted = ", ".join(f"'{path}'" for path in paths)
        parts = "json_extract(body, '$.metadata') || char(10) || json_extract(body, "
        text = f"{parts}{wanted})" if paths else "body"
        sql = f"SELECT namespace, name, labels, {text} FROM objects WHERE kind=?"  # noqa: S608
        values: list[str | int] = [self._kind]
        for column, value in (("namespace", namespace), ("name", name)):
            if value:
                sql += f" AND {column}=?"
                values.append(value)
        if after is not None:
            more, place = _after(namespace, after)
            sql += more
            values += place
        sql += " ORDER BY namespace, name LIMIT ?"
        return [Row(*row) for row in self._store.database.query(sql, (*values, limit))]

    def count(self, namespace: str, after: Key) -> int:
        """How many come after a key."""
        more, place = _after(namespace, after)
        sql = f"SELECT COUNT(*) FROM objects WHERE kind=?{more}"  # noqa: S608
        if namespace:
            sql, place = f"{sql} AND namespace=?", (*place, namespace)
        return int(self._store.database.query(sql, (self._kind, *place))[0][0])

    def changes(self, since: int, namespace: str, name: str) -> Iterable[Change]:
        """What happened after a version, in its order."""
        wanted = {"since": since, "kind": self._kind, "namespace": namespace, "name": name}
        return [Change(*row) for row in self._store.database.query(_CHANGES, wanted)]


class View(ABC):
    """Objects that are made of others when somebody asks; there are never many at a time."""

    @abstractmethod
    def objects(self, namespace: str) -> Iterable[Obj]:
        """All objects, those of a namespace if one is named."""

    def find(self, namespace: str, name: str) -> str | None:
        """The object, None when it is not there."""
        for row in self.rows(namespace, name, None, -1, ()):
            return row.text
        return None

    def rows(
        self, namespace: str, name: str, after: Key | None, limit: int, paths: Sequence[str]
    ) -> Sequence[Row]:
        """Objects after a key, in their order."""
        wanted = [
            obj
            for obj in self.objects(namespace)
            if name in ("", obj["metadata"]["name"]) and (after is None or key_of(obj) > after)
        ]
        found = sorted(wanted, key=key_of)
        shown = found if limit < 0 else found[:limit]
        return [
            Row(*key_of(obj), labels_text(obj), parts(obj, paths) if paths else dump(obj))
            for obj in shown
        ]

    def count(self, namespace: str, after: Key) -> int:
        """How many come after a key."""
        return sum(key_of(obj) > after for obj in self.objects(namespace))


class ClusterWide(View):
    """Objects of a kind that lies in no namespace, though the store keeps them in one."""

    def __init__(self, store: Store, kind: Kind) -> None:
        self._stored = Stored(store, kind)

    def objects(self, namespace: str) -> Iterable[Obj]:  # noqa: ARG002  (has none)
        """All objects of the kind."""
        return [unplaced(json.loads(row.text)) for row in self._stored.rows("", "", None, -1, ())]

    def changes(self, since: int, namespace: str, name: str) -> Iterable[Change]:  # noqa: ARG002
        """What happened after a version, in its order."""
        for change in self._stored.changes(since, "", name):
            yield change._replace(namespace="", text=dump(unplaced(json.loads(change.text))))


def unplaced(obj: Obj) -> Obj:
    """An object without the namespace in which the store keeps it."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "namespace"}
    return {**obj, "metadata": metadata}


def _after(namespace: str, key: Key) -> tuple[str, tuple[str, ...]]:
    """What follows a key; within a namespace in the words that let SQLite go on in its index."""
    if namespace:
        return " AND name > ?", key[1:]
    return " AND (namespace, name) > (?, ?)", key


def key_of(obj: Obj) -> Key:
    """Where an object stands in a list."""
    metadata = obj["metadata"]
    return str(metadata.get("namespace", "")), str(metadata["name"])


def labels_text(obj: Obj) -> str:
    """The labels of an object as JSON."""
    return json.dumps(obj["metadata"].get("labels") or {})


def horizon(store: Store) -> int:
    """The oldest version from which all changes are still known."""
    last = store.database.query(_FORGOTTEN)[0][0]
    return max(0, int(last or 0) - _KEPT)


def parts(obj: Obj, paths: Sequence[str]) -> str:
    """The metadata and, on the next line, the list of what stands at the paths, as JSON."""
    return f"{dump(obj['metadata'])}\n{dump([_at(obj, path) for path in paths])}"


def _at(obj: Obj, path: str) -> object:
    found: object = obj
    for part in filter(None, path.removeprefix("$").split(".")):
        found = found.get(part) if isinstance(found, dict) else None
    return found
