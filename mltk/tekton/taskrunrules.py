"""What must hold in a TaskRun (``taskrun_validation.go`` of Tekton), in Tekton's words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mltk.tekton import params
from mltk.tekton.config import Config
from mltk.tekton.fields import Problem, repeated
from mltk.tekton.objects import Obj, by_name
from mltk.tekton.paramrules import by_type, check_param_specs
from mltk.tekton.refs import check_ref
from mltk.tekton.specs import merged_steps
from mltk.tekton.steprules import check_lists
from mltk.tekton.taskrules import check_runnable, check_task, check_usage

_STATUSES = ("TaskRunCancelled", "TaskRunPending")
# Sources of a workspace, and how Tekton writes them when there is not exactly one.
_SOURCES = {
    "persistentVolumeClaim": "persistentvolumeclaim",
    "volumeClaimTemplate": "volumeclaimtemplate",
    "emptyDir": "emptydir",
    "configMap": "configmap",
    "secret": "secret",
    "projected": "",
    "csi": "",
}
# What a source must name.
_NAMED = {
    "persistentVolumeClaim": ("claimName", "persistentvolumeclaim.claimname"),
    "configMap": ("name", "configmap.name"),
    "secret": ("secretName", "secret.secretName"),
    "projected": ("sources", "projected.sources"),
    "csi": ("driver", "csi.driver"),
}
_BOTH = "expected exactly one, got both"
_NEITHER = "expected exactly one, got neither"
_MISSING = "missing field(s)"


def check_task_run(spec: Obj, path: str, config: Config) -> Iterator[Problem]:
    """Problems of a TaskRun's spec."""
    yield from _check_task(spec, path, config)
    given = spec.get("params") or []
    for name in repeated(each["name"] for each in given).values():
        yield Problem(f"{path}.params[{name}].name", _BOTH)
    yield from check_bindings(spec.get("workspaces") or (), f"{path}.workspaces")
    yield from check_requests(spec, path)
    status, why = spec.get("status") or "", spec.get("statusMessage") or ""
    if status and status not in _STATUSES:
        what = f"invalid value: {status} should be {' or '.join(_STATUSES)}"
        yield Problem(f"{path}.status", what)
    if why and not status:
        what = "statusMessage should not be set if status is not set, but it is currently set to"
        yield Problem(f"{path}.statusMessage", f"invalid value: {what} {why}")
    if (spec.get("retries") or 0) < 0:
        yield Problem(f"{path}.retries", f"invalid value: {spec['retries']} should be >= 0")


def check_bindings(bindings: Iterable[Obj], path: str) -> Iterator[Problem]:
    """Problems of the workspaces that a run brings (``workspace_validation.go``)."""
    listed = list(bindings)
    for index in repeated(each["name"] for each in listed):
        yield Problem(f"{path}[{index}].name", _BOTH)
    for index, each in enumerate(listed):
        yield from check_binding(each, f"{path}[{index}]")


def check_requests(spec: Obj, path: str) -> Iterator[Problem]:
    """What a Task asks for and what its steps ask for exclude each other."""
    for field in ("stepSpecs", "sidecarSpecs"):
        listed = spec.get(field) or []
        for index in repeated(each["name"] for each in listed):
            yield Problem(f"{path}.{field}[{index}].name", _BOTH)
    steps = spec.get("stepSpecs") or ()
    if spec.get("computeResources") is not None and any(s.get("computeResources") for s in steps):
        yield Problem(f"{path}.computeResources, {path}.stepSpecs.resources", _BOTH)


def _check_task(spec: Obj, path: str, config: Config) -> Iterator[Problem]:
    ref, own = spec.get("taskRef"), spec.get("taskSpec")
    if (ref is None) == (own is None):
        what = _NEITHER if ref is None else _BOTH
        yield Problem(f"{path}.taskRef, {path}.taskSpec", what)
    if ref is not None:
        yield from check_ref(ref, f"{path}.taskRef")
    if own is not None:
        here = f"{path}.taskSpec"
        yield from check_task(own, here, alone=False, flags=config.flags)
        yield from _check_inline(spec.get("params") or [], own, here)
        yield from check_runnable(own, here)


def _check_inline(given: list[Obj], own: Obj, path: str) -> Iterator[Problem]:
    """Params of the run count as declared by its Task (``validateInlineParameters``).

    Tekton names the places as if the steps stood in the run itself.
    """
    declared = {each["name"]: _declared(each) for each in given}
    for each in own.get("params") or ():
        run, name = declared.get(each["name"]), each["name"]
        if run is not None and run["type"] == "object" and each.get("properties") is None:
            yield Problem(f"{path}.{name}.properties", _MISSING)
        elif run is None:
            declared[name] = each
        elif run["type"] == "object":
            declared[name] = {**run, "properties": each["properties"]}
    all_declared = list(declared.values())
    brought = [each for each in all_declared if each["name"] not in by_name(own.get("params"))]
    yield from check_param_specs(brought, f"{path}.params")
    steps = merged_steps(own)
    lists = by_type(brought)["array"]
    for index, step in enumerate(steps):
        yield from check_lists(step, f"{path}.steps[{index}]", lists)
    yield from check_usage(steps, all_declared, path)


def _declared(param: Obj) -> Obj:
    """A param as if it were declared with its value (``createParamSpecFromParam``)."""
    value = params.read_value(param.get("value"))
    made: Obj = {"name": param["name"], "type": params.type_of(value)}
    if isinstance(value, dict):
        made["properties"] = {key: {"type": "string"} for key in value}
    return made


def check_binding(binding: Obj, path: str) -> Iterator[Problem]:
    """A workspace comes from one source, which says where it is."""
    found = [source for source in _SOURCES if binding.get(source) is not None]
    if len(found) != 1:
        places = ", ".join(sorted(f"{path}.{name}" for name in _SOURCES.values() if name))
        yield Problem(places, _BOTH if found else _NEITHER)
        return
    (source,) = found
    field, place = _NAMED.get(source, ("", ""))
    if field and not binding[source].get(field):
        yield Problem(f"{path}.{place}", _MISSING)
