"""Tasks and Pipelines of older versions, as the present one writes them.

Rules: ``ConvertTo`` in Tekton's ``pkg/apis/pipeline/v1beta1/*_conversion.go``. What the present
version has no place for stays, so that admission refuses it by name.
"""

from __future__ import annotations

from typing import Any

from mltk.tekton.objects import Obj

_VERSIONS = {
    ("Task", "tekton.dev/v1beta1"): "tekton.dev/v1",
    ("Pipeline", "tekton.dev/v1beta1"): "tekton.dev/v1",
    ("StepAction", "tekton.dev/v1alpha1"): "tekton.dev/v1beta1",
}


def to_v1(obj: Obj) -> Obj:
    """The object in the present version of its kind; one of another version stays as it is."""
    version = _VERSIONS.get((str(obj["kind"]), str(obj["apiVersion"])))
    if version is None:
        return obj
    made = {**obj, "apiVersion": version}
    if isinstance(spec := obj.get("spec"), dict):
        convert = {"Task": _task, "Pipeline": _pipeline}.get(str(obj["kind"]))
        made["spec"] = convert(spec) if convert else spec
    return made


def _pipeline(spec: Obj) -> Obj:
    made = dict(spec)
    for section in ("tasks", "finally"):
        if isinstance(spec.get(section), list):
            made[section] = [_pipeline_task(each) for each in spec[section]]
    return made


def _pipeline_task(task: Any) -> Any:
    if not isinstance(task, dict):
        return task
    made = dict(task)
    if isinstance(task.get("taskSpec"), dict):
        made["taskSpec"] = _task(task["taskSpec"])
    if isinstance(ref := task.get("taskRef"), dict) and ref.get("bundle"):
        made["taskRef"] = _from_bundle(ref)
    return made


def _from_bundle(ref: Obj) -> Obj:
    params = {"bundle": ref["bundle"], "name": ref.get("name"), "kind": ref.get("kind", "Task")}
    listed = [{"name": name, "value": value} for name, value in params.items()]
    return {"resolver": "bundles", "params": listed}


def _task(spec: Obj) -> Obj:
    made = dict(spec)
    for section in ("steps", "sidecars"):
        if isinstance(spec.get(section), list):
            made[section] = [_container(each) for each in spec[section]]
    if "stepTemplate" in spec:
        made["stepTemplate"] = _container(spec["stepTemplate"])
    return made


def _container(container: Any) -> Any:
    if not isinstance(container, dict) or "resources" not in container:
        return container
    made = {key: found for key, found in container.items() if key != "resources"}
    return {**made, "computeResources": container["resources"]}
