"""A TaskRun -> the steps to start, everything in them substituted.

Rules: ``prepare`` and ``createPod`` in Tekton's ``pkg/reconciler/taskrun/taskrun.go``: params,
context, exit codes, results, workspaces and credentials are replaced one after the other, so that
a param may bring in ``$(workspaces.x.path)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, cast

from mltk.tekton import artifacts, enums, params, pod, specs, workspaces
from mltk.tekton.config import TEKTONS, FeatureFlags
from mltk.tekton.downward import Resources
from mltk.tekton.durations import optional_duration
from mltk.tekton.environment import (
    EnvFrom,
    EnvVar,
    KeyRef,
    environment,
    expand_env,
    read_env,
    read_env_from,
)
from mltk.tekton.fields import Problem, as_tekton_writes
from mltk.tekton.labels import TASK
from mltk.tekton.limitranges import Limits, limited, refusal
from mltk.tekton.objects import (
    Obj,
    by_name,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from mltk.tekton.pod import Mount
from mltk.tekton.podtemplate import with_params
from mltk.tekton.quantities import Quantity, parse_quantity
from mltk.tekton.remote import is_remote
from mltk.tekton.requests import divided
from mltk.tekton.results import (
    MAX_BYTES,
    TOO_LARGE,
    ResultSpec,
    ResultsRejected,
    collect_results,
    read_specs,
    read_step_specs,
    step_results,
    task_values,
    told,
)
from mltk.tekton.runchecks import params_misfit
from mltk.tekton.security import Security
from mltk.tekton.sidecars import Care
from mltk.tekton.substitution import Value, Variables, texts
from mltk.tekton.taskrules import check_task, check_usage
from mltk.tekton.verdicts import TaskRunRejected, listed, user_error

__all__ = [
    "MAX_BYTES", "POD_PATHS", "TOO_LARGE", "EnvFrom", "EnvVar", "KeyRef", "ResolvedStep",
    "ResolvedTask", "ResultSpec", "ResultsRejected", "TaskPaths", "TaskRunRejected", "bindings",
    "collect_results", "environment", "expand_env", "fixed_paths", "resolve", "step_results",
    "task_values", "told",
]  # fmt: skip

OnError = Literal["stopAndFail", "continue"]

_CLAIM = "persistentVolumeClaim"
_RESULT_PATHS = ("results.{}.path", 'results["{}"].path', "results['{}'].path")
_STEP_RESULT_PATHS = tuple(f"step.{each}" for each in _RESULT_PATHS)
# An absolute path below /workspace or /tekton, not one that goes on from a variable or a name.
_FIXED = re.compile(r"(?<![\w.)-])/(?:workspace(?![\w-])|tekton/)")


@dataclass(frozen=True)
class TaskPaths:
    """Where things lie for the steps of one TaskRun; `workspaces` holds only the bound ones.

    Results go to ``<results>/<name>``, those of a step to ``<steps>/step-<name>/results/<name>``,
    exit codes to ``<steps>/step-<name>/exitCode``. Without `workspaces` each is where its
    declaration mounts it.
    """

    results: str
    steps: str
    workspaces: Mapping[str, str] | None
    home: str
    artifacts: str = pod.ARTIFACTS


POD_PATHS = TaskPaths(pod.RESULTS, pod.STEPS, None, pod.CREDENTIALS)
"""Where things lie in a pod."""


@dataclass(frozen=True)
class ResolvedStep:
    """A step as it is to be started. `timeout` in seconds; a `script` has no `command`.

    `command`, `args` and `when` still hold Kubernetes' own ``$(VAR)``, which `expand_env` replaces
    once the environment is known, and results of the steps before; a script is never expanded.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    script: str | None = None
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    working_dir: str | None = None
    timeout: float | None = None
    on_error: OnError = "stopAndFail"
    results_dir: str = ""
    results: tuple[ResultSpec, ...] = ()
    when: tuple[Obj, ...] = ()
    stdout_path: str = ""
    stderr_path: str = ""
    security: Security = field(default_factory=Security)
    mounts: tuple[Mount, ...] = ()
    resources: Resources = field(default_factory=Resources)
    sidecar: bool = False
    pull_policy: str = ""

    @property
    def container(self) -> str:
        """Name of its container."""
        return f"{'sidecar' if self.sidecar else 'step'}-{self.name}"

    @property
    def log(self) -> str:
        """Name of its log, and of what else there is one of for each container."""
        return self.container if self.sidecar else self.name


