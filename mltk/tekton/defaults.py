"""What Tekton's webhook writes into an object that it takes (``*_defaults.go``)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from mltk.tekton import labels
from mltk.tekton.durations import format_duration
from mltk.tekton.objects import Obj, annotations_of, labels_of, spec_of

if TYPE_CHECKING:
    from mltk.tekton.config import Defaults

_GROUPS = ("tekton.dev/", "triggers.tekton.dev/")
_RESERVED = "chains.tekton.dev/"
_SERVER_TYPE = "server/type"


def with_defaults(obj: Obj, defaults: Defaults) -> Obj:
    """An object that admission has taken with what it does not say itself."""
    if obj.get("kind") == "LimitRange":
        from mltk.tekton.limitrangerules import completed

        return completed(obj)
    if obj.get("kind") == "Secret":
        from mltk.tekton.secrets import as_kept

        # One that holds no base64 is kept as it is, and told of where it is read.
        with contextlib.suppress(ValueError):
            return as_kept(obj)
    if not str(obj.get("apiVersion", "")).startswith(_GROUPS) or not spec_of(obj):
        return obj
    # Commands that only read do not wait for the tables to load.
    from mltk.tekton.completion import complete

    obj = {**obj, "spec": complete(obj["kind"], spec_of(obj), defaults)}
    if obj["kind"] == "PipelineRun":
        return {**obj, "spec": _pipeline_run(spec_of(obj), defaults)}
    if obj["kind"] == "TaskRun":
        managed = {labels.MANAGED_BY: defaults.managed_by, **labels_of(obj)}
        return {**_labelled(obj, managed), "spec": _task_run(spec_of(obj), defaults)}
    if obj["kind"] == "ClusterInterceptor":
        return _labelled(obj, {_SERVER_TYPE: "http", **labels_of(obj)})
    if obj["kind"] == "CustomRun" and defaults.service_account:
        named = {"serviceAccountName": defaults.service_account, **spec_of(obj)}
        return {**obj, "spec": named}
    return obj


def without_reserved(obj: Obj) -> Obj:
    """A new run without the annotations that only Tekton Chains may set; others as they are."""
    given = annotations_of(obj)
    kept = {key: value for key, value in given.items() if not key.startswith(_RESERVED)}
    if obj["kind"] not in ("PipelineRun", "TaskRun") or kept == given:
        return obj
    return {**obj, "metadata": {**obj["metadata"], "annotations": kept}}


def _labelled(obj: Obj, found: dict[str, str]) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "labels": found}}


def with_resolver(obj: Obj, resolver: str) -> Obj:
    """An object whose references that name nothing are for a `resolver`, unless that is empty.

    Unlike `with_defaults` it goes before admission, so the object may hold anything.
    """
    if not resolver or not isinstance(obj.get("spec"), dict):
        return obj
    return {**obj, "spec": _resolved(obj["spec"], resolver)}


def _resolved(holder: Any, resolver: str) -> Any:
    if not isinstance(holder, dict):
        return holder
    made = dict(holder)
    for key, found in holder.items():
        if key in ("taskRef", "pipelineRef", "ref") and isinstance(found, dict):
            if not found.get("name") and not found.get("resolver"):
                made[key] = {**found, "resolver": resolver}
        elif key in ("taskSpec", "pipelineSpec"):
            made[key] = _resolved(found, resolver)
        elif key in ("tasks", "finally", "steps") and isinstance(found, list):
            made[key] = [_resolved(each, resolver) for each in found]
    return made


def _pipeline_run(spec: Obj, defaults: Defaults) -> Obj:
    timeouts = spec.get("timeouts") or {}
    template = spec.get("taskRunTemplate") or {}
    made = {**spec, "timeouts": {"pipeline": format_duration(defaults.timeout), **timeouts}}
    if defaults.service_account:
        named = template.get("serviceAccountName") or defaults.service_account
        made["taskRunTemplate"] = {**template, "serviceAccountName": named}
    return made


def _task_run(spec: Obj, defaults: Defaults) -> Obj:
    made = {**spec}
    if defaults.service_account and not spec.get("serviceAccountName"):
        made["serviceAccountName"] = defaults.service_account
    if spec.get("timeout") is None:
        made["timeout"] = format_duration(defaults.timeout)
    return made
