"""Project file -> Tekton objects: the run that delivers a model, and the manifests it refers to.

The only place where what is learnt becomes Kubernetes YAML. Pure but for reading files of the
package itself.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from mltk.project.queue import queue_annotations
from mltk.project.request import RunRequest
from mltk.project.spec import Project
from mltk.project.templates import render

PIPELINE = "model-delivery"
TASKS = (
    "fetch-data",
    "train-model",
    "gate-model",
    "register-model",
    "deploy-model",
    "report",
)
"""The tasks of the Pipeline, each with a ServiceAccount `mltk-TASK` of its own."""

MORE_TASKS = ("recall-champion", "recall-trials")
"""Those that some runs refer to besides (`mltk.project.warm`, `mltk.project.search`)."""

STEPS = ("validate", "train", "evaluate", "export", "verify")
"""The steps of train-model, each with what it may use."""


def run_manifest(
    project: Project,
    request: RunRequest,
    *,
    tracking_uri: str,
    namespace: str | None = None,
    params: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The PipelineRun of `model-delivery` that does what `request` asks.

    `params` replace or add to the params of the run, e.g. `{"image": "registry/mltk:1"}`.
    """
    text = render_run(
        project, request, tracking_uri=tracking_uri, namespace=namespace, params=params
    )
    manifest: dict[str, Any] = yaml.safe_load(text)
    return manifest


def render_run(
    project: Project,
    request: RunRequest,
    *,
    tracking_uri: str,
    namespace: str | None = None,
    params: Mapping[str, str] | None = None,
) -> str:
    """The same as YAML to read or to keep; same input, same bytes."""
    given = {
        "repo-url": request.repo_url,
        "revision": request.revision,
        "model": request.model,
        "data-version": request.data_version,
        "tracking-uri": tracking_uri,
        "experiment": project.tracking.experiment or project.project,
        "deploy-folder": request.deploy_folder,
    }
    if request.window:
        given["window"] = request.window
    if request.image:
        given["image"] = request.image
    given |= params or {}
    parts = request.parts.as_dict() | {"policy": request.policy}
    resources = request.resources
    return render(
        "run.yaml.j2",
        request=request,
        prefix=name_prefix(request.model),
        namespace=namespace,
        tasks=TASKS,
        steps=STEPS,
        storage=project.cluster.storage,
        placement=project.cluster.placement,
        accelerators=resources.extended(),
        node_labels=resources.node_labels(),
        tolerations=[toleration.manifest() for toleration in resources.tolerations],
        params=given,
        event=given.get("event-id"),
        queue=queue_annotations(project.limits, request.model),
        key_parts=json.dumps(parts, sort_keys=True),
    )


def name_prefix(model: str) -> str:
    """The `generateName` of runs of `model`.

    The Tekton Dashboard takes what follows the last `-r-` of a name for the mark of a rerun and
    cuts it off; a lone `r` in the name of a model would be one, so it joins the word before.
    """
    return re.sub(r"-+r(?=-)", "r", f"{model}-")


def tracking_uri(project: Project, root: Path) -> str:
    """Where the runs of the project in folder `root` are tracked: its own setting, or SQLite."""
    return project.tracking.uri or f"sqlite:///{root / '.mltk' / 'mlflow.db'}"


def manifests() -> list[dict[str, Any]]:
    """The shipped Pipeline and the Tasks that it is made of, by file name, Tasks first."""
    return [document for text in manifest_texts() for document in yaml.safe_load_all(text)]


def manifest_texts(*, accounts: bool = False) -> list[str]:
    """The shipped YAML files as they are, comments included, in the order of `manifests`.

    With `accounts` the ServiceAccounts that runs name come first: a cluster needs them, and the
    embedded engine knows none.
    """
    tasks = importlib.resources.files("mltk.manifests.tasks")
    tekton = importlib.resources.files("mltk.manifests.tekton")
    # What else ships there is for the chart alone.
    folders = [*(tasks / name for name in sorted((*TASKS, *MORE_TASKS))), tekton / "pipelines"]
    if accounts:
        folders.insert(0, tekton / "access")
    files = (file for folder in folders for file in _yaml_files(folder))
    return [file.read_text(encoding="utf-8") for file in files]


def trigger_manifests() -> list[dict[str, Any]]:
    """The shipped EventListener with its bindings and template, and the Task that they start."""
    return _together("start-runs", "triggers")


def arrival_manifests() -> list[dict[str, Any]]:
    """The shipped EventListener for data that arrive, with all that it refers to, and its Task."""
    return _together("ingest-data", "arrivals")


def _together(task: str, folder: str) -> list[dict[str, Any]]:
    folders = (
        importlib.resources.files("mltk.manifests.tasks") / task,
        importlib.resources.files("mltk.manifests.tekton") / folder,
    )
    texts = (file.read_text(encoding="utf-8") for each in folders for file in _yaml_files(each))
    return [document for text in texts for document in yaml.safe_load_all(text)]


def _yaml_files(folder: Traversable) -> Iterator[Traversable]:
    for file in sorted(folder.iterdir(), key=_name):
        if file.name.endswith(".yaml"):
            yield file


def _name(file: Traversable) -> str:
    return file.name
