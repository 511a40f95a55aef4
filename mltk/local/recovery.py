"""What a killed engine leaves behind, put in order by the next command."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from mltk.local.identity import ProcessIdentity, marked
from mltk.local.layout import Layout
from mltk.local.ownership import MARK, Ownership
from mltk.local.store import Store
from mltk.tekton import objects
from mltk.tekton.attempts import INTERRUPTED, interrupted, rejected, retried, retries_left
from mltk.tekton.objects import (
    Obj,
    format_time,
    is_done,
    name_of,
    new_condition,
    status_of,
    uid_of,
)
from mltk.tekton.remote import RESOLVING

_DEATH_SECONDS = 10.0  # a killed process that is not gone by then hangs in the kernel


def take_over(run: Obj, store: Store) -> Obj:
    """Make a run ready for a new engine; return it as it is then.

    An attempt of a TaskRun that had begun has failed: what its steps have done nobody knows, and
    nothing is done twice unless it may be (`retries`). What had not begun is as it was.
    """
    found = _task_runs(run, store)
    begun = [each for each in found if not is_done(each) and _has_begun(each)]
    for task_run in begun:  # which may take a moment, and nobody waits for the store meanwhile
        _end_processes(uid_of(task_run), Ownership(store.database))
    with store.transaction():
        for task_run in begun:
            _end_attempt(store.newer(task_run) or task_run, store)
        return store.newer(run) or run


def interruption(task_run: Obj) -> str:
    """What is said of an attempt whose engine has ended."""
    return f'TaskRun "{name_of(task_run)}" was interrupted: the engine that ran it has ended'


def end_strays(uids: Collection[str]) -> list[ProcessIdentity]:
    """End the processes of TaskRuns that have left their group; return them."""
    strays = marked(MARK, uids)
    for process in strays:
        process.kill()
    return strays


def end_run(
    uid: str,
    store: Store,
    reason: str = INTERRUPTED,
    message: str = "",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Obj | None:
    """End a run that no engine drives any more; None when it had ended, or was deleted."""
    ownership = Ownership(store.database)
    layout = Layout(store.database.path.parent)
    with store.transaction():
        run = store.by_uid(uid)
        if run is not None:
            text = message or _message(run)
            for task_run in _task_runs(run, store):
                _end_task_run(task_run, store, ownership, layout, _end(reason, text, clock()))
            for nested in _pipeline_runs(run, store):
                end_run(uid_of(nested), store, reason, message, clock)
            run = None if is_done(run) else _end_pipeline_run(run, store, reason, text, clock())
        ownership.release([uid])
    return run


End = Callable[[Obj], Obj]


def _end(reason: str, message: str, now: datetime) -> End:
    return lambda status: rejected(status, reason, message, now)


def _end_task_run(
    task_run: Obj, store: Store, ownership: Ownership, layout: Layout, end: End
) -> None:
    uid = uid_of(task_run)
    _end_processes(uid, ownership)
    layout.clear_work(task_run)
    if not is_done(task_run):
        store.set_status(task_run, end(status_of(task_run)))


def _has_begun(task_run: Obj) -> bool:
    """Whether steps may have run: not as long as a resolver looked for the Task."""
    return bool(status_of(task_run).get("startTime")) and objects.reason(task_run) not in RESOLVING


def _end_attempt(task_run: Obj, store: Store) -> None:
    layout, now = Layout(store.database.path.parent), datetime.now(UTC)
    layout.clear_work(task_run)
    status = interrupted(task_run, interruption(task_run), now)
    if retries_left(task_run, status):
        layout.archive_logs(task_run, len(status.get("retriesStatus") or ()) + 1)
        status = retried(status, now)
    store.set_status(task_run, status)


def _end_processes(uid: str, ownership: Ownership) -> None:
    """End what was started for a TaskRun, also what its engine had no time to write down."""
    known = ownership.processes(uid)
    for process in known:
        process.kill_group()
    for process in (*known, *end_strays([uid])):
        process.wait(_DEATH_SECONDS)
    ownership.forget_processes(uid)


def _task_runs(run: Obj, store: Store) -> list[Obj]:
    children = store.dependants(uid_of(run)) if run["kind"] == "PipelineRun" else [run]
    return [child for child in children if child["kind"] == "TaskRun"]


def _pipeline_runs(run: Obj, store: Store) -> list[Obj]:
    """What runs within a run."""
    return [each for each in store.dependants(uid_of(run)) if each["kind"] == "PipelineRun"]


def _end_pipeline_run(run: Obj, store: Store, reason: str, message: str, now: datetime) -> Obj:
    if run["kind"] != "PipelineRun":
        return store.get(run["kind"], name_of(run), run["metadata"]["namespace"])
    status = {
        **status_of(run),
        "conditions": [new_condition("False", reason, message, now)],
        "completionTime": format_time(now),
    }
    status.setdefault("startTime", format_time(now))
    return store.set_status(run, status)


def _message(run: Obj) -> str:
    kind = run["kind"].lower()
    return (
        "The process that drove this run ended before it did."
        f" Go on with `mltk rerun {kind} {name_of(run)}`."
    )
