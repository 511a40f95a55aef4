"""One TaskRun, driven to its end in a worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import cached_property, partial
from pathlib import Path

from mltk.errors import NotFound
from mltk.local.annotations import CACHE, CACHE_KEY, CACHED_FROM, PARAMS
from mltk.local.cache import Entry
from mltk.local.context import ENGINE_FAILED, Context, Job
from mltk.local.ground import Ground
from mltk.local.identity import ProcessIdentity
from mltk.local.memo import (
    Memo,
    input_key,
    is_private,
    narrowed,
    outlive,
    place_below,
    promise,
    recalled_states,
    writable,
)
from mltk.local.recovery import interruption
from mltk.local.runtime import RunningStep
from mltk.local.settings import read_config
from mltk.local.sidecars import Sidecars
from mltk.local.sources import limit_ranges
from mltk.local.steps import Outcome, Steps, marked
from mltk.local.stopping import Stopper
from mltk.local.volumes import bind, claims_of, ensure_claims
from mltk.local.workfolders import WorkFolders
from mltk.tekton import attempts
from mltk.tekton.fixedpaths import fixed_paths
from mltk.tekton.objects import Obj, name_of, namespace_of, uid_of
from mltk.tekton.resolved import POD_PATHS, ResolvedTask, TaskPaths
from mltk.tekton.results import ResultSpec, ResultsRejected, collect_results
from mltk.tekton.sidecars import SidecarState, with_sidecars
from mltk.tekton.taskrun import resolve
from mltk.tekton.verdicts import TaskRunRejected
from mltk.tekton.workspaces import with_default_bindings

_FIXED = (
    "{} name a path of a pod, which plain processes of this machine do not have:"
    " write $(workspaces.NAME.path) or $(results.NAME.path)"
)
_AT_ONCE_BYTES = 1 << 20  # are restored faster than a thread is woken


class Execution:
    """Runs the attempts of a TaskRun; `cancel` and `check` may be called by other threads."""

    def __init__(self, job: Job, context: Context) -> None:
        self._job = job
        self._run = job.task_run
        self._context = context
        self._work = WorkFolders(job.task_run, context.layout, context.runtime.uses_images)
        self._stopper = Stopper(context.grace)
        self._config = read_config(context.store)
        self._ground = Ground(job, context, self._work, self._config.flags)
        self._provenance = self._config.provenance
        self._marks = {**(job.metadata.get("annotations") or {})}
        self._marks.pop(CACHED_FROM, None)
        self._key: str | None = None
        self._memo: Memo | None = None
        self._has_processes = False
        self._sidecars: Sequence[SidecarState] = ()

    @cached_property
    def _logs(self) -> Path:
        return self._context.layout.logs(self._run)

    def run(self) -> None:
        """Drive the TaskRun to its end; raises only when its status cannot be written."""
        try:
            while self._attempt():
                pass
        except NotFound as error:
            if self._context.store.exists("TaskRun", name_of(self._run), namespace_of(self._run)):
                self._fail(error)
        except Exception as error:
            # Whatever broke here is not the step's doing, and no TaskRun may stay half done.
            self._fail(error)
        finally:
            self._clear()

    def cancel(self) -> None:
        """End the TaskRun as cancelled."""
        self._stopper.stop("cancel")

    def interrupt(self) -> None:
        """End the attempt as one whose engine ended; another engine may begin the next."""
        self._stopper.stop("interrupt")

    def kill(self) -> None:
        """End the running step at once."""
        self._stopper.kill()

    def check(self) -> None:
        """End the attempt, or the step, when its time is up."""
        self._stopper.check()

    def _attempt(self) -> bool:
        """Run the steps once; return whether another attempt follows."""
        if self._stopper.cause == "interrupt":
            return False
        now = self._context.clock()
        status = attempts.started(self._run, self._job.task_spec, now, self._provenance)
        self._stopper.arm(attempts.timeout_of(self._run))
        try:
            status = self._steps(status)
        except TaskRunRejected as refusal:
            now = self._context.clock()
            begun = attempts.without_pod(status)
            status = attempts.rejected(begun, refusal.reason, refusal.message, now)
        if self._stopper.cause == "cancel" or not attempts.retries_left(self._run, status):
            self._finish(status)
            return False
        self._clear()
        self._context.layout.archive_logs(self._run, len(status.get("retriesStatus") or ()) + 1)
        self._finish(attempts.retried(status, self._context.clock()))
        return True

    def _clear(self) -> None:
        for folder in self._work.all:
            self._context.removal.add(folder)

    def restore(self) -> Obj | None:
        """End the TaskRun from the cache when that takes no time; return it as it ended.

        What stands in the way of it is for `run` to meet and to tell.
        """
        if self._context.cache is None or CACHE not in self._marks:
            return None
        try:
            _, memo = self._prepare()
            if memo is None:
                return None
            entry = memo.restore(self._work.root / "restored", at_most=_AT_ONCE_BYTES)
            if entry is None:
                return None
            now = self._context.clock()
            begun = attempts.started(self._run, self._job.task_spec, now, self._provenance)
            self._write(self._restored(begun, entry))  # no process was started
        except (TaskRunRejected, OSError, NotFound):
            return None
        return self._run

    def _steps(self, status: Obj) -> Obj:
        context = self._context
        task, memo = self._prepare()
        if memo is not None and self._memo is None:
            if (entry := memo.restore(self._work.root / "restored")) is not None:
                return self._restored(status, entry)
            memo.begin()
            self._memo = memo
        self._ground.lay(self._bound, task, status["podName"])
        # Whatever happens from here on, no step of this attempt is begun a second time.
        with context.store.transaction(minor=True):
            self._set(status)
        context.store.database.settle()
        use = context.claims.enter(claims_of(self._bound), self._below)
        try:
            with closing(context.runtime.pod()) as pod:
                sidecars = Sidecars(pod, context.clock, context.grace)
                try:
                    self._start_sidecars(sidecars, task)
                    status = with_sidecars(status, sidecars.states)
                    outcome = self._runner().run(pod, task, status)
                finally:
                    self._sidecars = sidecars.stop()
        finally:
            alone = context.claims.leave(use)
        return self._ended(status, outcome, task.results, alone)

    def _runner(self) -> Steps:
        return Steps(
            self._ground,
            self._work,
            self._logs,
            self._stopper,
            self._config.flags,
            self._context.clock,
            uid_of(self._run),
            self._note_running,
        )

    def _start_sidecars(self, sidecars: Sidecars, task: ResolvedTask) -> None:
        """Start them and wait until the steps may follow."""
        for sidecar, care in task.sidecars:
            log = self._logs / f"{sidecar.log}.log"
            command = self._ground.launch(sidecar, log)
            if command is not None:
                sidecars.start(sidecar.name, marked(command, uid_of(self._run)), care)
        sidecars.await_ready(self._stopper.stopped)

    def _prepare(self) -> tuple[ResolvedTask, Memo | None]:
        """What is to be run, and the cache's view of it when it may be restored."""
        context, job = self._context, self._job
        promised, run = promise(self._marks), self._bound
        if self._config.defaults.binding:
            ensure_claims(run, [run], context.store)
        workspaces = bind(run, job.task_spec, context.layout)
        ranges = limit_ranges(context.store, namespace_of(run))
        task = resolve(run, job.task_spec, self._paths(workspaces), self._config.flags, ranges)
        if self._key is None:
            self._key = self._marks[CACHE_KEY] = input_key(
                run,
                job.task_spec,
                task,
                self._ground.lookup,
                environment=context.environment,
                before=None if promised == PARAMS else job.before,
            )
        if context.cache is None or promised is None:
            return task, None
        if not is_private(run, job.run_uid, context.store) or outlive(task.volumes):
            return task, None
        below = self._below
        folders = narrowed(writable(run, job.task_spec, workspaces), below)
        if folders is None:
            return task, None
        share = partial(self._ground.share, task=task)
        return task, Memo(context.cache, self._key, folders, below, share)

    @property
    def _below(self) -> str:
        return place_below(self._marks, self._run)

    @property
    def _bound(self) -> Obj:
        """The TaskRun with the workspaces that the settings bind for it, which nobody keeps."""
        declared = self._job.task_spec.get("workspaces") or ()
        return with_default_bindings(self._run, declared, self._config.defaults.binding)

    def _paths(self, workspaces: dict[str, Path]) -> TaskPaths:
        if self._context.runtime.real_paths:
            return POD_PATHS
        if fixed := fixed_paths(self._job.task_spec):
            raise TaskRunRejected("TaskRunValidationFailed", _FIXED.format(", ".join(fixed)))
        return self._work.paths(workspaces)

    def _note_running(self, process: RunningStep, status: Obj) -> None:
        identity: ProcessIdentity | None = process.identity
        with self._context.store.transaction(minor=True):
            if identity is not None:
                self._has_processes = True
                self._context.ownership.add_process(uid_of(self._run), identity)
            self._set(status)
        self._context.observer(self._run)

    def _ended(
        self, status: Obj, outcome: Outcome, specs: Sequence[ResultSpec], alone: bool
    ) -> Obj:
        now, states = self._context.clock(), outcome.states
        over = all(state.exit_code is not None for state in states)
        if self._stopper.cause and not (over and self._stopper.cause == "interrupt"):
            # Who cancelled it has written why.
            run = self._context.store.newer(self._run) or self._run
            if self._stopper.cause == "interrupt":
                return attempts.interrupted(run, interruption(run), now)
            end = attempts.cancelled if self._stopper.cause == "cancel" else attempts.timed_out
            return end(run, status, states, now)
        if outcome.too_long:
            ended = attempts.finished(self._run, status, states, (), now, self._sidecars)
            return attempts.too_long(self._run, ended, outcome.too_long, now)
        try:
            results = collect_results(specs, outcome.values)
        except ResultsRejected as refusal:
            ended = attempts.finished(
                self._run, status, states, refusal.results, now, self._sidecars
            )
            return attempts.rejected(ended, refusal.reason, refusal.message, now)
        if self._memo and alone:
            self._memo.save(self._run, states, results)
        return attempts.finished(self._run, status, states, results, now, self._sidecars)

    def _restored(self, status: Obj, entry: Entry) -> Obj:
        now = self._context.clock()
        self._marks[CACHED_FROM] = entry.task_run
        states = recalled_states(entry, now)
        return attempts.finished(self._run, status, states, entry.status["results"], now)

    # The store

    def _set(self, status: Obj) -> None:
        metadata = {**self._job.metadata, "annotations": self._marks}
        self._run = self._context.store.set_status(self._run, status, metadata)

    def _write(self, status: Obj) -> None:
        self._set(status)
        self._context.observer(self._run)

    def _finish(self, status: Obj) -> None:
        """Write how an attempt has ended; nobody has to look for its processes any more."""
        with self._context.store.transaction():
            if self._has_processes:
                self._context.ownership.forget_processes(uid_of(self._run))
            self._set(status)
        self._has_processes = False
        self._context.observer(self._run)

    def _fail(self, error: Exception) -> None:
        now = self._context.clock()
        status = attempts.started(self._run, self._job.task_spec, now, self._provenance)
        kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
        text = f"the engine could not go on: {kind}{error}"
        self._finish(attempts.rejected(status, ENGINE_FAILED, text, now))
