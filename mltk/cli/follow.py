"""Runs that others drive, seen through watches: nothing is asked for twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, Queue

from mltk.cli.engine import Observer
from mltk.cli.obstacle import explained, is_unexplained
from mltk.errors import MltkError, NotFound
from mltk.tekton.api import Backend, Event
from mltk.tekton.labels import PIPELINE_RUN
from mltk.tekton.objects import Obj, is_done, name_of, namespace_of, uid_of

# Events come some moments after the state that they explain.
_LATE_SECONDS = 1.0
_MOST_LOOKS = 5


def children(backend: Backend, run: Obj) -> list[Obj]:
    """The TaskRuns of a PipelineRun in the order in which they were made; a TaskRun is its own."""
    if run["kind"] == "TaskRun":
        return [run]
    labels = {PIPELINE_RUN: name_of(run)}
    return list(backend.list("TaskRun", namespace_of(run), labels))


def follow(
    backend: Backend,
    runs: Sequence[Obj],
    observe: Observer,
    *,
    hint: str = "mltk get pipelineruns",
) -> None:
    """Show `runs` and their TaskRuns as they change, until all runs have ended.

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
            observe(explain(event.obj))
            if is_done(event.obj):
                pending.discard(uid_of(event.obj))
    # The run may be seen to end before its last TaskRun is.
    for run in runs:
        for obj in children(backend, run):
            observe(obj)


def _refuse_deleted(obj: Obj, pending: set[str], hint: str) -> None:
    if uid_of(obj) in pending:
        raise NotFound(f"{obj['kind']} '{name_of(obj)}' was deleted before it ended", hint=hint)


class _Watches:
    """The watches of some runs and of their TaskRuns, each in a thread, as one stream."""

    def __init__(self, backend: Backend, runs: Sequence[Obj]) -> None:
        self._backend = backend
        self._found: Queue[Event | Exception] = Queue()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._pass_on, args=(watch,), daemon=True)
            for watch in self._sources(runs)
        ]

    def next(self, timeout: float | None) -> Event | None:
        """Wait for the next change; None when there is none in time."""
        try:
            found = self._found.get(timeout=timeout)
        except Empty:
            return None
        if isinstance(found, Exception):
            raise found
        return found

    def __enter__(self) -> _Watches:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A watch cannot be woken from outside: its thread ends with its next change or with us.
        self._ended.set()

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
