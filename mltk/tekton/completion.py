"""How Tekton's webhook completes what it keeps: types, kinds of references, one form of values.

Rules: ``SetDefaults`` in ``*_defaults.go`` of Tekton and of Tekton Triggers, and what Go makes of
durations, amounts and values when it reads and writes them. Fields that Go writes though they are
empty (``computeResources: {}``) are not added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mltk.tekton.config import Defaults
from mltk.tekton.durations import format_duration, parse_duration
from mltk.tekton.objects import Obj
from mltk.tekton.params import read_value, spec_type
from mltk.tekton.quantities import parse_quantity
from mltk.tekton.resultrules import with_types
from mltk.tekton.schema import SHAPES, Leaf, Of

_TEMPLATE = "volumeClaimTemplate"


def complete(kind: str, spec: Obj, defaults: Defaults) -> Obj:
    """A spec that admission has taken, as Tekton keeps it."""
    plain = _plain(kind, spec) if kind in SHAPES else spec
    make = _COMPLETE.get(kind)
    return make(plain, defaults) if make else plain


def _plain(shape: str, value: Obj) -> Obj:
    """An object with its durations and values in the form in which Go writes them."""
    fields = SHAPES[shape]
    made = {name: _written(fields[name], found) for name, found in value.items()}
    if made.get(_TEMPLATE):
        made[_TEMPLATE] = _with_amounts(made[_TEMPLATE])
    return made


def _written(kind: Leaf | Of, value: Any) -> Any:
    if value is None:
        return value
    if isinstance(kind, Of):
        if not kind.many:
            return _plain(kind.shape, value)
        return [_plain(kind.shape, each) for each in value]
    if kind == "duration":
        return format_duration(parse_duration(value))
    if kind == "quantity":
        return _amount(value)
    if kind == "quantities":
        return {name: _amount(each) for name, each in value.items()}
    return read_value(value) if kind == "value" else value


def _with_amounts(value: Any) -> Any:
    """A claim, whose fields are not looked at here, with its amounts in their one form."""
    if not isinstance(value, dict):
        return value
    made = {name: _with_amounts(each) for name, each in value.items()}
    for name in made.keys() & {"requests", "limits"}:
        if isinstance(made[name], dict):
            made[name] = {key: _amount(each) for key, each in made[name].items()}
    return made


def _amount(value: Any) -> Any:
    try:
        return str(parse_quantity(str(value)))
    except ValueError:
        return value


def _task(spec: Obj, _: Defaults) -> Obj:
    made = _each(spec, "params", _param)
    return _each(made, "results", with_types)


def _pipeline(spec: Obj, defaults: Defaults) -> Obj:
    made = _each(spec, "params", _param)
    for section in ("tasks", "finally"):
        made = _each(made, section, lambda task: _pipeline_task(task, defaults))
    return made


def _pipeline_task(task: Obj, defaults: Defaults) -> Obj:
    made = _inside(task, "taskRef", _ref)
    return _inside(made, "taskSpec", lambda spec: _task(spec, defaults))


def _pipeline_run(spec: Obj, defaults: Defaults) -> Obj:
    return _inside(spec, "pipelineSpec", lambda found: _pipeline(found, defaults))


def _task_run(spec: Obj, defaults: Defaults) -> Obj:
    made = _inside(spec, "taskRef", _ref)
    return _inside(made, "taskSpec", lambda found: _task(found, defaults))


def _param(spec: Obj) -> Obj:
    made = {**spec, "type": spec_type(spec)}
    if spec.get("properties") is not None:
        keys = spec["properties"].items()
        made["properties"] = {key: {"type": "string", **(each or {})} for key, each in keys}
    return made


def _ref(ref: Obj) -> Obj:
    return ref if ref.get("kind") or ref.get("resolver") else {**ref, "kind": "Task"}


def _trigger(trigger: Obj) -> Obj:
    made = _each(trigger, "bindings", _binding)
    return _with_interceptors(made)


def _binding(binding: Obj) -> Obj:
    return {**binding, "kind": binding.get("kind") or "TriggerBinding"}


def _with_interceptors(holder: Obj) -> Obj:
    def known(each: Obj) -> Obj:
        ref = each.get("ref") or {}
        return {**each, "ref": {**ref, "kind": ref.get("kind") or "ClusterInterceptor"}}

    return _each(holder, "interceptors", known)


def _listener(spec: Obj, _: Defaults) -> Obj:
    made = {**spec, "serviceAccountName": spec.get("serviceAccountName") or "default"}
    made = _each(_each(made, "triggers", _trigger), "triggerGroups", _with_interceptors)
    resource = (made.get("resources") or {}).get("kubernetesResource") or {}
    if resource.get("replicas") == 0:
        one = {**resource, "replicas": 1}
        made["resources"] = {**made["resources"], "kubernetesResource": one}
    return made


def _each(holder: Obj, field: str, change: Callable[[Obj], Obj]) -> Obj:
    """An object with every entry of a list in it changed."""
    if not holder.get(field):
        return holder
    return {**holder, field: [change(each) for each in holder[field]]}


def _inside(holder: Obj, field: str, change: Callable[[Obj], Obj]) -> Obj:
    """An object with one in it changed."""
    if holder.get(field) is None:
        return holder
    return {**holder, field: change(holder[field])}


_COMPLETE: dict[str, Callable[[Obj, Defaults], Obj]] = {
    "Task": _task,
    "StepAction": _task,
    "Pipeline": _pipeline,
    "PipelineRun": _pipeline_run,
    "TaskRun": _task_run,
    "Trigger": lambda spec, _: _trigger(spec),
    "EventListener": _listener,
}
