"""A TaskRun -> the steps to start, everything in them substituted.

Rules: ``prepare`` and ``createPod`` in Tekton's ``pkg/reconciler/taskrun/taskrun.go``: params,
context, exit codes, results, workspaces and credentials are replaced one after the other, so that
a param may bring in ``$(workspaces.x.path)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from mltk.tekton import artifacts, params, pod, specs, workspaces
from mltk.tekton.config import TEKTONS, FeatureFlags
from mltk.tekton.durations import optional_duration
from mltk.tekton.environment import read_env, read_env_from
from mltk.tekton.limitranges import Limits, limited, refusal
from mltk.tekton.objects import Obj, by_name, name_of, namespace_of, spec_of, status_of, uid_of
from mltk.tekton.podchecks import (
    check_bindings,
    check_claims,
    check_leftovers,
    check_requests,
    check_step_specs,
    checked_params,
    no_pod,
    task_ref,
)
from mltk.tekton.podtemplate import with_params
from mltk.tekton.requests import divided
from mltk.tekton.resolved import OnError, ResolvedStep, ResolvedTask, TaskPaths
from mltk.tekton.results import read_specs, read_step_specs
from mltk.tekton.security import Security
from mltk.tekton.sidecars import Care
from mltk.tekton.substitution import Value, Variables, texts

_RESULT_PATHS = ("results.{}.path", 'results["{}"].path', "results['{}'].path")
_STEP_RESULT_PATHS = tuple(f"step.{each}" for each in _RESULT_PATHS)


def resolve(
    task_run: Obj,
    task_spec: Obj,
    paths: TaskPaths,
    flags: FeatureFlags = TEKTONS.flags,
    ranges: Sequence[Limits] = (),
) -> ResolvedTask:
    """What a TaskRun runs, in a namespace with LimitRanges of these `ranges`.

    Raises TaskRunRejected for params or workspaces that do not fit, and for a pod that Kubernetes
    does not take.
    """
    check_requests(task_spec)
    values = checked_params(task_run, task_spec)
    check_bindings(task_run, task_spec)
    check_claims(task_run, flags)
    check_step_specs(task_run, task_spec)
    spec = task_spec
    for variables in _passes(task_run, task_spec, values, paths):
        if not any("$(" in each for each in texts(spec)):
            break
        if paths.workspaces is None:
            spec = workspaces.with_own_paths(spec)
        spec = specs.substitute_task(spec, variables)
    spec = _with_own_paths(spec, paths)
    check_leftovers(task_run, spec, flags)
    spec = workspaces.mounted(spec, bindings(task_run, task_spec))
    template = with_params(spec_of(task_run).get("podTemplate") or {}, params.variables(values))
    around = template.get("securityContext")
    merged, requests = specs.merged_steps(spec), by_name(spec_of(task_run).get("stepSpecs"))
    volumes = pod.volumes_of(spec, len(merged), template["volumes"])
    if why := pod.unknown_volume((*merged, *spec["sidecars"]), volumes):
        raise no_pod(task_run, f'Pod "{pod.name(task_run)}" is invalid: {why}')
    merged = [{**step, "env": _env(step, template)} for step in merged]
    steps = tuple(
        _step(step, index, len(merged), paths, requests, around)
        for index, step in enumerate(merged)
    )
    asked = by_name(spec_of(task_run).get("sidecarSpecs"))
    sidecars = tuple(
        (_sidecar(each, asked.get(each.get("name") or "", {}), around), Care.read(each))
        for each in spec["sidecars"]
    )
    task = ResolvedTask(steps, read_specs(task_spec.get("results") or ()), volumes, sidecars)
    return _asking(task, task_run, ranges)


def bindings(task_run: Obj, task_spec: Obj) -> list[Obj]:
    """Workspace bindings of a TaskRun with its params in them, templates of claims as claims."""
    given = spec_of(task_run).get("workspaces")
    if not given:
        return []
    values = params.given(spec_of(task_run).get("params"))
    values = params.with_defaults(task_spec.get("params") or (), values)
    found = specs.substitute_bindings(given, params.variables(values))
    return [workspaces.with_claim(binding, uid_of(task_run)) for binding in found]


def _asking(task: ResolvedTask, task_run: Obj, ranges: Sequence[Limits]) -> ResolvedTask:
    """The Task whose containers ask for what the TaskRun and its namespace make of it."""
    whole, steps = spec_of(task_run).get("computeResources"), len(task.steps)
    parts = divided([step.resources for step in task.steps], whole)
    asked = limited(parts, [sidecar.resources for sidecar, _ in task.sidecars], ranges)
    if why := refusal(asked, ranges, pod.name(task_run)):
        raise no_pod(task_run, why)
    made = [replace(each, resources=own) for each, own in zip(task.containers, asked, strict=True)]
    care = (each for _, each in task.sidecars)
    sidecars = tuple(zip(made[steps:], care, strict=True))
    return replace(task, steps=tuple(made[:steps]), sidecars=sidecars)


def _passes(
    task_run: Obj, spec: Obj, values: Mapping[str, Value], paths: TaskPaths
) -> Iterator[Variables]:
    known = params.variables(values)
    yield known
    context = Variables(
        {
            "context.taskRun.name": name_of(task_run),
            "context.taskRun.namespace": namespace_of(task_run),
            "context.taskRun.uid": uid_of(task_run),
            "context.task.name": _task_name(task_run),
            "context.task.retry-count": str(len(status_of(task_run).get("retriesStatus") or ())),
        }
    )
    yield context
    steps = [specs.step_name(step, i) for i, step in enumerate(spec.get("steps") or ())]
    yield Variables(
        {f"steps.step-{n}.exitCode.path": f"{paths.steps}/step-{n}/exitCode" for n in steps}
    )
    yield Variables(
        {
            pattern.format(each["name"]): f"{paths.results}/{each['name']}"
            for each in spec.get("results") or ()
            for pattern in _RESULT_PATHS
        }
    )
    declared = [
        specs.substitute_mount_path(each, known | context) for each in spec.get("workspaces") or ()
    ]
    yield workspaces.variables(declared, bindings(task_run, spec), paths.workspaces)
    # Tekton copies credentials into the home of each step.
    yield Variables({"credentials.path": paths.home})


def _with_own_paths(spec: Obj, paths: TaskPaths) -> Obj:
    """The spec with the paths that are others in each step, e.g. ``$(step.results.NAME.path)``."""
    steps = []
    for index, step in enumerate(spec.get("steps") or ()):
        own = f"{paths.steps}/step-{specs.step_name(step, index)}"
        names = [each["name"] for each in step.get("results") or ()]
        found = {
            pattern.format(name): f"{own}/results/{name}"
            for name in names
            for pattern in _STEP_RESULT_PATHS
        }
        if any(artifacts.TASK_PATH in each for each in texts(step)):
            found[artifacts.STEP_PATH] = f"{own}/artifacts/provenance.json"
            found[artifacts.TASK_PATH] = f"{paths.artifacts}/provenance.json"
        steps.append(specs.substitute_container(step, Variables(found)) if found else step)
    return spec if steps == spec.get("steps") else {**spec, "steps": steps}


def _task_name(task_run: Obj) -> str:
    """A Task that is embedded has the name of its TaskRun."""
    return task_ref(task_run) or name_of(task_run)


def _sidecar(sidecar: Obj, override: Obj, around: Obj | None) -> ResolvedStep:
    return ResolvedStep(
        name=sidecar.get("name") or "",
        image=sidecar.get("image", ""),
        command=tuple(sidecar.get("command") or ()),
        args=tuple(sidecar.get("args") or ()),
        script=sidecar.get("script") or None,
        env=read_env(sidecar.get("env") or ()),
        env_from=read_env_from(sidecar.get("envFrom") or ()),
        working_dir=sidecar.get("workingDir") or None,
        mounts=pod.sidecar_mounts(sidecar),
        resources=pod.resources_of(sidecar, override),
        security=Security.of(sidecar.get("securityContext"), around),
        sidecar=True,
        pull_policy=sidecar.get("imagePullPolicy") or "",
    )


def _env(step: Obj, template: Obj) -> list[Obj]:
    """The variables of a step; those of a podTemplate count more."""
    return [*(step.get("env") or ()), *template["env"]]


def _step(
    step: Obj,
    index: int,
    count: int,
    paths: TaskPaths,
    requests: Mapping[str, Obj],
    around: Obj | None,
) -> ResolvedStep:
    name = specs.step_name(step, index)
    on_error = step.get("onError") or "stopAndFail"
    timeout = optional_duration(step.get("timeout"))
    return ResolvedStep(
        name=name,
        image=step.get("image", ""),
        command=tuple(step.get("command") or ()),
        args=tuple(step.get("args") or ()),
        script=step.get("script") or None,
        env=read_env(step.get("env") or ()),
        env_from=read_env_from(step.get("envFrom") or ()),
        working_dir=step.get("workingDir") or None,
        timeout=timeout.total_seconds() if timeout else None,
        on_error=cast(OnError, on_error),
        results_dir=f"{paths.steps}/step-{name}/results",
        results=read_step_specs(step.get("results") or (), named=bool(step.get("name"))),
        when=tuple(step.get("when") or ()),
        stdout_path=(step.get("stdoutConfig") or {}).get("path") or "",
        stderr_path=(step.get("stderrConfig") or {}).get("path") or "",
        security=Security.of(step.get("securityContext"), around),
        mounts=pod.step_mounts(step, index, count),
        resources=pod.resources_of(step, requests.get(step.get("name") or "", {})),
        pull_policy=step.get("imagePullPolicy") or "",
    )