@dataclass(frozen=True)
class ResolvedTask:
    """A Task with the params and workspaces of one TaskRun; `volumes` are those of its pod."""

    steps: tuple[ResolvedStep, ...]
    results: tuple[ResultSpec, ...]
    volumes: Mapping[str, Obj] = field(default_factory=dict)
    sidecars: tuple[tuple[ResolvedStep, Care], ...] = ()

    @property
    def containers(self) -> tuple[ResolvedStep, ...]:
        """The steps, then the sidecars."""
        return (*self.steps, *(sidecar for sidecar, _ in self.sidecars))


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
    _check_requests(task_spec)
    values = _checked_params(task_run, task_spec)
    _check_bindings(task_run, task_spec)
    _check_claims(task_run, flags)
    _check_step_specs(task_run, task_spec)
    spec = task_spec
    for variables in _passes(task_run, task_spec, values, paths):
        if not any("$(" in each for each in texts(spec)):
            break
        if paths.workspaces is None:
            spec = workspaces.with_own_paths(spec)
        spec = specs.substitute_task(spec, variables)
    spec = _with_own_paths(spec, paths)
    _check_leftovers(task_run, spec, flags)
    spec = workspaces.mounted(spec, bindings(task_run, task_spec))
    template = with_params(spec_of(task_run).get("podTemplate") or {}, params.variables(values))
    around = template.get("securityContext")
    merged, requests = specs.merged_steps(spec), by_name(spec_of(task_run).get("stepSpecs"))
    volumes = pod.volumes_of(spec, len(merged), template["volumes"])
    if why := pod.unknown_volume((*merged, *spec["sidecars"]), volumes):
        raise _no_pod(task_run, f'Pod "{pod.name(task_run)}" is invalid: {why}')
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


def fixed_paths(task_spec: Obj) -> list[str]:
    """Fields that name a path of a pod themselves, e.g. ``steps[0].script``.

    A literal ``/workspace`` or ``/tekton/``, or where to mount something; a runtime that starts
    plain processes cannot offer it.
    """
    places = [("stepTemplate", task_spec.get("stepTemplate") or {})]
    places += [
        (f"{section}[{i}]", each)
        for section in ("steps", "sidecars")
        for i, each in enumerate(task_spec.get(section) or ())
    ]
    literal = [
        f"{place}.{name}"
        for place, container in places
        for name, text in _path_fields(container)
        if _FIXED.search(text)
    ]
    mounted = [
        f"{place}.{section}[{index}].mountPath"
        for place, container in (*places, ("", task_spec))
        for section in ("volumeMounts", "workspaces")
        for index, each in enumerate(container.get(section) or ())
        if each.get("mountPath")
    ]
    last = [
        f"{place}.terminationMessagePath"
        for place, container in places
        if container.get("terminationMessagePath")
    ]
    return literal + [each.removeprefix(".") for each in mounted] + last


def _path_fields(container: Obj) -> Iterator[tuple[str, str]]:
    for name in ("script", "workingDir"):
        yield name, str(container.get(name) or "")
    for name in ("command", "args"):
        for index, text in enumerate(container.get(name) or ()):
            yield f"{name}[{index}]", str(text)
    for entry in container.get("env") or ():
        yield f"env[{entry.get('name')}].value", str(entry.get("value") or "")


def _asking(task: ResolvedTask, task_run: Obj, ranges: Sequence[Limits]) -> ResolvedTask:
    """The Task whose containers ask for what the TaskRun and its namespace make of it."""
    whole, steps = spec_of(task_run).get("computeResources"), len(task.steps)
    parts = divided([step.resources for step in task.steps], whole)
    asked = limited(parts, [sidecar.resources for sidecar, _ in task.sidecars], ranges)
    if why := refusal(asked, ranges, pod.name(task_run)):
        raise _no_pod(task_run, why)
    made = [replace(each, resources=own) for each, own in zip(task.containers, asked, strict=True)]
    care = (each for _, each in task.sidecars)
    sidecars = tuple(zip(made[steps:], care, strict=True))
    return replace(task, steps=tuple(made[:steps]), sidecars=sidecars)


def _check_requests(task_spec: Obj) -> None:
    """A step asks for no more than its limit, or that of the stepTemplate."""
    of_template = _resources(task_spec.get("stepTemplate"), "limits")
    for step in task_spec.get("steps") or ():
        limits = {**of_template, **_resources(step, "limits")}
        for name, asked in _resources(step, "requests").items():
            if name in limits and limits[name].value < asked.value:
                raise _invalid(
                    f"invalid request resource value: {asked} must be less or equal to limit"
                    f" {limits[name]}"
                )


