"""The runs of a backend as a watch tells of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mltk.queueing.runs import Lane, QueuedRun, queued_run
from mltk.tekton.api import Event
from mltk.tekton.objects import uid_of


class View:
    """What a queue knows of all runs; of those that are over only whose turn was last.

    It is not to be judged by before it is `complete`.
    """

    def __init__(self) -> None:
        self.complete = False
        self._runs: dict[str, QueuedRun] = {}
        self._last: dict[Lane, str] = {}

    @property
    def runs(self) -> Collection[QueuedRun]:
        """The runs that wait or count, and the last one that was called of each queue."""
        return self._runs.values()

    def take(self, events: Iterable[Event]) -> bool:
        """Note what has changed; return whether that may change a decision."""
        changed = False
        for event in events:
            changed |= self._take(event)
        return changed

    def _take(self, event: Event) -> bool:
        if event.type in ("SYNCING", "SYNCED"):
            self.complete = event.type == "SYNCED"
            return True
        uid = uid_of(event.obj)
        found = queued_run(event.obj) if event.type != "DELETED" else None
        before = self._runs.pop(uid, None)
        if found is not None and (found.stage != "over" or self._is_last(found)):
            self._runs[uid] = found
        return self._runs.get(uid) != before

    def _is_last(self, run: QueuedRun) -> bool:
        """Whether no other run of its queue that is over was called later, which is forgotten."""
        if run.called is None:
            return False
        other = self._runs.get(self._last.get(run.lane, ""))
        if other is not None and other.called is not None and other.stage == "over":
            if other.called > run.called:
                return False
            del self._runs[other.uid]
        self._last[run.lane] = run.uid
        return True
