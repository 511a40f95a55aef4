"""Runs that others drive, seen through watches: nothing is asked for twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, Queue

from mltk.cli.engine import Observer
from mltk.cli.obstacle import explained, is_unexplained
from mltk.cli.parts import parts
from mltk.closing import Closing
from mltk.errors import MltkError, NotFound
from mltk.tekton.api import Backend, Event
from mltk.tekton.labels import PIPELINE_RUN
from mltk.tekton.objects import Obj, is_done, name_of, namespace_of, status_of, uid_of

# Events come some moments after the state that they explain.
_LATE_SECONDS = 1.0
_MOST_LOOKS = 5


def follow(
    backend: Backend,
    runs: Sequence[Obj],
    observe: Observer,
    *,
    hint: str = "mltk get pipelineruns",
) -> None:
    """Show `runs` and what they consist of as it changes, until all runs have ended.

    Raises NotFound, with `hint`, when one is deleted meanwhile, and what a watch raises.
    """
    pending = {uid_of(run) for run in runs}
    with _Watches(backend, runs) as watches:
        explain = _Explainer(backend)
        while pending:
            event = watches.next(_LATE_SECONDS if explain.late else None)
            if event is None:
                for obj in explain.again():
                    observe(obj)
                continue
            if event.type == "DELETED":
                _refuse_deleted(event.obj, pending, hint)
                continue
            watches.look_within(event.obj)
            observe(explain(event.obj))
            if is_done(event.obj):
                pending.discard(uid_of(event.obj))
    # The run may be seen to end before its last TaskRun is.
    for run in runs:
        newest = backend.get(run["kind"], name_of(run), namespace_of(run))
        for each in parts(backend, newest):
            observe(each.obj)


def _refuse_deleted(obj: Obj, pending: set[str], hint: str) -> None:
    if uid_of(obj) in pending:
        raise NotFound(f"{obj['kind']} '{name_of(obj)}' was deleted before it ended", hint=hint)


class _Watches(Closing):
    """The watches of some runs and of what they consist of, each in a thread, as one stream."""

    def __init__(self, backend: Backend, runs: Sequence[Obj]) -> None:
        self._backend = backend
        self._found: Queue[Event | Exception] = Queue()
        self._ended = threading.Event()
        self._runs = runs
        self._within: set[str] = set()

    def next(self, timeout: float | None) -> Event | None:
        """Wait for the next change; None when there is none in time."""
        try:
            found = self._found.get(timeout=timeout)
        except Empty:
            return None
        if isinstance(found, Exception):
            raise found
        return found

    def look_within(self, run: Obj) -> None:
        """Watch the runs that a PipelineRun has made, too."""
        for each in status_of(run).get("childReferences") or ():
            kind, name = each.get("kind", ""), each.get("name", "")
            if kind in ("CustomRun", "PipelineRun") and name not in self._within:
                self._within.add(name)
                made = {"kind": kind, "metadata": {"name": name, "namespace": namespace_of(run)}}
                self._watch([made])

    def __enter__(self) -> _Watches:
        self._watch(self._runs)
        return self

    def close(self) -> None:
        """Take no more changes."""
        # A watch cannot be woken from outside: its thread ends with its next change or with us.
        self._ended.set()

    def _watch(self, runs: Sequence[Obj]) -> None:
        for source in self._sources(runs):
            threading.Thread(target=self._pass_on, args=(source,), daemon=True).start()

    def _sources(self, runs: Sequence[Obj]) -> list[Callable[[], Iterable[Event]]]:
        def one(run: Obj) -> Callable[[], Iterable[Event]]:
            return lambda: self._backend.watch(run["kind"], namespace_of(run), name=name_of(run))

        def tasks(namespace: str, names: Sequence[str]) -> Callable[[], Iterable[Event]]:
            labels = f"{PIPELINE_RUN} in ({','.join(names)})"
            return lambda: self._backend.watch("TaskRun", namespace, labels)

        by_namespace: dict[str, list[str]] = {}
        for run in runs:
            if run["kind"] == "PipelineRun":
                by_namespace.setdefault(namespace_of(run), []).append(name_of(run))
        return [*map(one, runs), *(tasks(*each) for each in by_namespace.items())]

    def _pass_on(self, watch: Callable[[], Iterable[Event]]) -> None:
        try:
            for event in watch():
                if self._ended.is_set():
                    return
                self._found.put(event)
        except Exception as error:  # it is raised where the stream is read
            self._found.put(error)


class _Explainer:
    """Adds to TaskRuns what only the Events of their pods say, also when these come late."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._looks: dict[str, int] = {}
        self.late: dict[str, Obj] = {}

    def __call__(self, obj: Obj) -> Obj:
        """Return `obj`, with the words of an Event where it needs them."""
        self.late.pop(uid_of(obj), None)
        if obj["kind"] != "TaskRun" or not is_unexplained(obj):
            return obj
        found = explained(obj, self._events(obj))
        if found is obj and self._looks.get(uid_of(obj), 0) < _MOST_LOOKS:
            self.late[uid_of(obj)] = obj
        return found

    def again(self) -> list[Obj]:
        """Look once more for those whose Events had not come; return those that have them now."""
        waiting = list(self.late.values())
        for obj in waiting:
            self._looks[uid_of(obj)] = self._looks.get(uid_of(obj), 0) + 1
        return [found for obj in waiting if not is_unexplained(found := self(obj))]

    def _events(self, obj: Obj) -> Sequence[Obj]:
        try:
            return self._backend.events(obj)
        except MltkError:
            return ()  # who may not read Events still sees the run