def _resources(container: Obj | None, part: str) -> dict[str, Quantity]:
    found = ((container or {}).get("computeResources") or {}).get(part) or {}
    return {name: parse_quantity(str(amount)) for name, amount in found.items()}


def _checked_params(task_run: Obj, task_spec: Obj) -> dict[str, Value]:
    declared = task_spec.get("params") or []
    values = params.given(spec_of(task_run).get("params"))
    if why := params_misfit(declared, values, open_=False):
        named = _ref_name(task_run)
        raise _invalid(f"invalid input params for task {named}: {why}")
    if why := enums.outside(declared, spec_of(task_run).get("params") or ()):
        raise TaskRunRejected("InvalidParamValue", user_error(why))
    values = params.with_defaults(declared, values)
    places = [task_spec.get("steps"), task_spec.get("stepTemplate")]
    if found := params.out_of_bounds(places, values):
        raise _invalid(f"non-existent param references:{listed(found)}")
    return values


def _check_bindings(task_run: Obj, task_spec: Obj) -> None:
    """An embedded Task may use what is bound without declaring it."""
    declared = by_name(task_spec.get("workspaces"))
    bound = by_name(spec_of(task_run).get("workspaces"))
    for name, workspace in declared.items():
        if name not in bound and not workspace.get("optional"):
            raise _invalid(f'declared workspace "{name}" is required but has not been bound')
    if spec_of(task_run).get("taskSpec"):
        return
    for name in bound:
        if name not in declared:
            raise _invalid(f'workspace binding "{name}" does not match any declared workspace')


def _check_claims(task_run: Obj, flags: FeatureFlags) -> None:
    """Refuse two volumes, which may lie on two nodes (``ValidateOnlyOnePVCIsUsed`` in Tekton)."""
    bound = spec_of(task_run).get("workspaces") or ()
    claims = {each[_CLAIM].get("claimName") for each in bound if each.get(_CLAIM)}
    templates = {each["name"] for each in bound if each.get("volumeClaimTemplate") is not None}
    if flags.coschedule == "workspaces" and len(claims | templates) > 1:
        raise _invalid("more than one PersistentVolumeClaim is bound")


def _check_leftovers(task_run: Obj, spec: Obj, flags: FeatureFlags) -> None:
    """Refuse what does not hold any more once variables are replaced (``createPod`` in Tekton).

    Most of all, a param that nobody declared.
    """
    if found := _leftovers(_Itself(spec), flags):
        raise _no_pod(task_run, as_tekton_writes(found))


@lru_cache(maxsize=16)  # a spec without a variable is the same one in many TaskRuns
def _leftovers(itself: _Itself, flags: FeatureFlags) -> Sequence[Problem]:
    spec = itself.spec
    found = list(check_usage(spec.get("steps") or (), spec.get("params") or (), ""))
    return found or list(check_task(spec, "", alone=False, flags=flags))


@dataclass(frozen=True, eq=False)
class _Itself:
    """A spec that is like no other; nobody changes one."""

    spec: Obj

    def __hash__(self) -> int:
        return id(self.spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.spec is self.spec


def _no_pod(task_run: Obj, why: str) -> TaskRunRejected:
    name = _ref_name(task_run)
    task = f"missing or invalid Task {namespace_of(task_run)}/{name}" if name else ""
    return TaskRunRejected(
        "PodCreationFailed",
        f'failed to create task run pod "{name_of(task_run)}": {why}. '
        f"Maybe {task or 'invalid TaskSpec'}",
    )


def _check_step_specs(task_run: Obj, task_spec: Obj) -> None:
    """Requests for a step are a pod's matter, but the step must be there."""
    names = {step.get("name") for step in task_spec.get("steps") or ()}
    for each in spec_of(task_run).get("stepSpecs") or ():
        if each["name"] not in names:
            raise _invalid(f"invalid StepOverride: No Step named {each['name']}")


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
    return _ref_name(task_run) or name_of(task_run)


def _ref_name(task_run: Obj) -> str:
    """Name of a Task that is not embedded; that of one from elsewhere stands in the label."""
    ref = spec_of(task_run).get("taskRef") or {}
    return str(ref.get("name") or (labels_of(task_run).get(TASK, "") if is_remote(ref) else ""))


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


def _invalid(message: str) -> TaskRunRejected:
    return TaskRunRejected("TaskRunValidationFailed", user_error(message))
