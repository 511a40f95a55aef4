"""What Tekton's webhook writes into a run when it is created (``*_defaults.go``)."""

from __future__ import annotations

from mltk.tekton import labels
from mltk.tekton.config import Defaults
from mltk.tekton.durations import format_duration
from mltk.tekton.objects import Obj, labels_of, spec_of


def with_defaults(obj: Obj, defaults: Defaults) -> Obj:
    """A PipelineRun or TaskRun with what it does not say itself; other kinds as they are."""
    if obj["kind"] == "PipelineRun":
        return {**obj, "spec": _pipeline_run(spec_of(obj), defaults)}
    if obj["kind"] == "TaskRun":
        managed = {labels.MANAGED_BY: defaults.managed_by, **labels_of(obj)}
        metadata = {**obj["metadata"], "labels": managed}
        return {**obj, "metadata": metadata, "spec": _task_run(spec_of(obj), defaults)}
    return obj


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
    if (spec.get("taskRef") or {}).get("name") and not spec["taskRef"].get("kind"):
        made["taskRef"] = {**spec["taskRef"], "kind": "Task"}
    return made
