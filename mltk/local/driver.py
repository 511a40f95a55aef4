"""One PipelineRun, moved on whenever something about it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mltk.errors import NotFound
from mltk.local.context import Context, Job
from mltk.local.encoding import StatusEncoder
from mltk.local.jobs import job_of
from mltk.local.memo import outcome
from mltk.local.settings import read_config
from mltk.local.sources import Tasks
from mltk.local.volumes import claims_of, ensure_claims
from mltk.tekton.config import TEKTONS
from mltk.tekton.creation import adopted
from mltk.tekton.dag import InvalidGraph, build
from mltk.tekton.labels import PIPELINE, PIPELINE_TASK
from mltk.tekton.objects import (
    Obj,
    is_done,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from mltk.tekton.plan import Plan, Surroundings
from mltk.tekton.reconcile import Decision, awaiting, before_planning, decide, end, reject
from mltk.tekton.references import dependencies, result_refs
from mltk.tekton.remote import (
    NO_PIPELINE,
    RESOLVING_PIPELINE,
    RESOLVING_TASK,
    StillResolving,
    Unresolved,
    is_remote,
    not_retrieved,
    pipeline_refusal,
    pipeline_request,
    task_request,
)
from mltk.tekton.starting import make_plan
from mltk.tekton.verdicts import RunRejected


class _Ended(NamedTuple):
    """A child that is done, as those after it see it."""

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
        self._children: dict[str, Obj] = {}
        self._names: dict[str, str] = {}
        self._waiting: dict[str, Obj] = {}
        self._seen = 0
        self._settled: object = None
        self._encode = StatusEncoder()
        self._awaits = False
        self._pipeline: Obj | None = None
        self._plan: Plan | None = None
        self._config = TEKTONS
        self._adopted: Obj | None = None
        self._tasks = Tasks(context.store, namespace_of(run))
        self._remote: dict[str, Obj] = {}
        self._ancestors: dict[str, frozenset[str]] = {}
        self._ended: dict[str, _Ended] = {}

    @property
    def done(self) -> bool:
        """Whether the run has ended, or is not there any more."""
        return self.gone or is_done(self.run)

    @property
    def children(self) -> Sequence[Obj]:
        """What it has made for its tasks, oldest first."""
        return tuple(self._children.values())

    @property
    def nested(self) -> Sequence[Obj]:
        """Its PipelineRuns that have not ended, as far as is known."""
        runs = (each for each in self._children.values() if each["kind"] == "PipelineRun")
        return [each for each in runs if name_of(each) not in self._ended]

    @property
    def waiting(self) -> Sequence[Obj]:
        """Its TaskRuns that have not ended, as far as is known."""
        return () if self.gone else tuple(self._waiting.values())

    def is_to_end(self, uid: str) -> bool:
        """Whether somebody wants a TaskRun to end."""
        found = self._waiting.get(self._names.get(uid, ""), {})
        return self.gone or spec_of(found).get("status") == "TaskRunCancelled"

    def due(self, now: datetime) -> bool:
        """Whether time alone, or what a resolver answers, may change the answer."""
        over = self.wake_at is not None and now >= self.wake_at
        return (over or self._awaits) and not self.done

    def advance(self, now: datetime) -> None:
        """Do what is to be done now."""
        self._tasks.advance()
        if self._refresh(now):
            self._apply(self._decide(now))

    def keep(self, task_run: Obj) -> None:
        """Take over a child that this engine has just written, which saves reading it."""
        name = name_of(task_run)
        self._children[name] = task_run
        self._names[uid_of(task_run)] = name
        if name not in self._ended and task_run["kind"] == "TaskRun":
            self._waiting[name] = task_run

    def forget_deleted(self, uid: str) -> bool:
        """Let `reconcile` make a TaskRun anew that someone has deleted; whether that is so."""
        name = self._names.get(uid)
        if name is None or name in self._ended:
            return False
        if self._context.store.exists("TaskRun", name, namespace_of(self.run)):
            return False
        for known in (self._children, self._ended, self._waiting):
            known.pop(name, None)
        self._settled = None
        return True

    def _refresh(self, now: datetime) -> bool:
        """Read what changed; return whether that, or time alone, may change the answer."""
        store = self._context.store
        run = store.newer(self.run)
        if run is None:
            self.gone = True
            return False
        self.run = run
        found, self._seen = store.children(uid_of(self.run), self._seen, self._children)
        for obj in found:
            if is_done(obj):
                self._ended[name_of(obj)] = _Ended(_task_of(obj), claims_of(obj), outcome(obj))
                self._waiting.pop(name_of(obj), None)
            self.keep(obj)
        # Steps that come and go in a running TaskRun change nothing for its Pipeline.
        state = (len(self._ended), spec_of(self.run))
        changed, self._settled = state != self._settled, state
        return not self.done and (changed or self.due(now))

    def _decide(self, now: datetime) -> Decision:
        self._awaits = False
        if self._pipeline is None and (early := self._without_pipeline(now)) is not None:
            return early
        run, children, pipeline = self.run, self.children, self._pipeline or {}
        if (early := before_planning(run, children, now)) is not None:
            return early
        try:
            return decide(self._planned(pipeline), run, children, now)
        except StillResolving:
            return self._await(now, RESOLVING_TASK)
        except RunRejected as verdict:
            return reject(run, children, now, verdict, self._config)

    def _without_pipeline(self, now: datetime) -> Decision | None:
        """Get the Pipeline; return the decision when there is none, or none is needed."""
        run, remote = self.run, is_remote(spec_of(self.run).get("pipelineRef"))
        early = before_planning(run, self.children, now) if remote else None
        if early is not None:  # what is pending, or cancelled, asks nobody
            self._adopt({})
            return early
        try:
            pipeline = self._pipeline_of(run)
        except StillResolving:
            self._adopt({})
            return self._await(now, RESOLVING_PIPELINE)
        except Unresolved as error:
            self._adopt({})
            return end(run, self.children, now, *pipeline_refusal(run, error))
        except NotFound as error:
            self._adopt({})
            return end(run, self.children, now, NO_PIPELINE, not_retrieved(run) + error.what)
        self._adopt(pipeline)
        self._pipeline = spec_of(pipeline)
        self._ancestors = ancestors(self._pipeline)
        return None

    def _pipeline_of(self, run: Obj) -> Obj:
        """Return the run's Pipeline; of one that it embeds or has started with, there is the spec.

        Raises NotFound, StillResolving and Unresolved.
        """
        spec = spec_of(run)
        if (pinned := status_of(run).get("pipelineSpec")) is not None:
            return {"spec": pinned}
        if "pipelineSpec" in spec:
            return {"spec": spec["pipelineSpec"]}
        if not is_remote(spec["pipelineRef"]):
            return self._context.store.get(
                "Pipeline", spec["pipelineRef"]["name"], namespace_of(run)
            )
        request = pipeline_request(run, spec["pipelineRef"])
        answer = self._context.requests.ask(request, run, "Pipeline")
        if answer.source is not None:
            # Whatever is decided next keeps it.
            status = {**status_of(run), "provenance": {"refSource": answer.source}}
            self.run = {**run, "status": status}
        return answer.obj

    def _await(self, now: datetime, reason: str) -> Decision:
        self._awaits = True
        return awaiting(self.run, now, reason)

    def _remote_task(self, task: Obj) -> Obj:
        """Return what a PipelineTask runs that lies elsewhere; raises as `Requests.ask`."""
        if "pipelineRef" in task:
            request, kind = pipeline_request(self.run, task["pipelineRef"]), "Pipeline"
        else:
            request, kind = task_request(self.run, task), "Task"
        if request.name not in self._remote:
            found = self._context.requests.ask(request, self.run, kind)
            self._remote[request.name] = found.obj
        return self._remote[request.name]

    def _adopt(self, pipeline: Obj) -> None:
        """Let the run take on what its Pipeline is labelled with, before its TaskRuns do."""
        self._adopted = adopted(self.run, pipeline)
        self.run = {**self.run, "metadata": {**self.run["metadata"], **self._adopted}}

    def _planned(self, pipeline: Obj) -> Plan:
        """Return the plan; the one of a run that has started depends on nothing but its status."""
        started = status_of(self.run).get("pipelineSpec")
        if self._plan is None or self._plan.spec != started:
            self._config = read_config(self._context.store)
            around = Surroundings(self._other_pipeline, self._lineage, self._remote_task)
            self._plan = make_plan(self.run, pipeline, self._tasks.spec, self._config, around)
        return self._plan

    def _other_pipeline(self, name: str) -> Obj:
        return self._context.store.get("Pipeline", name, namespace_of(self.run))

    def _lineage(self, run: Obj) -> list[str]:
        """Return the Pipelines that the run and those around it run, from within."""
        found, outer = [], run
        while outer:
            found.append(labels_of(outer).get(PIPELINE, ""))
            owners = outer["metadata"].get("ownerReferences") or [{}]
            outer = self._context.store.by_uid(owners[0].get("uid", "")) or {}
        return [name for name in found if name]

    def _apply(self, decision: Decision) -> None:
        store = self._context.store
        self.wake_at = decision.wake_at
        # What comes next are the TaskRuns, which are begun at once; there is nothing to look at.
        with store.transaction(minor={each["kind"] for each in decision.create} == {"TaskRun"}):
            ensure_claims(self.run, decision.create, store)
            created = [store.insert(task_run) for task_run in decision.create]
            for child in decision.cancel:
                namespace = namespace_of(self.run)
                self.keep(store.patch(child.kind, child.name, namespace, child.patch))
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
        requests = self._context.requests
        return job_of(task_run, self._tasks, requests, uid_of(self.run), before)


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
