"""What a killed engine leaves behind, put in order by the next command."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime

from mltk.local.layout import Layout
from mltk.local.ownership import Ownership
from mltk.local.store import Store
from mltk.tekton.attempts import rejected
from mltk.tekton.objects import (
    Obj,
    format_time,
    is_done,
    name_of,
    new_condition,
    status_of,
    uid_of,
)

INTERRUPTED = "Interrupted"


def recover(store: Store) -> list[Obj]:
    """End the runs whose engine has died, and the steps that it left; return those runs."""
    ownership = Ownership(store.database)
    if not ownership.abandoned():
        return []
    with store.transaction():  # nobody takes one of them over, or ends it too, between the lines
        return [run for uid in ownership.abandoned() if (run := end_run(uid, store)) is not None]


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
            children = store.dependants(uid) if run["kind"] == "PipelineRun" else [run]
            for task_run in (child for child in children if child["kind"] == "TaskRun"):
                _end_task_run(task_run, store, ownership, layout, _end(reason, text, clock()))
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
    for process in ownership.processes(uid):
        process.kill_group()
    ownership.forget_processes(uid)
    shutil.rmtree(layout.work(task_run), ignore_errors=True)
    if not is_done(task_run):
        store.set_status(task_run, end(status_of(task_run)))


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
