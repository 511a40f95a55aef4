"""Changes of objects as they happen, by whichever process."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mltk.local.selectors import Labels, Test, matcher
from mltk.local.store import Store
from mltk.tekton.api import Event
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import Obj

# An object that was made after the last look is new, whatever happened to it since.
_CHANGES = """
SELECT version, CASE WHEN created > :since THEN 'ADDED' ELSE 'MODIFIED' END, labels, body
FROM objects WHERE version > :since AND kind = :kind AND :namespace IN ('', namespace)
UNION ALL
SELECT version, 'DELETED', labels, body
FROM deletions WHERE version > :since AND kind = :kind AND :namespace IN ('', namespace)
ORDER BY version
"""


def watch(
    store: Store, kind: str, namespace: str | None = None, labels: str | Labels | None = None
) -> Iterator[Event]:
    """Yield what is there as ADDED, then each change, until the caller stops."""
    matches = matcher(labels)
    known = find_kind(kind).kind
    mark, seen = store.mark(), 0
    while True:
        # What changes after the mark may be seen twice, which a watch may do; nothing is missed.
        yield from _changes(store, known, namespace or "", seen, matches)
        seen = mark.revision
        while mark.revision == seen:
            mark = store.wait(mark)


def _changes(store: Store, kind: str, namespace: str, since: int, matches: Test) -> Iterator[Event]:
    rows = store.database.query(_CHANGES, {"since": since, "kind": kind, "namespace": namespace})
    for _, type_, labels, body in rows:
        if (type_ != "DELETED" or since) and matches(json.loads(labels)):
            obj: Obj = json.loads(body)
            yield Event(type_, obj)
