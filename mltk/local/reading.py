"""What is in the store, as it is now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mltk.errors import NotFound
from mltk.local.database import Database
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import Obj
from mltk.tekton.selectors import Labels, matcher

DEFAULT_NAMESPACE = "default"

Objects = list[Obj]


class UnderWay(NamedTuple):
    """A PipelineRun or TaskRun that has not ended; `owner` is the uid of what it belongs to."""

    uid: str
    kind: str
    owner: str


class Reader:
    """Reads objects; those that come back are the caller's own."""

    database: Database

    def get(self, kind: str, name: str, namespace: str = DEFAULT_NAMESPACE) -> Obj:
        """Return the object; NotFound when it is not there."""
        found = self.find(kind, name, namespace)
        if found is None:
            raise _not_found(kind, name, namespace)
        return found

    def find(self, kind: str, name: str, namespace: str = DEFAULT_NAMESPACE) -> Obj | None:
        """Return the object, None when it is not there."""
        rows = self.database.query(
            "SELECT body FROM objects WHERE kind=? AND namespace=? AND name=?",
            _key(kind, namespace, name),
        )
        return _load(rows[0][0]) if rows else None

    def named(self, kind: str, names: tuple[str, str], namespace: str) -> dict[str, Obj]:
        """Return those of two objects that are there, by name."""
        rows = self.database.query(
            "SELECT name, body FROM objects WHERE kind=? AND namespace=? AND name IN (?,?)",
            (kind, namespace, *names),
        )
        return {name: _load(body) for name, body in rows}

    def list(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Objects:
        """Return the objects of a kind, oldest first; all namespaces when none is named."""
        return self._listed("body", kind, namespace, labels)

    def summaries(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Objects:
        """Return the same objects with no more than a list shows of them (`encoding.brief`)."""
        return self._listed("brief", kind, namespace, labels)

    def dependants(self, owner_uid: str) -> Objects:
        """Return what names `owner_uid` as its owner, oldest first."""
        rows = self.database.query(
            "SELECT body FROM objects WHERE owner=? ORDER BY created", (owner_uid,)
        )
        return [_load(body) for (body,) in rows]

    def events(self, obj: Obj) -> Objects:
        """Return the Events about an object that are named after it, oldest first."""
        metadata = obj["metadata"]
        begins, ends = (metadata["name"] + mark for mark in "./")
        rows = self.database.query(
            "SELECT body FROM objects WHERE kind='Event' AND namespace=? AND name>=? AND name<?"
            " ORDER BY created",
            (metadata.get("namespace", ""), begins, ends),
        )
        found = [_load(body) for (body,) in rows]
        return [each for each in found if each["involvedObject"].get("uid") == metadata["uid"]]

    def children(self, owner_uid: str, since: int, known: Mapping[str, Obj]) -> tuple[Objects, int]:
        """Return what a run made for its tasks and changed after revision `since`, oldest first.

        One that is in `known`, by name, as it is now comes back from there. With them comes the
        newest revision that was looked at: what is read may be newer, and others as new as that.
        """
        rows = self.database.query(
            "SELECT kind, name, namespace, version FROM objects WHERE owner=? AND version>?"
            " AND kind IN ('TaskRun', 'CustomRun', 'PipelineRun') ORDER BY created",
            (owner_uid, since),
        )
        found = []
        for kind, name, namespace, version in rows:
            obj = known.get(name)
            if obj is None or obj["metadata"]["resourceVersion"] != str(version):
                obj = self.find(kind, name, namespace)
            if obj is not None:
                found.append(obj)
        return found, max((row[3] for row in rows), default=since)

    def under_way(self, since: int = 0) -> Sequence[UnderWay]:
        """Return the runs that have not ended and that changed after revision `since`."""
        rows = self.database.query(
            "SELECT uid, kind, coalesce(owner, '') FROM objects WHERE done=0 AND version>?"
            " ORDER BY created",
            (since,),
        )
        return [UnderWay(*row) for row in rows]

    def touched(self, since: int) -> tuple[set[str], int]:
        """Return the uids of what changed, came or went after `since`, and of its owners.

        With them comes the newest revision among them, or `since`.
        """
        rows = self.database.query(
            "SELECT version, uid, owner, NULL FROM objects WHERE version>:since UNION ALL"
            " SELECT version, NULL, NULL, body FROM deletions WHERE version>:since",
            {"since": since},
        )
        found = {uid for _, *uids, _ in rows for uid in uids if uid}
        for metadata in (_load(row[3])["metadata"] for row in rows if row[3]):
            owners = metadata.get("ownerReferences") or ()
            found |= {metadata["uid"], *(owner["uid"] for owner in owners)}
        return found, max((row[0] for row in rows), default=since)

    def exists(self, kind: str, name: str, namespace: str = DEFAULT_NAMESPACE) -> bool:
        """Whether the object is there."""
        sql = "SELECT 1 FROM objects WHERE kind=? AND namespace=? AND name=?"
        return bool(self.database.query(sql, _key(kind, namespace, name)))

    def is_owned(self, kind: str, name: str, namespace: str, owner_uid: str) -> bool:
        """Whether the object is there and names `owner_uid` as its owner."""
        sql = "SELECT 1 FROM objects WHERE kind=? AND namespace=? AND name=? AND owner=?"
        return bool(self.database.query(sql, (find_kind(kind).kind, namespace, name, owner_uid)))

    def newer(self, obj: Obj) -> Obj | None:
        """Return `obj` as it is now; the same one while nothing changed, None when it is gone."""
        metadata = obj["metadata"]
        rows = self.database.query(
            "SELECT version, CASE WHEN version=? THEN '' ELSE body END FROM objects"
            " WHERE kind=? AND namespace=? AND name=? AND uid=?",
            (
                int(metadata["resourceVersion"]), obj["kind"], metadata["namespace"],
                metadata["name"], metadata["uid"],
            ),
        )  # fmt: skip
        if not rows:
            return None
        return _load(rows[0][1]) if rows[0][1] else obj

    def by_uid(self, uid: str) -> Obj | None:
        """Return the object of that uid, None when it is not there."""
        rows = self.database.query("SELECT body FROM objects WHERE uid=?", (uid,))
        return _load(rows[0][0]) if rows else None

    @property
    def revision(self) -> int:
        """The number of the last change, by whichever process."""
        return int(self.database.query("SELECT value FROM counter")[0][0])

    def _listed(
        self, column: str, kind: str, namespace: str | None, labels: str | Labels | None
    ) -> Objects:
        known = find_kind(kind)
        values: tuple[Any, ...] = (known.kind,)
        where = "kind=?"
        if namespace is not None and known.namespaced:
            where, values = where + " AND namespace=?", (*values, namespace)
        chosen = f"{column}, labels" if labels else f"{column}, '{{}}'"
        sql = f"SELECT {chosen} FROM objects WHERE {where} ORDER BY created"  # noqa: S608
        look = self.database.query_many if column == "brief" else self.database.query
        rows = look(sql, values)
        if labels:
            matches = matcher(labels)
            rows = [row for row in rows if matches(json.loads(row[1]))]
        # One text is read faster than many.
        found: Objects = json.loads(f"[{','.join([text for text, _ in rows])}]")
        return found


def _not_found(kind: str, name: str, namespace: str) -> NotFound:
    known = find_kind(kind)
    return NotFound(
        f"there is no {known.kind} '{name}' in namespace '{namespace}'",
        hint=f"`mltk get {known.plural}` lists what there is.",
    )


def _key(kind: str, namespace: str, name: str) -> tuple[str, str, str]:
    """Where the store keeps an object."""
    known = find_kind(kind)
    return known.kind, known.place(namespace), name


def _load(text: str) -> Obj:
    loaded: Obj = json.loads(text)
    return loaded
