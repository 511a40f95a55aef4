"""One PipelineRun, moved on whenever something about it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from mltk.errors import NotFound
from mltk.local.context import Context, Job
from mltk.local.encoding import StatusEncoder
from mltk.local.memo import outcome
from mltk.local.settings import read_config
from mltk.local.sources import Tasks
from mltk.local.volumes import claims_of, ensure_claims
from mltk.tekton.config import TEKTONS
from mltk.tekton.creation import adopted, named_after
from mltk.tekton.dag import InvalidGraph, build
from mltk.tekton.labels import PIPELINE_TASK
from mltk.tekton.objects import (
    Obj,
    format_time,
    is_done,
    labels_of,
    name_of,
    namespace_of,
    new_condition,
    spec_of,
    status_of,
    uid_of,
)
from mltk.tekton.plan import Plan
from mltk.tekton.reconcile import Decision, before_planning, decide, reject
from mltk.tekton.references import dependencies, result_refs
from mltk.tekton.starting import make_plan
from mltk.tekton.stepactions import with_step_actions
from mltk.tekton.verdicts import RunRejected, TaskRunRejected


class _Ended(NamedTuple):
    """A TaskRun that is done, as those after it see it."""

    task: str
    claims: frozenset[str]
    outcome: str


class Driver:
    """Asks `reconcile` what comes next and writes it down."""

    def __init__(self, run: Obj, context: Context) -> None:
        self.run = run
        self.gone = False
        self.wake_at: datetime | None = None
        self._context = context
        self._task_runs: dict[str, Obj] = {}
        self._names: dict[str, str] = {}
        self._waiting: dict[str, Obj] = {}
        self._seen = 0
        self._settled: object = None
        self._encode = StatusEncoder()
        self._pipeline: Obj | None = None
        self._plan: Plan | None = None
        self._config = TEKTONS
        self._adopted: Obj | None = None
        self._tasks = Tasks(context.store, namespace_of(run))
        self._ancestors: dict[str, frozenset[str]] = {}
        self._ended: dict[str, _Ended] = {}

    @property
    def done(self) -> bool:
        """Whether the run has ended, or is not there any more."""
        return self.gone or is_done(self.run)

    @property
    def task_runs(self) -> Sequence[Obj]:
        """Its TaskRuns, oldest first."""
        return tuple(self._task_runs.values())

    @property
    def waiting(self) -> Sequence[Obj]:
        """Its TaskRuns that have not ended, as far as is known."""
        return () if self.gone else tuple(self._waiting.values())

    def is_to_end(self, uid: str) -> bool:
        """Whether somebody wants a TaskRun to end."""
        found = self._waiting.get(self._names.get(uid, ""), {})
        return self.gone or spec_of(found).get("status") == "TaskRunCancelled"

    def due(self, now: datetime) -> bool:
        """Whether time alone may change the answer."""
        return self.wake_at is not None and now >= self.wake_at and not self.done

    def advance(self, now: datetime) -> None:
        """Do what is to be done now."""
        self._tasks.advance()
        if self._refresh(now):
            self._apply(self._decide(now))

    def keep(self, task_run: Obj) -> None:
        """Take over a TaskRun that this engine has just written, which saves reading it."""
        name = name_of(task_run)
        self._task_runs[name] = task_run
        self._names[uid_of(task_run)] = name
        if name not in self._ended:
            self._waiting[name] = task_run

    def forget_deleted(self, uid: str) -> bool:
        """Let `reconcile` make a TaskRun anew that someone has deleted; whether that is so."""
        name = self._names.get(uid)
        if name is None or self._context.store.exists("TaskRun", name, namespace_of(self.run)):
            return False
        for known in (self._task_runs, self._ended, self._waiting):
            known.pop(name, None)
        self._settled = None
        return True

    def _refresh(self, now: datetime) -> bool:
        """Read what changed; return whether that, or time alone, may change the answer."""
        store = self._context.store
        revision = store.revision
        run = store.newer(self.run)
        if run is None:
            self.gone = True
            return False
        self.run = run
        for obj in store.task_runs(uid_of(self.run), self._seen, self._task_runs):
            if is_done(obj):
                self._ended[name_of(obj)] = _Ended(_task_of(obj), claims_of(obj), outcome(obj))
                self._waiting.pop(name_of(obj), None)
            self.keep(obj)
        self._seen = revision
        # Steps that come and go in a running TaskRun change nothing for its Pipeline.
        state = (len(self._ended), spec_of(self.run))
        changed, self._settled = state != self._settled, state
        return not self.done and (changed or self.due(now))

    def _decide(self, now: datetime) -> Decision:
        if self._pipeline is None:
            try:
                pipeline = _pipeline_of(self.run, self._context)
            except NotFound as error:
                self._adopt({})
                return Decision(status=_not_retrieved(self.run, error, now))
            self._adopt(pipeline)
            self._pipeline = spec_of(pipeline)
            self._ancestors = ancestors(self._pipeline)

        run, task_runs = self.run, self.task_runs
        if (early := before_planning(run, task_runs, now)) is not None:
            return early
        try:
            return decide(self._planned(self._pipeline), run, task_runs, now)
        except RunRejected as verdict:
            return reject(run, task_runs, now, verdict, self._config)

    def _adopt(self, pipeline: Obj) -> None:
        """Let the run take on what its Pipeline is labelled with, before its TaskRuns do."""
        self._adopted = adopted(self.run, pipeline)
        self.run = {**self.run, "metadata": {**self.run["metadata"], **self._adopted}}

    def _planned(self, pipeline: Obj) -> Plan:
        """Return the plan; the one of a run that has started depends on nothing but its status."""
        started = status_of(self.run).get("pipelineSpec")
        if self._plan is None or self._plan.spec != started:
            self._config = read_config(self._context.store)
            self._plan = make_plan(self.run, pipeline, self._tasks.spec, self._config)
        return self._plan

    def _apply(self, decision: Decision) -> None:
        store = self._context.store
        self.wake_at = decision.wake_at
        with store.transaction():
            ensure_claims(self.run, decision.create, store)
            created = [store.insert(task_run) for task_run in decision.create]
            for name, message in decision.cancel:
                patch = {"spec": {"status": "TaskRunCancelled", "statusMessage": message}}
                namespace = namespace_of(self.run)
                self.keep(store.patch("TaskRun", name, namespace, patch))
            changed = decision.status != status_of(self.run)
            if changed:
                self.run = store.set_status(
                    self.run, decision.status, self._adopted, encode=self._encode
                )
                self._adopted = None
        for obj in created:
            self.keep(obj)
            self._context.observer(obj)
        if changed:
            self._context.observer(self.run)

    def job(self, task_run: Obj) -> Job:
        """Return what a thread needs to run one of its TaskRuns."""
        earlier = self._ancestors.get(_task_of(task_run), frozenset())
        claims = claims_of(task_run)
        before = tuple(
            ended.outcome
            for ended in self._ended.values()
            # A neighbour that wrote to the same volume has a say too, in whatever order it ran.
            if ended.task in earlier or claims & ended.claims
        )
        return job_of(task_run, self._tasks, uid_of(self.run), before)


def job_of(task_run: Obj, tasks: Tasks, run_uid: str = "", before: tuple[str, ...] = ()) -> Job:
    """Return the TaskRun with its Task, whose labels and annotations it takes on."""
    spec = spec_of(task_run)
    task = {} if "taskSpec" in spec else tasks.get(spec["taskRef"]["name"])
    task_spec = spec_of(task) if task else spec["taskSpec"]
    job = Job(task_run, task_spec, named_after(task, task_run), run_uid, before)
    try:
        return replace(job, task_spec=with_step_actions(task_run, task_spec, tasks.step_action))
    except TaskRunRejected as refusal:
        return replace(job, refusal=refusal)


def ancestors(pipeline: Obj) -> dict[str, frozenset[str]]:
    """Return, for each task of a Pipeline, all tasks that end before it begins.

    Tasks that wait for one another, which `reconcile` refuses, are left out.
    """
    tasks = pipeline.get("tasks") or ()
    parents = {task["name"]: dependencies(task, result_refs(task)) for task in tasks}
    try:
        order = build(list(parents), parents).order
    except InvalidGraph:
        return {}
    found: dict[str, frozenset[str]] = {}
    for name in order:
        found[name] = frozenset(parents[name]).union(*(found[parent] for parent in parents[name]))
    return found | {task["name"]: frozenset(parents) for task in pipeline.get("finally") or ()}


def _task_of(task_run: Obj) -> str:
    return labels_of(task_run).get(PIPELINE_TASK, "")


def _pipeline_of(run: Obj, context: Context) -> Obj:
    """Return the run's Pipeline; of one that it embeds or has started with, there is the spec."""
    spec = spec_of(run)
    if (pinned := status_of(run).get("pipelineSpec")) is not None:
        return {"spec": pinned}
    if "pipelineSpec" in spec:
        return {"spec": spec["pipelineSpec"]}
    return context.store.get("Pipeline", spec["pipelineRef"]["name"], namespace_of(run))


def _not_retrieved(run: Obj, error: NotFound, now: datetime) -> Obj:
    text = f"Error retrieving pipeline for pipelinerun {namespace_of(run)}/{name_of(run)}: "
    return {
        **status_of(run),
        "conditions": [new_condition("False", "CouldntGetPipeline", text + error.what, now)],
        "startTime": format_time(now),
        "completionTime": format_time(now),
    }
