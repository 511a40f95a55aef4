"""From a PipelineRun and its Pipeline to a plan of what is to run."""

from __future__ import annotations

from mltk.tekton import dag, params, specs
from mltk.tekton.config import TEKTONS, Config
from mltk.tekton.objects import Obj, by_name, name_of, namespace_of, spec_of, status_of
from mltk.tekton.plan import (
    ALONE,
    Plan,
    Surroundings,
    TaskSpecs,
    context_variables,
    pipeline_name,
)
from mltk.tekton.references import ResultRef, dependencies, result_refs
from mltk.tekton.runchecks import check_inputs, check_tasks
from mltk.tekton.substitution import Variables
from mltk.tekton.verdicts import RunRejected, user_error

Refs = dict[str, tuple[ResultRef, ...]]


def make_plan(
    run: Obj,
    pipeline_spec: Obj,
    task_spec: TaskSpecs,
    config: Config = TEKTONS,
    around: Surroundings = ALONE,
) -> Plan:
    """Check a run and lay out its tasks; RunRejected when it cannot run.

    Raises StillResolving while a Task that lies elsewhere has not come.

    A run that started already keeps the spec in its status, whatever became of the Pipeline.
    """
    started = status_of(run).get("pipelineSpec")
    if not started:
        _graph(run, pipeline_spec, _refs(pipeline_spec))
        check_inputs(run, pipeline_spec, config)
    spec = started or _apply(run, pipeline_spec)
    tasks, finals, refs = by_name(spec.get("tasks")), by_name(spec.get("finally")), _refs(spec)
    plan = Plan(spec, tasks, finals, _graph(run, spec, refs), refs, task_spec, config, around)
    if not started:
        plan.ask()
        check_tasks(run, plan, pipeline_spec)
    return plan


def _refs(spec: Obj) -> Refs:
    tasks = [*(spec.get("tasks") or ()), *(spec.get("finally") or ())]
    return {task["name"]: result_refs(task) for task in tasks}


def _graph(run: Obj, spec: Obj, refs: Refs) -> dag.Graph:
    tasks = spec.get("tasks") or []
    parents = {task["name"]: dependencies(task, refs[task["name"]]) for task in tasks}
    where = f"PipelineRun {namespace_of(run)}/{name_of(run)}'s Pipeline DAG is invalid"
    try:
        graph = dag.build([task["name"] for task in tasks], parents)
    except dag.InvalidGraph as error:
        raise RunRejected("PipelineInvalidGraph", user_error(f"{where}: {error}")) from None
    try:
        dag.build([task["name"] for task in spec.get("finally") or []], {})
    except dag.InvalidGraph as error:
        message = f"{where} for finally clause: {error}"
        raise RunRejected("PipelineInvalidGraph", user_error(message)) from None
    return graph


def _apply(run: Obj, spec: Obj) -> Obj:
    """Put params, contexts and `workspaces.x.bound` into the tasks: three passes, as in Tekton."""
    given = params.given(spec_of(run).get("params"))
    try:
        values = params.with_nested_defaults(spec.get("params") or (), given)
    except ValueError as error:
        where = f"Pipeline {namespace_of(run)}/{pipeline_name(run)}"
        message = f"Failed to apply parameters to {where}: {error}"
        raise RunRejected("PipelineValidationFailed", user_error(message)) from None
    # As in Tekton, a default gives single keys of an object that lacks them, not the whole object.
    whole = Variables(objects=params.variables(given).objects)
    known = params.variables(values) | whole
    for variables in (known, context_variables(run), _bound(run, spec)):
        spec = specs.substitute_pipeline(spec, variables)
    return spec


def _bound(run: Obj, spec: Obj) -> Variables:
    texts = {f"workspaces.{each['name']}.bound": "false" for each in spec.get("workspaces") or ()}
    bindings = spec_of(run).get("workspaces") or ()
    return Variables(texts | {f"workspaces.{each['name']}.bound": "true" for each in bindings})
