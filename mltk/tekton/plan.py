"""A PipelineRun that may start: its Pipeline with all inputs in place, and the graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mltk.errors import NotFound
from mltk.tekton import dag
from mltk.tekton.child import Child
from mltk.tekton.childkinds import child_kind
from mltk.tekton.config import TEKTONS, Config
from mltk.tekton.labels import PIPELINE
from mltk.tekton.matrix import is_matrixed
from mltk.tekton.objects import Obj, labels_of, name_of, namespace_of, spec_of, uid_of
from mltk.tekton.references import ResultRef, embedded_refs
from mltk.tekton.remote import StillResolving, Unresolved, described, is_remote
from mltk.tekton.substitution import Variables

TaskSpecs = Callable[[str], Obj]
RemoteTasks = Callable[[Obj], Obj]


def no_resolvers(task: Obj) -> Obj:
    """Where nobody resolves anything."""
    ref = task.get("taskRef") or task["pipelineRef"]
    raise Unresolved(f"there is nobody to ask for {described(ref)}")


def _nothing(name: str) -> Obj:  # noqa: ARG001  (is asked by name)
    return {}


def _alone(run: Obj) -> list[str]:
    return [labels_of(run).get(PIPELINE, pipeline_name(run))]


@dataclass(frozen=True)
class Surroundings:
    """What there is beside a run, its Pipeline and the Tasks of its namespace.

    `pipeline` gives a Pipeline by name and raises NotFound; `lineage` names the Pipelines that a
    run and those around it run, from within; `remote_task` gives the Task, or the Pipeline, of a
    PipelineTask whose reference names a resolver.
    """

    pipeline: Callable[[str], Obj] = _nothing
    lineage: Callable[[Obj], list[str]] = _alone
    remote_task: RemoteTasks = no_resolvers


ALONE = Surroundings()


@dataclass(frozen=True)
class Plan:
    """A run that may start. `spec` is the Pipeline's with the run's params and contexts in it.

    `task_spec` gives the spec of a Task as it is now, `config` says what Tekton is set to,
    `around` what there is beside the run; `seen` are TaskRuns by name, which are read once for
    many decisions.
    """

    spec: Obj
    tasks: Mapping[str, Obj]
    finals: Mapping[str, Obj]
    graph: dag.Graph
    refs: Mapping[str, tuple[ResultRef, ...]]
    task_spec: TaskSpecs
    config: Config = TEKTONS
    around: Surroundings = ALONE
    seen: dict[str, Child] = field(default_factory=dict)

    @cached_property
    def matrixed(self) -> frozenset[str]:
        """Names of the tasks that fan out."""
        tasks = {**self.tasks, **self.finals}
        return frozenset(name for name, task in tasks.items() if is_matrixed(task))

    @cached_property
    def consumed(self) -> frozenset[str]:
        """Names of the tasks whose results another task uses."""
        return frozenset(ref.task for refs in self.refs.values() for ref in refs)

    @cached_property
    def spills(self) -> Mapping[str, tuple[ResultRef, ...]]:
        """References that stay in a task once it has its results, by its name (see `spillover`).

        Tekton puts results into the fields of a task as it reads the tasks, one after the other,
        and leaves what is embedded for later.
        """
        found: dict[str, tuple[ResultRef, ...]] = {}
        read: set[str] = set()
        for name, task in {**self.tasks, **self.finals}.items():
            refs = self.refs[name]
            in_order = all(ref.task in read for ref in refs)
            if left := embedded_refs(task) if in_order else refs:
                found[name] = left
            read.add(name)
        return found

    @cached_property
    def calls_by_results(self) -> bool:
        """Whether a task is called after results, of which others may spill some."""
        tasks = {**self.tasks, **self.finals}.values()
        return any("$(tasks." in str(task.get("displayName")) for task in tasks)

    @cached_property
    def plain(self) -> frozenset[str]:
        """Names of the tasks of which no more is shown, once they have TaskRuns, than these."""
        tasks = {**self.tasks, **self.finals}
        return frozenset(
            name
            for name, task in tasks.items()
            if not (task.get("when") or task.get("displayName"))
        )

    @cached_property
    def settling(self) -> frozenset[str]:
        """Names of the tasks of the graph at which nobody looks again once they have ended."""
        return self.plain.intersection(self.tasks) - self.nested

    @cached_property
    def nested(self) -> frozenset[str]:
        """Names of the tasks that are Pipelines."""
        return self._made_as("PipelineRun")

    @cached_property
    def custom(self) -> frozenset[str]:
        """Names of the tasks that others run."""
        return self._made_as("CustomRun")

    def _made_as(self, kind: str) -> frozenset[str]:
        tasks = {**self.tasks, **self.finals}
        return frozenset(name for name, task in tasks.items() if child_kind(task) == kind)

    def lineage(self, run: Obj) -> list[str]:
        """Names of the Pipelines that the run and those around it run, from within."""
        return self.around.lineage(run)

    def spec_of_task(self, task: Obj) -> Obj:
        """The spec of a PipelineTask's Task, embedded or by reference; empty if it has none.

        Raises TaskMissing, and StillResolving for one that lies elsewhere.
        """
        if child_kind(task) != "TaskRun":
            return {}
        if task.get("taskSpec"):
            return dict(task["taskSpec"])
        ref = task.get("taskRef") or {}
        name = ref.get("name", "")
        try:
            return (
                spec_of(self.around.remote_task(task)) if is_remote(ref) else self.task_spec(name)
            )
        except Unresolved as error:
            raise TaskMissing(name or described(ref), str(error)) from None
        except NotFound as error:
            raise TaskMissing(name, error.what) from None

    def task_name(self, task: Obj) -> str:
        """The name of a PipelineTask's Task, empty for one that is embedded."""
        ref = task.get("taskRef") or {}
        return (
            name_of(self.around.remote_task(task)) if is_remote(ref) else str(ref.get("name", ""))
        )

    def nested_name(self, task: Obj) -> str:
        """The name of the Pipeline that a PipelineTask refers to, empty for one that is embedded.

        Raises NotFound, Unresolved and StillResolving.
        """
        ref = task.get("pipelineRef") or {}
        if is_remote(ref):
            return name_of(self.around.remote_task(task))
        if ref.get("name"):
            self.around.pipeline(ref["name"])
        return str(ref.get("name", ""))

    def ask(self) -> None:
        """Ask for all that lies elsewhere; raises StillResolving while one is missing."""
        waiting = None
        for task in (*self.tasks.values(), *self.finals.values()):
            try:
                if is_remote(task.get("taskRef") or task.get("pipelineRef")):
                    self.around.remote_task(task)
            except Unresolved:
                continue  # whoever needs the Task tells why it is not there
            except StillResolving as error:
                waiting = error
        if waiting is not None:
            raise waiting


class TaskMissing(Exception):
    """A Task that a Pipeline refers to is not there."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"Couldn't retrieve Task {json.dumps(name)}: {why}")


def pipeline_name(run: Obj) -> str:
    """Name of the run's Pipeline; a run that embeds its Pipeline gives it its own name.

    One that a resolver found has told its name in the label that the run took on.
    """
    ref = spec_of(run).get("pipelineRef") or {}
    found = labels_of(run).get(PIPELINE) if is_remote(ref) else ""
    return str(ref.get("name") or found or name_of(run))


def context_variables(run: Obj) -> Variables:
    """``context.pipelineRun.*`` and ``context.pipeline.name``."""
    return Variables(
        {
            "context.pipelineRun.name": name_of(run),
            "context.pipelineRun.namespace": namespace_of(run),
            "context.pipelineRun.uid": uid_of(run),
            "context.pipeline.name": pipeline_name(run),
        }
    )
