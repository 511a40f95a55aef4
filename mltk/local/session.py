"""The runs that an engine has in hand, moved on whenever something about them has changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from mltk.errors import NotFound
from mltk.local.context import Context, Job
from mltk.local.driver import Driver
from mltk.local.execution import Execution
from mltk.local.jobs import job_of
from mltk.local.recovery import end_strays
from mltk.local.settings import read_config
from mltk.local.sources import Tasks
from mltk.local.volumes import ensure_claims
from mltk.tekton import attempts
from mltk.tekton.creation import named_after
from mltk.tekton.objects import (
    Obj,
    is_done,
    name_of,
    namespace_of,
    reason,
    spec_of,
    status_of,
    uid_of,
)
from mltk.tekton.remote import (
    NO_TASK,
    StillResolving,
    Unresolved,
    task_run_refusal,
)
from mltk.tekton.verdicts import TaskRunRejected

CANCELLED = {"PipelineRun": "Cancelled", "TaskRun": "TaskRunCancelled"}


class Session:
    """The runs of an engine, and the TaskRuns that are in the hands of a thread.

    A run that nothing happens to costs nothing: only what changed is looked at, and what time
    changes. PipelineRuns that a run makes are taken in hand as `adopt` gives them back; without it
    they are for the caller to find.
    """

    def __init__(
        self, context: Context, jobs: int, adopt: Callable[[Obj], Obj] | None = None
    ) -> None:
        self._context = context
        self._adopt = adopt
        self._drivers: dict[str, Driver] = {}
        self._single: dict[str, Obj] = {}
        self._executions: dict[str, tuple[Execution, Future[None], str]] = {}
        self._busy: dict[str, set[str]] = {}
        self._ran: dict[str, set[str]] = {}
        self._fresh: set[str] = set()
        self._seen = context.store.revision
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="taskrun")

    def __contains__(self, uid: str) -> bool:
        return uid in self._drivers or uid in self._single

    def add(self, run: Obj) -> None:
        """Take a run in hand."""
        uid = uid_of(run)
        self._fresh.add(uid)
        if run["kind"] == "PipelineRun":
            self._drivers[uid] = Driver(run, self._context)
        else:
            self._single[uid] = run

    def advance(self) -> bool:
        """Do what is to be done now; return whether anything is left."""
        touched, now = self._touched(), self._context.clock()
        for uid, driver in list(self._drivers.items()):
            if uid in touched or driver.due(now):
                driver.advance(now)
                for task_run in driver.waiting:
                    if (ended := self._start(task_run, driver.job, uid)) is not None:
                        driver.keep(ended)
                self._follow(uid, driver)
                self._take_in(driver)
        for uid in touched & self._single.keys():
            self._advance_single(uid)
        self._collect()
        return bool(self._executions) or not (
            all(driver.done for driver in self._drivers.values())
            and all(map(is_done, self._single.values()))
        )

    def under_way(self, uids: Collection[str]) -> int:
        """How many of these runs are in hand and have not ended."""
        drivers = (each for uid, each in self._drivers.items() if uid in uids)
        single = (each for uid, each in self._single.items() if uid in uids)
        return sum(not each.done for each in drivers) + sum(not is_done(each) for each in single)

    def cancel(self, *, at_once: bool) -> None:
        """Cancel all runs as a patch by another process would; `at_once` kills the steps."""
        store = self._context.store
        for run in self._runs():
            patch = {"spec": {"status": CANCELLED[run["kind"]]}}
            newest = store.newer(run)
            if newest is not None and not is_done(newest):
                store.patch(run["kind"], name_of(run), namespace_of(run), patch)
        for execution, _, _ in self._executions.values():
            if at_once:
                execution.kill()

    def finished(self) -> list[Obj]:
        """Return the runs that are still there."""
        runs = [driver.run for driver in self._drivers.values() if not driver.gone]
        return runs + [run for run in self._single.values() if is_done(run)]

    def drop_idle(self) -> list[str]:
        """Let go of runs that need no engine now, as ended and pending ones; return their uids."""
        idle = [
            uid for uid, driver in self._drivers.items() if driver.done or _is_pending(driver.run)
        ]
        idle += [uid for uid, run in self._single.items() if _rests(run)]
        idle = [uid for uid in idle if uid not in self._fresh and not self._busy.get(uid)]
        self._sweep(idle)
        for uid in idle:
            for known in (self._drivers, self._single, self._busy):
                known.pop(uid, None)
        return idle

    def interrupt(self) -> None:
        """End the steps, and leave the runs to whoever takes them up."""
        for execution, _, _ in self._executions.values():
            execution.interrupt()
        self._wind_up()

    def close(self) -> None:
        """End what still runs; nothing does unless the store has failed."""
        for execution, _, _ in self._executions.values():
            execution.cancel()
        self._wind_up()

    def _wind_up(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._context.requests.close()
        self._context.removal.finish()
        self._sweep(list(self._ran))

    def _sweep(self, run_uids: Sequence[str]) -> None:
        """End what the steps of runs have left behind; a container leaves nothing.

        Not after each TaskRun, since looking for it costs more than many a step.
        """
        left = [uid for run_uid in run_uids for uid in self._ran.pop(run_uid, ())]
        if left and not self._context.runtime.real_paths:
            end_strays(left)

    def _touched(self) -> set[str]:
        fresh, self._fresh = self._fresh, set()
        touched, self._seen = self._context.store.touched(self._seen)
        return fresh | touched

    def _runs(self) -> Sequence[Obj]:
        return [*(driver.run for driver in self._drivers.values()), *self._single.values()]

    def _take_in(self, driver: Driver) -> None:
        for run in driver.nested if self._adopt else ():
            if uid_of(run) not in self and self._adopt:
                self.add(self._adopt(run))

    def _start(self, task_run: Obj, job: Callable[[Obj], Job], run_uid: str) -> Obj | None:
        """Give a TaskRun to a thread, unless one has it; return it when it has ended at once."""
        if uid_of(task_run) in self._executions:
            return None
        asked = spec_of(task_run).get("status")
        if asked == CANCELLED["TaskRun"] and not status_of(task_run).get("podName"):
            return self._end_unstarted(task_run)
        try:
            found = job(task_run)
        except NotFound as error:
            place = f"{namespace_of(task_run)}/{name_of(task_run)}"
            text = f"error when getting Task for taskRun {place}: {error.what}"
            self._reject(task_run, TaskRunRejected(NO_TASK, text), named_after({}, task_run))
            return None
        except Unresolved as error:
            refusal = TaskRunRejected(*task_run_refusal(error))
            self._reject(task_run, refusal, named_after({}, task_run))
            return None
        except StillResolving as error:
            self._await(task_run, error.kind)
            self._fresh.add(run_uid)  # the answer belongs to the TaskRun, not to its run
            return None
        if found.refusal is not None:
            # The Task itself was found, and that much is told of it.
            known = read_config(self._context.store).provenance
            told = {**status_of(found.task_run).get("provenance", {}), **known}
            status = {**status_of(task_run), **({"provenance": told} if told else {})}
            self._reject({**task_run, "status": status}, found.refusal, found.metadata)
            return None
        execution = Execution(found, self._context)
        if (ended := execution.restore()) is not None:
            return ended
        if asked == CANCELLED["TaskRun"]:
            execution.cancel()
        future = self._pool.submit(execution.run)
        # The last write of a TaskRun comes a little before its thread is free.
        future.add_done_callback(lambda _: self._context.store.nudge())
        self._executions[uid_of(task_run)] = execution, future, run_uid
        for known in (self._busy, self._ran):
            known.setdefault(run_uid, set()).add(uid_of(task_run))
        return None

    def _end_unstarted(self, task_run: Obj) -> Obj:
        """End a TaskRun that was cancelled before it had a pod."""
        status = {"podName": "", **status_of(task_run)}
        ended = attempts.cancelled(task_run, status, (), self._context.clock())
        return self._write(task_run, ended, named_after({}, task_run))

    def _reject(self, task_run: Obj, refusal: TaskRunRejected, metadata: Obj) -> None:
        """End a TaskRun before its first step, once for each time that it may be tried."""
        now, why = self._context.clock(), (refusal.reason, refusal.message)
        status = attempts.rejected(status_of(task_run), *why, now)
        while attempts.retries_left(task_run, status):
            status = attempts.rejected(attempts.retried(status, now), *why, now)
        self._write(task_run, status, metadata)

    def _await(self, task_run: Obj, kind: str) -> None:
        """Tell that a TaskRun waits for its Task, or for a StepAction."""
        waits = attempts.awaiting(task_run, kind, self._context.clock())
        if reason({"status": waits}) != reason(task_run):
            self._write(task_run, waits, named_after({}, task_run))

    def _write(self, task_run: Obj, status: Obj, metadata: Obj) -> Obj:
        written = self._context.store.set_status(task_run, status, metadata)
        self._context.observer(written)
        return written

    def _follow(self, run_uid: str, driver: Driver) -> None:
        """End what somebody wants to end of a run."""
        for uid in self._busy.get(run_uid, ()):
            if driver.is_to_end(uid):
                self._executions[uid][0].cancel()

    def _advance_single(self, uid: str) -> None:
        store, run = self._context.store, self._single[uid]
        newest = store.newer(run)
        found = self._executions.get(uid)
        if found and (newest is None or spec_of(newest).get("status") == CANCELLED["TaskRun"]):
            found[0].cancel()
        if newest is None:
            del self._single[uid]
            return
        self._single[uid] = newest
        if _is_pending(newest) and not is_done(newest):
            held = attempts.pending(newest, self._context.clock())
            if held != status_of(newest):
                self._single[uid] = self._context.store.set_status(newest, held)
                self._context.observer(self._single[uid])
        if not _rests(newest):
            ensure_claims(newest, [newest], store)
            tasks = Tasks(store, namespace_of(newest))
            job = partial(job_of, tasks=tasks, requests=self._context.requests)
            if (ended := self._start(newest, job, uid)) is not None:
                self._single[uid] = ended

    def _collect(self) -> None:
        for uid, (execution, future, run_uid) in list(self._executions.items()):
            if future.done():
                future.result()
                del self._executions[uid]
                self._busy[run_uid].discard(uid)
                driver = self._drivers.get(run_uid)
                if driver is not None and driver.forget_deleted(uid):
                    self._fresh.add(run_uid)
            else:
                execution.check()


def _is_pending(run: Obj) -> bool:
    return spec_of(run).get("status") in ("PipelineRunPending", "TaskRunPending")


def _rests(task_run: Obj) -> bool:
    return is_done(task_run) or _is_pending(task_run)
