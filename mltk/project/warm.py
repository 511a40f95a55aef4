"""The run of a model whose training starts from the champion: a Task more, before the training.

It stands in these runs alone, because every Task costs the others a pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mltk.project.insertion import READS, before_training

TASK = "recall-champion"

_PARAMS = ("tracking-uri", "experiment", "tracking-secret", "image")


def starting_manifest(delivery: Mapping[str, Any], pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """The PipelineRun that starts from the champion, from that which starts fresh."""
    spec = dict(delivery["spec"])
    del spec["pipelineRef"]
    installed = pipeline["spec"]
    spec["pipelineSpec"] = {**installed, "tasks": with_start(installed["tasks"])}
    spec["taskRunSpecs"] = [*spec["taskRunSpecs"], task_run_spec()]
    return {**delivery, "spec": spec}


def with_start(tasks: Iterable[Mapping[str, Any]], digest: str = "") -> list[dict[str, Any]]:
    """The tasks of a pipeline with the one that brings the weights; of `digest` when given."""
    return before_training(tasks, [_recalling(digest)], TASK)


def task_run_spec() -> dict[str, Any]:
    """What the run says of its pod."""
    return {"pipelineTaskName": TASK, "serviceAccountName": READS}


def _recalling(digest: str) -> dict[str, Any]:
    params = [{"name": name, "value": f"$(params.{name})"} for name in _PARAMS]
    return {
        "name": TASK,
        "displayName": "Recall the champion",
        "taskRef": {"name": TASK},
        "runAfter": ["fetch-data"],
        "timeout": "30m",
        "retries": 3,
        "params": [{"name": "start", "value": digest}, *params],
        "workspaces": [{"name": "run", "workspace": "run"}],
    }
