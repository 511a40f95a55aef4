"""The embedded engine: drives PipelineRuns and TaskRuns of a store to their end.

One thread decides, `jobs` threads run TaskRuns. Everything that both need to know is in the store,
so that another process that patches a run (a cancel) is heard in the same way as a step that ends.
"""

from __future__ import annotations

import signal
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from mltk.errors import Conflict, InfrastructureError
from mltk.local import inmemory
from mltk.local.cache import Cache
from mltk.local.clock import SteadyClock
from mltk.local.context import ENGINE_FAILED, Context
from mltk.local.layout import Layout
from mltk.local.office import serving
from mltk.local.overflow import LOG_BYTES
from mltk.local.ownership import Ownership
from mltk.local.reading import DEFAULT_NAMESPACE, UnderWay
from mltk.local.recovery import end_run, take_over
from mltk.local.removal import Removal
from mltk.local.resolvers.requests import Requests
from mltk.local.runtime import Runtime
from mltk.local.session import Session
from mltk.local.store import Store
from mltk.tekton.managing import other_manager
from mltk.tekton.objects import Obj, address, uid_of

_TICK_SECONDS = 0.1
_GRACE_SECONDS = 3.0


def _ignore(obj: Obj) -> None:
    """See nothing."""


class Engine:
    """Drives runs with at most `jobs` TaskRuns at a time; `observer` sees each change of an object.

    `environment` says what besides spec and params makes a result, e.g. the versions of what steps
    use; it goes into the keys of the cache. A step that is to end gets SIGTERM and, `grace`
    seconds later, SIGKILL. Of a log at most `log_bytes` are kept. `observer` is called from several
    threads, one at a time.
    """

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        *,
        layout: Layout | None = None,
        jobs: int = 2,
        observer: Callable[[Obj], None] = _ignore,
        environment: str = "",
        cache: bool = True,
        grace: float = _GRACE_SECONDS,
        clock: SteadyClock | None = None,
        log_bytes: int = LOG_BYTES,
    ) -> None:
        layout = layout or Layout(store.database.path.parent)
        inmemory.sweep()
        self._jobs = jobs
        self._identifier = uuid.uuid4().hex
        self._interrupts = 0
        self._cache = Cache(layout.cache)
        self._clock = clock or SteadyClock()
        self._context = Context(
            store=store,
            layout=layout,
            runtime=runtime,
            observer=_serial(observer),
            clock=self._clock,
            ownership=Ownership(store.database),
            cache=self._cache if cache else None,
            environment=environment,
            grace=grace,
            requests=Requests(store, layout.root.parent, self._clock),
            removal=Removal(*layout.removed),
            log_bytes=log_bytes,
        )

    def run(
        self,
        names: Sequence[str],
        namespace: str = DEFAULT_NAMESPACE,
        *,
        kind: str = "PipelineRun",
        at_once: int | None = None,
    ) -> list[Obj]:
        """Drive the runs to their end and return them as they are then.

        At most `at_once` of them go on at a time, in the order of `names`; all without it.

        Raises NotFound, Conflict when another engine drives one of them or another controller is
        to, InfrastructureError when the store fails. SIGINT and SIGTERM cancel the runs: statuses
        are written, steps ended, then KeyboardInterrupt is raised; a second one does not wait for
        steps that take long.
        """
        store, ownership = self._context.store, self._context.ownership
        self._clock.settle()
        runs = [store.get(kind, name, namespace) for name in names]
        for run in runs:
            self._check_manager(run)
        with store.transaction():
            for run in runs:
                ownership.claim(uid_of(run), address(run), self._identifier)
        with self._signals():
            mine = [uid_of(run) for run in runs]
            session = Session(self._context, self._jobs, partial(self._adopt, mine))
            try:
                self._loop(session, deque(runs), at_once or len(runs))
            except InfrastructureError as error:
                session.close()
                self._give_up(runs, error)
                raise
            finally:
                session.close()
        ownership.release(mine)
        if self._context.cache is not None:
            self._cache.prune(self._context.clock().timestamp())
        if self._interrupts:
            raise KeyboardInterrupt
        wanted = {uid_of(run) for run in runs}
        return [run for run in session.finished() if uid_of(run) in wanted]

    def _check_manager(self, run: Obj) -> None:
        if manager := other_manager(run):
            self._context.ownership.release([uid_of(run)])  # whoever made it may have reserved it
            raise Conflict(
                f"{address(run)} is managed by '{manager}', which is to run it",
                hint="It is left alone here. Without `managedBy`, this engine runs it.",
            )

    def _adopt(self, mine: list[str], run: Obj) -> Obj:
        """Take a run in hand that one of this engine's has made."""
        self._context.ownership.claim(uid_of(run), address(run), self._identifier)
        mine.append(uid_of(run))
        return take_over(run, self._context.store)

    def serve(self, stop: threading.Event) -> None:
        """Drive every run that no living engine has, and those that come, until `stop` is set.

        Runs whose engine has died go on from where they were; the attempts of TaskRuns that it
        left have failed with the reason Interrupted. So have those that run when `stop` is set,
        and the next one to serve goes on with their runs. A run that is `managedBy` another
        controller is left to it. Raises Conflict when another process serves this store, which
        the message names, and InfrastructureError when the store fails.
        """
        ownership = self._context.ownership
        engine = ownership.take_office()
        session = Session(self._context, self._jobs)
        try:
            with serving(self._context.layout.office):
                self._tend(session, engine, stop)
        finally:
            session.interrupt()
            with suppress(InfrastructureError):
                ownership.leave_office(engine)

    def _tend(self, session: Session, engine: str, stop: threading.Event) -> None:
        store, ownership = self._context.store, self._context.ownership
        mark, seen = store.mark(), 0
        while not stop.is_set():
            for uid in (*ownership.orphans(), *map(_run_of, store.under_way(seen))):
                self._take_up(uid, session, engine)
            seen = mark.revision
            if not session.advance():
                self._clock.settle()
            ownership.release(session.drop_idle())
            mark = store.wait(mark, _TICK_SECONDS, minor=False)

    def _take_up(self, uid: str, session: Session, engine: str) -> None:
        """Take a run that nobody has."""
        store, ownership = self._context.store, self._context.ownership
        if uid in session:
            return
        run = store.by_uid(uid)
        if run is None:
            ownership.release([uid])
        elif not other_manager(run) and ownership.take(uid, engine):
            session.add(take_over(run, store))

    def _loop(self, session: Session, ahead: deque[Obj], at_once: int) -> None:
        store, handled = self._context.store, 0
        mark, mine = store.mark(), {uid_of(run) for run in ahead}
        self._begin(session, ahead, at_once)
        while session.advance() or ahead:
            if self._interrupts > handled:
                handled = self._interrupts
                self._begin(session, ahead, len(ahead))  # to be cancelled as the others are
                session.cancel(at_once=handled > 1)
            self._begin(session, ahead, at_once - session.under_way(mine))
            mark = store.wait(mark, _TICK_SECONDS, minor=False)

    def _begin(self, session: Session, ahead: deque[Obj], most: int) -> None:
        while ahead and most > 0:
            session.add(take_over(ahead.popleft(), self._context.store))
            most -= 1

    def _give_up(self, runs: Sequence[Obj], error: InfrastructureError) -> None:
        """Write why the runs end, if the store still takes it; else the next command does."""
        with suppress(InfrastructureError):
            for run in runs:
                text = f"the engine could not go on: {error.what}"
                end_run(uid_of(run), self._context.store, ENGINE_FAILED, text)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Note SIGINT and SIGTERM, so that they cannot tear a half done write apart."""
        self._interrupts = 0
        if threading.current_thread() is not threading.main_thread():
            yield  # Python gives signals to the main thread only
            return

        def note(*_: object) -> None:
            self._interrupts += 1

        old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)


def _run_of(found: UnderWay) -> str:
    """The uid of the run that an engine drives: a TaskRun goes with its PipelineRun."""
    return found.owner if found.kind == "TaskRun" and found.owner else found.uid


def _serial(observer: Callable[[Obj], None]) -> Callable[[Obj], None]:
    lock = threading.Lock()

    def observe(obj: Obj) -> None:
        with lock:
            observer(obj)

    return observe
