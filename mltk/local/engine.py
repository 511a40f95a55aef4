"""The embedded engine: drives PipelineRuns and TaskRuns of a store to their end.

One thread decides, `jobs` threads run TaskRuns. Everything that both need to know is in the store,
so that another process that patches a run (a cancel) is heard in the same way as a step that ends.
"""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from mltk.errors import InfrastructureError, NotFound
from mltk.local.cache import Cache
from mltk.local.context import ENGINE_FAILED, Context, Job
from mltk.local.driver import Driver, job_of
from mltk.local.execution import Execution
from mltk.local.layout import Layout
from mltk.local.ownership import Ownership
from mltk.local.reading import DEFAULT_NAMESPACE
from mltk.local.recovery import end_run
from mltk.local.runtime import Runtime
from mltk.local.sources import Tasks
from mltk.local.store import Store
from mltk.local.volumes import ensure_claims
from mltk.tekton.attempts import rejected, retried, retries_left
from mltk.tekton.creation import named_after
from mltk.tekton.objects import (
    Obj,
    address,
    is_done,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from mltk.tekton.verdicts import TaskRunRejected

_TICK_SECONDS = 0.1
_GRACE_SECONDS = 3.0
NO_TASK = "TaskRunResolutionFailed"  # tektoncd/pipeline, ReasonFailedResolution
_CANCELLED = {"PipelineRun": "Cancelled", "TaskRun": "TaskRunCancelled"}


def _ignore(obj: Obj) -> None:
    """See nothing."""


class Engine:
    """Drives runs with at most `jobs` TaskRuns at a time; `observer` sees each change of an object.

    `environment` says what besides spec and params makes a result, e.g. the versions of what steps
    use; it goes into the keys of the cache. A step that is to end gets SIGTERM and, `grace`
    seconds later, SIGKILL. `observer` is called from several threads, one at a time.
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
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        layout = layout or Layout(store.database.path.parent)
        self._jobs = jobs
        self._identifier = uuid.uuid4().hex
        self._interrupts = 0
        self._cache = Cache(layout.cache)
        self._context = Context(
            store=store,
            layout=layout,
            runtime=runtime,
            observer=_serial(observer),
            clock=clock,
            ownership=Ownership(store.database),
            cache=self._cache if cache else None,
            environment=environment,
            grace=grace,
        )

    def run(
        self,
        names: Sequence[str],
        namespace: str = DEFAULT_NAMESPACE,
        *,
        kind: str = "PipelineRun",
    ) -> list[Obj]:
        """Drive the runs to their end and return them as they are then.

        Raises NotFound, Conflict when another engine drives one of them, InfrastructureError when
        the store fails. SIGINT and SIGTERM cancel the runs: statuses are written, steps ended,
        then KeyboardInterrupt is raised; a second one does not wait for steps that take long.
        """
        store, ownership = self._context.store, self._context.ownership
        runs = [store.get(kind, name, namespace) for name in names]
        with store.transaction():
            for run in runs:
                ownership.claim(uid_of(run), address(run), self._identifier)
        with self._signals():
            session = _Session(self._context, self._jobs, runs)
            try:
                self._loop(session)
            except InfrastructureError as error:
                session.close()
                self._give_up(runs, error)
                raise
            finally:
                session.close()
        ownership.release(uid_of(run) for run in runs)
        if self._context.cache is not None:
            self._cache.prune(self._context.clock().timestamp())
        if self._interrupts:
            raise KeyboardInterrupt
        return session.finished()

    def _loop(self, session: _Session) -> None:
        store, handled = self._context.store, 0
        mark = store.mark()
        while session.advance():
            if self._interrupts > handled:
                handled = self._interrupts
                session.cancel(at_once=handled > 1)
            mark = store.wait(mark, _TICK_SECONDS)

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


class _Session:
    """The runs of one call, and the TaskRuns that are in the hands of a thread."""

    def __init__(self, context: Context, jobs: int, runs: Sequence[Obj]) -> None:
        self._context = context
        self._drivers = [Driver(run, context) for run in runs if run["kind"] == "PipelineRun"]
        self._single = {uid_of(run): run for run in runs if run["kind"] == "TaskRun"}
        self._executions: dict[str, tuple[Execution, Future[None]]] = {}
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="taskrun")

    def advance(self) -> bool:
        """Do what is to be done now; return whether anything is left."""
        now = self._context.clock()
        for driver in self._drivers:
            driver.advance(now)
            for task_run in driver.waiting:
                if (ended := self._start(task_run, driver.job)) is not None:
                    driver.keep(ended)
            if self._executions:
                self._follow(driver.task_runs, driver.gone)
        self._advance_single()
        self._collect()
        return bool(self._executions) or not (
            all(driver.done for driver in self._drivers)
            and all(map(is_done, self._single.values()))
        )

    def cancel(self, *, at_once: bool) -> None:
        """Cancel all runs as a patch by another process would; `at_once` kills the steps."""
        store = self._context.store
        for run in (*(driver.run for driver in self._drivers), *self._single.values()):
            patch = {"spec": {"status": _CANCELLED[run["kind"]]}}
            newest = store.newer(run)
            if newest is not None and not is_done(newest):
                store.patch(run["kind"], name_of(run), namespace_of(run), patch)
        for execution, _ in self._executions.values():
            if at_once:
                execution.kill()

    def finished(self) -> list[Obj]:
        """Return the runs that are still there."""
        runs = [driver.run for driver in self._drivers if not driver.gone]
        return runs + [run for run in self._single.values() if is_done(run)]

    def close(self) -> None:
        """End what still runs; nothing does unless the store has failed."""
        for execution, _ in self._executions.values():
            execution.cancel()
        self._pool.shutdown(cancel_futures=True)

    def _start(self, task_run: Obj, job: Callable[[Obj], Job]) -> Obj | None:
        """Give a TaskRun to a thread, unless one has it; return it when it has ended at once."""
        if uid_of(task_run) in self._executions:
            return None
        try:
            found = job(task_run)
        except NotFound as error:
            place = f"{namespace_of(task_run)}/{name_of(task_run)}"
            text = f"error when getting Task for taskRun {place}: {error.what}"
            self._reject(task_run, TaskRunRejected(NO_TASK, text), named_after({}, task_run))
            return None
        if found.refusal is not None:
            self._reject(task_run, found.refusal, found.metadata)
            return None
        execution = Execution(found, self._context)
        if (ended := execution.restore()) is not None:
            return ended
        future = self._pool.submit(execution.run)
        # The last write of a TaskRun comes a little before its thread is free.
        future.add_done_callback(lambda _: self._context.store.nudge())
        self._executions[uid_of(task_run)] = execution, future
        return None

    def _reject(self, task_run: Obj, refusal: TaskRunRejected, metadata: Obj) -> None:
        """End a TaskRun before its first step, once for each time that it may be tried."""
        now = self._context.clock()
        status = rejected(status_of(task_run), refusal.reason, refusal.message, now)
        while retries_left(task_run, status):
            status = rejected(retried(status, now), refusal.reason, refusal.message, now)
        self._context.observer(self._context.store.set_status(task_run, status, metadata))

    def _follow(self, task_runs: Sequence[Obj], gone: bool) -> None:
        for task_run in task_runs:
            found = self._executions.get(uid_of(task_run))
            if found and (gone or spec_of(task_run).get("status") == _CANCELLED["TaskRun"]):
                found[0].cancel()

    def _advance_single(self) -> None:
        store = self._context.store
        for uid, run in list(self._single.items()):
            newest = store.newer(run)
            if newest is None:
                self._follow([run], gone=True)
                del self._single[uid]
                continue
            self._single[uid] = newest
            if not is_done(newest):
                ensure_claims(newest, [newest], store)
                tasks = Tasks(store, namespace_of(newest))
                self._start(newest, partial(job_of, tasks=tasks))
            self._follow([newest], gone=False)

    def _collect(self) -> None:
        for uid, (execution, future) in list(self._executions.items()):
            if future.done():
                future.result()
                del self._executions[uid]
                for driver in self._drivers:
                    driver.forget_deleted(uid)
            else:
                execution.check()


def _serial(observer: Callable[[Obj], None]) -> Callable[[Obj], None]:
    lock = threading.Lock()

    def observe(obj: Obj) -> None:
        with lock:
            observer(obj)

    return observe
