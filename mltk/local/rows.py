"""Objects as rows of the store's file; each change has a number of its own."""

from __future__ import annotations

from sqlite3 import Connection

from mltk.local.encoding import brief, dump, is_over
from mltk.tekton.objects import Obj

_DELETIONS_KEPT = 1000


def next_version(connection: Connection) -> int:
    """The number of the change that follows."""
    connection.execute("UPDATE counter SET value=value+1")
    return int(connection.execute("SELECT value FROM counter").fetchone()[0])


def add(connection: Connection, obj: Obj) -> None:
    """Write a new object, which takes on its resourceVersion; IntegrityError when one is there."""
    metadata, version = obj["metadata"], next_version(connection)
    metadata["resourceVersion"] = str(version)
    row = (
        obj["kind"], metadata["namespace"], metadata["name"], metadata["uid"], owner(metadata),
        version, version, is_over(obj), dump(metadata.get("labels") or {}), brief(obj), dump(obj),
    )  # fmt: skip
    connection.execute("INSERT INTO objects VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)


def remove(connection: Connection, obj: Obj) -> None:
    """Take an object away, and let those know who watch."""
    metadata = obj["metadata"]
    key = (obj["kind"], metadata["namespace"], metadata["name"])
    connection.execute("DELETE FROM objects WHERE kind=? AND namespace=? AND name=?", key)
    version = next_version(connection)
    connection.execute(
        "INSERT INTO deletions VALUES (?,?,?,?,?)",
        (version, key[0], key[1], dump(metadata.get("labels") or {}), dump(obj)),
    )
    connection.execute("DELETE FROM deletions WHERE version<=?", (version - _DELETIONS_KEPT,))


def owner(metadata: Obj) -> str | None:
    """The uid of what an object belongs to."""
    references = metadata.get("ownerReferences") or []
    return str(references[0]["uid"]) if references else None
