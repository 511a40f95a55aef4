"""A PipelineRun that may start: its Pipeline with all inputs in place, and the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mltk.errors import NotFound
from mltk.tekton import dag
from mltk.tekton.child import Child
from mltk.tekton.config import TEKTONS, Config
from mltk.tekton.matrix import is_matrixed
from mltk.tekton.objects import Obj, name_of, namespace_of, spec_of, uid_of
from mltk.tekton.references import ResultRef
from mltk.tekton.substitution import Variables

TaskSpecs = Callable[[str], Obj]


@dataclass(frozen=True)
class Plan:
    """A run that may start. `spec` is the Pipeline's with the run's params and contexts in it.

    `task_spec` gives the spec of a Task as it is now, `config` says what Tekton is set to; `seen`
    are TaskRuns by name, which are read once for many decisions.
    """

    spec: Obj
    tasks: Mapping[str, Obj]
    finals: Mapping[str, Obj]
    graph: dag.Graph
    refs: Mapping[str, tuple[ResultRef, ...]]
    task_spec: TaskSpecs
    config: Config = TEKTONS
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
    def plain(self) -> frozenset[str]:
        """Names of the tasks of which no more is shown, once they have TaskRuns, than these."""
        tasks = {**self.tasks, **self.finals}
        return frozenset(
            name
            for name, task in tasks.items()
            if not (task.get("when") or task.get("displayName"))
        )

    def spec_of_task(self, task: Obj) -> Obj:
        """The spec of a PipelineTask's Task, embedded or by reference."""
        if task.get("taskSpec"):
            return dict(task["taskSpec"])
        name = (task.get("taskRef") or {}).get("name", "")
        try:
            return self.task_spec(name)
        except NotFound as error:
            raise TaskMissing(name, error.what) from None


class TaskMissing(Exception):
    """A Task that a Pipeline refers to is not there."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f'Couldn\'t retrieve Task "{name}": {why}')


def pipeline_name(run: Obj) -> str:
    """Name of the run's Pipeline; a run that embeds its Pipeline gives it its own name."""
    return str((spec_of(run).get("pipelineRef") or {}).get("name") or name_of(run))


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
