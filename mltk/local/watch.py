"""Changes of objects as they happen, by whichever process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from mltk.local.abandonment import recover
from mltk.local.store import Mark, Store
from mltk.tekton.api import Event
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import Obj, name_of
from mltk.tekton.selectors import Labels, Test, matcher

# An object that was made after the last look is new, whatever happened to it since.
_CHANGES = """
SELECT version, CASE WHEN created > :since THEN 'ADDED' ELSE 'MODIFIED' END, labels, body
FROM objects WHERE version > :since AND kind = :kind AND :namespace IN ('', namespace)
  AND :name IN ('', name)
UNION ALL
SELECT version, 'DELETED', labels, body
FROM deletions WHERE version > :since AND kind = :kind AND :namespace IN ('', namespace)
ORDER BY version
"""


def watch(
    store: Store,
    kind: str,
    namespace: str | None = None,
    labels: str | Labels | None = None,
    *,
    name: str | None = None,
    timeout: float | None = None,
    marks: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """Yield what is there as ADDED, then each change, until the caller stops or time is up.

    Ends the runs whose process has died: nobody else would change them, and who waits would hang.
    """
    matches = matcher(labels)
    found = find_kind(kind)
    place = namespace if found.namespaced else None
    wanted = {"kind": found.kind, "namespace": place or "", "name": name or ""}
    deadline = None if timeout is None else clock() + timeout
    mark: Mark | None = store.mark()
    seen, telling = 0, marks
    while mark is not None:
        if telling:
            yield Event("SYNCING", {})
        for version, event in _changes(store, wanted, seen, matches):
            # It may be newer than the mark, and is not to be seen again.
            seen = version
            yield event
        if telling:
            yield Event("SYNCED", {})
        telling = False
        seen = max(seen, mark.revision)
        mark = _next(store, mark, deadline, clock)


def _next(
    store: Store, mark: Mark, deadline: float | None, clock: Callable[[], float]
) -> Mark | None:
    """Wait for a newer revision; None when time is up."""
    seen = mark.revision
    while mark.revision == seen:
        if deadline is not None and clock() >= deadline:
            return None
        mark = store.wait(mark)
        recover(store)
    return mark


def _changes(
    store: Store, wanted: dict[str, str], since: int, matches: Test
) -> Iterator[tuple[int, Event]]:
    for version, type_, labels, body in store.database.query(_CHANGES, {"since": since, **wanted}):
        if (type_ != "DELETED" or since) and matches(json.loads(labels)):
            obj: Obj = json.loads(body)
            if wanted["name"] in ("", name_of(obj)):
                yield version, Event(type_, obj)
