"""The run that makes a registered model again: that of a delivery, with another pipeline.

It has no label of a delivery, so nothing takes it for one: neither what is up to date, nor a
window, nor a queue, nor the status of a commit.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping
from typing import Any

import yaml

from mltk.project.compile import name_prefix, run_manifest
from mltk.project.insertion import LEARNS, READS
from mltk.project.key import START, KeyParts
from mltk.project.placement import Resources
from mltk.project.request import RunRequest
from mltk.project.spec import Project
from mltk.project.warm import with_start
from mltk.registry.origin import Origin

LABEL = "mltk.dev/reproduces"
"""On the run: the model that it makes again."""

REFERENCE = "mltk.dev/reference"
"""An annotation of the run: which version of the model, or which run."""

# As whom the tasks run that are not of a delivery.
_ACCOUNTS = {"recall-model": READS, "recall-champion": READS, "compare-models": LEARNS}


def reproduction_manifest(
    project: Project,
    origin: Origin,
    *,
    repo_url: str,
    tracking_uri: str,
    namespace: str,
    strict: bool,
) -> dict[str, Any]:
    """The PipelineRun that makes the model of `origin` again and registers nothing."""
    request = _request(project, origin, repo_url)
    delivery = run_manifest(project, request, tracking_uri=tracking_uri, namespace=namespace)
    return _instead(delivery, origin, strict=strict)


def _request(project: Project, origin: Origin, repo_url: str) -> RunRequest:
    spec = project.models.get(origin.name)
    return RunRequest(
        project=project.project,
        model=origin.name,
        repo_url=repo_url,
        revision=origin.revision,
        data_version=origin.data_version,
        parts=KeyParts(data=origin.data_version, spec="", code="", seed=""),
        key="",
        policy="",
        deploy_folder="",
        resources=spec.resources if spec else Resources(),
        image=project.cluster.image,
        window=origin.window,
    )


def _instead(delivery: Mapping[str, Any], origin: Origin, *, strict: bool) -> dict[str, Any]:
    pipeline = pipeline_spec()
    if start := origin.key_parts.get(START):
        pipeline["tasks"] = with_start(pipeline["tasks"], start)
    spec = dict(delivery["spec"])
    known = {each["name"] for each in pipeline["params"]}
    given = {each["name"]: each["value"] for each in spec["params"] if each["name"] in known}
    given |= {"reference": origin.reference, "strict": str(strict).lower()}
    if origin.parameters:
        given["parameters"] = json.dumps(dict(origin.parameters), sort_keys=True)
    del spec["pipelineRef"]
    spec.pop("status", None)  # it waits in no queue
    spec |= {
        "pipelineSpec": pipeline,
        "params": [{"name": name, "value": value} for name, value in given.items()],
        "taskRunSpecs": _task_run_specs(spec["taskRunSpecs"], pipeline),
    }
    return {**delivery, "metadata": _metadata(delivery["metadata"], origin), "spec": spec}


def _metadata(delivery: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    return {
        "generateName": f"again-{name_prefix(origin.name)}",
        "namespace": delivery["namespace"],
        "labels": {
            "app.kubernetes.io/part-of": "mltk",
            LABEL: delivery["labels"]["mltk.dev/model"],
        },
        "annotations": {REFERENCE: origin.reference},
    }


def _task_run_specs(
    deliveries: list[dict[str, Any]], pipeline: Mapping[str, Any]
) -> list[dict[str, Any]]:
    known = {each["pipelineTaskName"]: each for each in deliveries}
    return [
        known.get(name) or {"pipelineTaskName": name, "serviceAccountName": _ACCOUNTS[name]}
        for name in (task["name"] for task in pipeline["tasks"])
    ]


def as_installed(run: Mapping[str, Any], delivery: Mapping[str, Any]) -> dict[str, Any]:
    """The run with the image and the Secrets that the installed Pipeline `delivery` names."""
    usual = {
        each["name"]: each["default"] for each in delivery["spec"]["params"] if "default" in each
    }
    pipeline = run["spec"]["pipelineSpec"]
    params = [
        {**each, "default": usual.get(each["name"], each["default"])} if "default" in each else each
        for each in pipeline["params"]
    ]
    spec = {**run["spec"], "pipelineSpec": {**pipeline, "params": params}}
    return {**run, "spec": spec}


def pipeline_spec() -> dict[str, Any]:
    """The pipeline of a reproduction."""
    text = (
        importlib.resources.files("mltk.project").joinpath("reproduction.yaml").read_text("utf-8")
    )
    spec: dict[str, Any] = yaml.safe_load(text)
    return spec
