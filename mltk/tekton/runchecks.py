"""Whether a PipelineRun may start: its inputs against its Pipeline, its Tasks against each other.

The order of the checks, their reasons and messages are those of ``reconcile`` in Tekton's
``pkg/reconciler/pipelinerun/pipelinerun.go``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from mltk.errors import NotFound
from mltk.tekton import enums, params
from mltk.tekton.config import Config
from mltk.tekton.matrix import all_params, ill_typed
from mltk.tekton.objects import Obj, by_name, name_of, namespace_of, spec_of
from mltk.tekton.plan import Plan, TaskMissing, pipeline_name
from mltk.tekton.references import ResultRef, parse_result
from mltk.tekton.remote import NO_PIPELINE, Unresolved, described, no_pipeline
from mltk.tekton.substitution import Value, references
from mltk.tekton.variablerules import quoted
from mltk.tekton.verdicts import RunRejected, listed, user_error


def check_inputs(run: Obj, spec: Obj, config: Config) -> None:
    """Params, workspaces and taskRunSpecs of the run against what the Pipeline declares."""
    declared = spec.get("params") or []
    values = params.given(spec_of(run).get("params"))
    run_name = f"PipelineRun {namespace_of(run)}/{name_of(run)}"
    pipeline = f"Pipeline {namespace_of(run)}/{pipeline_name(run)}"

    def reject(reason: str, message: str) -> RunRejected:
        return RunRejected(reason, user_error(f"{run_name} {message}"))

    if found := params.missing(declared, values):
        raise reject(
            "ParameterMissing",
            f"is missing some parameters required by {pipeline}: "
            f"pipelineRun missing parameters: {listed(found)}",
        )
    if found := params.wrong_types(declared, values, open_=False):
        raise reject(
            "ParameterTypeMismatch",
            f"parameters have mismatching types with {pipeline}'s parameters: "
            f"parameters have inconsistent types : {listed(found)}",
        )
    given = spec_of(run).get("params") or ()
    if config.flags.param_enum and (why := enums.outside(declared, given)):
        raise reject("InvalidParamValue", f"parameters have invalid value: {why}")
    if keys := params.missing_keys(declared, values):
        raise reject(
            "ObjectParameterMissKeys",
            f"parameters is missing object keys required by {pipeline}'s parameters: "
            f"pipelineRun missing object keys for parameters: {_map(keys)}",
        )
    known = {s["name"]: params.read_value(s["default"]) for s in declared if "default" in s}
    places = [spec.get("tasks"), spec.get("finally")]
    if found := params.out_of_bounds(places, {**known, **values}):
        raise reject(
            "ParamArrayIndexingInvalid",
            f"failed validation: failed to validate {pipeline}'s parameter which has an invalid "
            f"index while referring to an array: non-existent param references:{listed(found)}",
        )
    _check_bindings(run, spec, reject, pipeline)


def _check_bindings(
    run: Obj, spec: Obj, reject: Callable[[str, str], RunRejected], pipeline: str
) -> None:
    bound = by_name(spec_of(run).get("workspaces"))
    for workspace in spec.get("workspaces") or ():
        if not workspace.get("optional") and workspace["name"] not in bound:
            raise reject(
                "InvalidWorkspaceBindings",
                f"doesn't bind {pipeline}'s Workspaces correctly: pipeline requires workspace "
                f'with name "{workspace["name"]}" be provided by pipelinerun',
            )
    names = {task["name"] for part in ("tasks", "finally") for task in spec.get(part) or ()}
    for each in spec_of(run).get("taskRunSpecs") or ():
        if each.get("pipelineTaskName") not in names:
            raise reject(
                "InvalidTaskRunSpecs",
                "doesn't define taskRunSpecs correctly: pipelineRun's taskrunSpecs defined wrong "
                f'taskName: "{each.get("pipelineTaskName")}", does not exist in Pipeline',
            )


def check_tasks(run: Obj, plan: Plan, written: Obj) -> None:
    """Everything that needs the Tasks themselves: they are there, and fit one another.

    `written` is the Pipeline's spec before anything was put into it.
    """
    originals = by_name([*(written.get("tasks") or ()), *(written.get("finally") or ())])
    pipeline = f"{namespace_of(run)}/{pipeline_name(run)}"
    results: dict[str, set[str]] = {}
    tasks = {**plan.tasks, **plan.finals}
    for name, task in tasks.items():
        _check_on_error(task, pipeline)
        if name in plan.nested:
            _check_nested(plan, task, pipeline)
            continue
        spec = _task_spec(run, plan, task)
        results[name] = {each["name"] for each in spec.get("results") or ()}
        check_task_params(run, plan, task)
        if plan.config.flags.param_enum:
            _check_width(plan, written, originals[name])
    for name in tasks:
        if why := _broken(plan.refs[name], plan, results):
            message = f'invalid result reference in pipeline task "{name}": {why}'
            raise RunRejected("InvalidTaskResultReference", message)
    _check_pipeline_results(run, plan, results)
    _check_optional_workspaces(plan, tasks)


def _task_spec(run: Obj, plan: Plan, task: Obj) -> Obj:
    try:
        return plan.spec_of_task(task)
    except TaskMissing as error:
        pipeline = f"{namespace_of(run)}/{pipeline_name(run)}"
        message = f"Pipeline {pipeline} can't be Run; it contains Tasks that don't exist: "
        raise RunRejected("CouldntGetTask", f"{message}{error}") from None


def _check_on_error(task: Obj, pipeline: str) -> None:
    on_error = task.get("onError") or "stopAndFail"
    why = ""
    if on_error not in ("continue", "stopAndFail"):
        why = 'PipelineTask OnError must be either "continue" or "stopAndFail"'
    elif on_error == "continue" and int(task.get("retries") or 0) > 0:
        why = 'PipelineTask OnError cannot be set to "continue" when Retries is greater than 0'
    if why:
        message = f"Pipeline {pipeline} can't be Run; it has an invalid spec: {why}"
        raise RunRejected("PipelineValidationFailed", user_error(message))


def _check_nested(plan: Plan, task: Obj, pipeline: str) -> None:
    """A Pipeline that a Pipeline refers to is there."""
    try:
        plan.nested_name(task)
        return
    except NotFound as error:
        why = error.what
    except Unresolved as error:
        why = no_pipeline(error)
    ref = task["pipelineRef"]
    name = quoted(ref.get("name") or described(ref))
    raise RunRejected(
        NO_PIPELINE,
        f"Pipeline {pipeline} can't be Run; it contains child Pipelines that don't exist: "
        f"Couldn't retrieve Pipeline {name}: {why}",
    )


def _broken(refs: tuple[ResultRef, ...], plan: Plan, results: Mapping[str, set[str]]) -> str:
    for ref in refs:
        if ref.task in plan.custom:
            continue  # nobody can say what it will write
        if ref.task in plan.nested:
            return (
                f'unable to validate result referencing pipeline task "{ref.task}": '
                "task spec not found"
            )
        if ref.task not in results:
            return f'referenced pipeline task "{ref.task}" does not exist'
        if ref.result not in results[ref.task]:
            return f'"{ref.result}" is not a named result returned by pipeline task "{ref.task}"'
    return ""


def _check_pipeline_results(run: Obj, plan: Plan, results: Mapping[str, set[str]]) -> None:
    for each in plan.spec.get("results") or ():
        found = (parse_result(expression) for expression in references(each.get("value")))
        if why := _broken(tuple(ref for ref in found if ref), plan, results):
            raise RunRejected(
                "InvalidPipelineResultReference",
                f'Failed to resolve pipeline result reference for "{name_of(run)}" with error '
                f'invalid pipeline result "{each["name"]}": {why}',
            )


def _check_optional_workspaces(plan: Plan, tasks: Mapping[str, Obj]) -> None:
    optional = {w["name"] for w in plan.spec.get("workspaces") or () if w.get("optional")}
    for name, task in tasks.items():
        declared = by_name(plan.spec_of_task(task).get("workspaces"))
        for binding in task.get("workspaces") or ():
            outer, inner = binding.get("workspace"), declared.get(binding["name"])
            if outer in optional and inner is not None and not inner.get("optional"):
                message = (
                    f'Optional workspace not supported by task: pipeline workspace "{outer}" is '
                    f'marked optional but pipeline task "{name}" requires it be provided'
                )
                raise RunRejected("RequiredWorkspaceMarkedOptional", user_error(message))


def check_task_params(run: Obj, plan: Plan, task: Obj) -> None:
    """Refuse a task whose params do not fit its Task; those that are still references may."""
    spec = _task_spec(run, plan, task)
    declared, values = spec.get("params") or (), params.given(task.get("params"))
    why = params_misfit(declared, values, open_=True, fanned=all_params(task))
    if why:
        named = plan.task_name(task)
        raise RunRejected(
            "PipelineValidationFailed",
            user_error(
                f"Validation failed for pipelinerun {name_of(run)} with error "
                f"invalid input params for task {named}: {why}"
            ),
        )


def check_matrices(tasks: Iterable[Obj]) -> None:
    """Refuse a run in which a matrix has values that cannot be fanned out.

    The message breaks off where Tekton's does.
    """
    if why := ill_typed(tasks):
        quoted = json.dumps(why, ensure_ascii=False)
        message = f"Failed to validate matrix {quoted} with error %!v(MISSING)"
        raise RunRejected("InvalidMatrixParameterTypes", user_error(message))


def check_values(plan: Plan, task: Obj, given: Iterable[Obj]) -> None:
    """Refuse values that the Task of a PipelineTask does not take."""
    if not plan.config.flags.param_enum:
        return
    if why := enums.outside(plan.spec_of_task(task).get("params") or (), given):
        message = f'Invalid param value from PipelineTask "{task["name"]}": {why}'
        raise RunRejected("InvalidParamValue", user_error(message))


def _check_width(plan: Plan, pipeline: Obj, task: Obj) -> None:
    """Refuse a Pipeline whose params take what a Task would not."""
    declared = plan.spec_of_task(task).get("params") or ()
    called = (task.get("taskRef") or {}).get("name", "")
    if why := enums.too_wide(task, pipeline.get("params") or (), declared, called):
        message = f"Validation failed for pipelinerun with error {why}"
        raise RunRejected("PipelineValidationFailed", user_error(message))


def params_misfit(
    declared: Sequence[Obj],
    values: Mapping[str, Value],
    *,
    open_: bool,
    fanned: Sequence[Obj] = (),
) -> str:
    """Why params do not fit the declared ones of a Task; empty when they do.

    Those that a matrix has `fanned` out come to the Task as texts.
    """
    names = {**values, **{each["name"]: "" for each in fanned}}
    if found := params.missing(declared, names):
        return f"missing values for these params which have no default values: {listed(found)}"
    types = {each["name"]: params.spec_type(each) for each in declared}
    lists = [each["name"] for each in fanned if types.get(each["name"], "string") != "string"]
    if found := params.wrong_types(declared, values, open_=open_) + lists:
        return f"param types don't match the user-specified type: {listed(found)}"
    if keys := params.missing_keys(declared, values):
        return (
            "missing keys for these params which are required in ParamSpec's properties "
            f"{_map(keys)}"
        )
    return ""


def _map(keys: Mapping[str, list[str]]) -> str:
    return f"map[{' '.join(f'{name}:{listed(found)}' for name, found in sorted(keys.items()))}]"
