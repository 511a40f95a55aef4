"""A PipelineRun and its TaskRuns -> what happens next. Pure, deterministic and total.

The steps are those of ``ReconcileKind`` and ``reconcile`` in Tekton's
``pkg/reconciler/pipelinerun/pipelinerun.go``, with three differences, all of them about what a
user would call a mistake: a run that is rejected while TaskRuns are running cancels them, time that
`finally` takes does not count as time of the tasks, and a limit is reached at its second rather
than after it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from mltk.tekton import objects
from mltk.tekton.child import CANCELLED_BY_PIPELINE, TIMED_OUT_BY_PIPELINE
from mltk.tekton.childkinds import MANNERS, message_for
from mltk.tekton.children import children
from mltk.tekton.config import TEKTONS, Config
from mltk.tekton.facts import Facts
from mltk.tekton.objects import (
    Obj,
    format_time,
    name_of,
    namespace_of,
    new_condition,
    spec_of,
    status_of,
)
from mltk.tekton.plan import ALONE, Plan, Surroundings
from mltk.tekton.progress import (
    Verdict,
    cancel_message,
    child_references,
    judge,
    pipeline_results,
    skipped_tasks,
)
from mltk.tekton.runchecks import check_matrices, check_task_params
from mltk.tekton.skipping import (
    MISSING_RESULTS,
    Outlook,
    foresee,
    foresee_final,
    foresee_waiting_final,
    statuses,
)
from mltk.tekton.starting import make_plan
from mltk.tekton.verdicts import RunRejected

Created = dict[str, list[Obj]]  # by the name of the task


class Cancel(NamedTuple):
    """A child that is to end: of that kind and name, because of `message`."""

    name: str
    message: str
    kind: str = "TaskRun"

    @property
    def patch(self) -> Obj:
        """The merge patch that asks it to."""
        manner = MANNERS[self.kind]
        spec = {"status": manner.asked}
        return {"spec": {**spec, "statusMessage": self.message} if manner.told else spec}


Cancels = tuple[Cancel, ...]


@dataclass(frozen=True)
class Decision:
    """What is to be done now for a PipelineRun.

    `create` are complete TaskRuns, CustomRuns and PipelineRuns, `cancel` those to be cancelled;
    `status` replaces the status of the run; `wake_at` is the next moment at which time alone
    changes the answer.
    """

    status: Obj
    create: tuple[Obj, ...] = ()
    cancel: Cancels = ()
    wake_at: datetime | None = None


def reconcile(
    run: Obj,
    pipeline_spec: Obj,
    task_runs: Sequence[Obj],
    now: datetime,
    *,
    task_spec: Callable[[str], Obj],
    config: Config = TEKTONS,
    around: Surroundings = ALONE,
) -> Decision:
    """Decide what happens next in `run`.

    `pipeline_spec` is the Pipeline's spec (the embedded one for a run that holds it), `task_runs`
    are all TaskRuns of the run as they are in the store, `task_spec` gives the spec of a Task by
    name and raises NotFound, `config` says what Tekton is set to, `around` what there is
    beside the run. What is wrong with the run becomes its failed status.
    """
    early = before_planning(run, task_runs, now)
    if early is not None:
        return early
    try:
        return decide(make_plan(run, pipeline_spec, task_spec, config, around), run, task_runs, now)
    except RunRejected as verdict:
        return reject(run, task_runs, now, verdict, config)


def before_planning(run: Obj, task_runs: Sequence[Obj], now: datetime) -> Decision | None:
    """The decision for a run that needs no Pipeline: done, pending or cancelled."""
    if objects.is_done(run):
        # As in Tekton a Pipeline within one that failed runs on.
        left = [each for each in task_runs if each.get("kind") != "PipelineRun"]
        return Decision(status_of(run), cancel=_cancel(left, CANCELLED_BY_PIPELINE))
    asked = spec_of(run).get("status")
    if asked == "PipelineRunPending":
        verdict = Verdict("Unknown", asked, f'PipelineRun "{name_of(run)}" is pending')
        return Decision(_with_condition(run, dict(status_of(run)), verdict, now))
    if asked == "Cancelled":
        return _end(run, task_runs, now, Verdict("False", asked, cancel_message(run)))
    return None


def decide(plan: Plan, run: Obj, task_runs: Sequence[Obj], now: datetime) -> Decision:
    """The decision for a run with a plan; a caller that keeps the plan saves making it again.

    Raises RunRejected when the run turns out to be invalid (see `reject`).
    """
    facts = Facts.of(plan, run, task_runs, now)
    outlook = foresee(facts)
    if outlook.dag_done:
        foresee_final(facts, outlook, statuses(facts, outlook))
    else:
        foresee_waiting_final(facts, outlook)
    begun = facts.final_start or (now if _finally_begins(facts, outlook) else None)
    try:
        created = _create(facts, outlook)
    except RunRejected as verdict:
        in_finally = {"finallyStartTime": format_time(begun)} if begun else {}
        started = {**run, "status": {**status_of(run), **in_finally}}
        return reject(started, task_runs, now, verdict, plan.config)
    status = _status(facts, outlook, created, begun)
    finished = status["conditions"][0]["status"] != "Unknown"
    ends = [] if finished else facts.ends(begun)
    return Decision(
        status,
        create=tuple(task_run for made in created.values() for task_run in made),
        cancel=_cancels(facts),
        wake_at=min(ends, default=None),
    )


def reject(
    run: Obj, task_runs: Sequence[Obj], now: datetime, why: RunRejected, config: Config
) -> Decision:
    """The decision for a run that cannot go on, although its Pipeline is there."""
    provenance = _provenance(run, config)
    known = {"provenance": provenance} if provenance else {}
    seen = {**run, "status": {**status_of(run), **known}}
    return _end(seen, task_runs, now, Verdict("False", why.reason, why.message))


def _provenance(run: Obj, config: Config) -> Obj:
    return {**status_of(run).get("provenance", {}), **config.provenance}


def awaiting(run: Obj, now: datetime, reason: str) -> Decision:
    """The decision for a run whose Pipeline, or a Task of it, a resolver still looks for."""
    message = f"PipelineRun {namespace_of(run)}/{name_of(run)} awaiting remote resource"
    status = {"startTime": format_time(now), **status_of(run)}
    return Decision(_with_condition(run, status, Verdict("Unknown", reason, message), now))


def end(run: Obj, task_runs: Sequence[Obj], now: datetime, reason: str, message: str) -> Decision:
    """The decision for a run that has no Pipeline."""
    return _end(run, task_runs, now, Verdict("False", reason, message))


def _end(run: Obj, task_runs: Sequence[Obj], now: datetime, verdict: Verdict) -> Decision:
    status = _with_condition(run, {"startTime": format_time(now), **status_of(run)}, verdict, now)
    return Decision(status, cancel=_cancel(task_runs, CANCELLED_BY_PIPELINE))


def _create(facts: Facts, outlook: Outlook) -> Created:
    created = {}
    for name in outlook.ready:
        task = outlook.tasks[name]
        check_task_params(facts.run, facts.plan, task)
        if name in facts.plan.matrixed:
            check_matrices(outlook.tasks.values())
        created[name] = children(facts, task)
    return created


def _cancels(facts: Facts) -> Cancels:
    """TaskRuns to be stopped: of a graceful cancel, or of what is over its time."""
    if facts.pipeline_expired:
        return _cancel(_runs_of(facts, facts.children), TIMED_OUT_BY_PIPELINE)
    if facts.asked == "CancelledRunFinally":
        return _cancel(_runs_of(facts, facts.plan.tasks), CANCELLED_BY_PIPELINE)
    if facts.tasks_expired and facts.final_start is None:
        return _cancel(_runs_of(facts, facts.plan.tasks), TIMED_OUT_BY_PIPELINE)
    if facts.final_expired:
        return _cancel(_runs_of(facts, facts.plan.finals), TIMED_OUT_BY_PIPELINE)
    return ()


def _runs_of(facts: Facts, tasks: Container[str]) -> list[Obj]:
    found = (child.members for name, child in facts.children.items() if name in tasks)
    return [each.obj for members in found for each in members]


def _cancel(task_runs: Sequence[Obj], message: str) -> Cancels:
    return tuple(
        Cancel(name_of(each), message_for(kind, message), kind)
        for each in task_runs
        for kind in (each.get("kind", "TaskRun"),)
        if not objects.is_done(each) and not spec_of(each).get("status")
    )


def _status(
    facts: Facts, outlook: Outlook, created: Created, finally_begun: datetime | None
) -> Obj:
    old = status_of(facts.run)
    status: Obj = {key: old[key] for key in ("spanContext",) if key in old}
    if provenance := _provenance(facts.run, facts.plan.config):
        status["provenance"] = provenance
    status["startTime"] = format_time(facts.start)
    if finally_begun:
        status["finallyStartTime"] = format_time(finally_begun)
    status["pipelineSpec"] = facts.plan.spec
    references = child_references(facts, outlook, created)
    if references:
        status["childReferences"] = references
    skipped = skipped_tasks(facts, outlook)
    if skipped:
        status["skippedTasks"] = skipped
    verdict = judge(facts, outlook)
    if verdict.status != "Unknown":
        results, wrong = pipeline_results(facts)
        if results:
            status["results"] = results
        if wrong:
            verdict = Verdict("False", "CouldntGetPipelineResult", wrong)
    return _with_condition(facts.run, status, verdict, facts.now)


def _finally_begins(facts: Facts, outlook: Outlook) -> bool:
    """Also a task of `finally` that is skipped by its `when` lets the time of `finally` run."""
    return outlook.dag_done and any(
        outlook.skipped.get(name) != MISSING_RESULTS for name in facts.plan.finals
    )


def _with_condition(run: Obj, status: Obj, verdict: Verdict, now: datetime) -> Obj:
    status["conditions"] = [
        new_condition(verdict.status, verdict.reason, verdict.message, now, objects.condition(run))
    ]
    if verdict.status != "Unknown":
        status["completionTime"] = format_time(now)
    return status
