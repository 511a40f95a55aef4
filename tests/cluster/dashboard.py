"""What the Tekton Dashboard posts when somebody presses Rerun.

Rule: `generateNewPipelineRunPayload` of tektoncd/dashboard, src/api/pipelineRuns.js. Written down
here once more, apart from `mltk.tekton.rerun`: the tests tell whether that makes the same.
"""

from __future__ import annotations

import copy
from typing import Any


def rerun_payload(run: Any) -> Any:
    """The PipelineRun that a click on Rerun creates."""
    payload = copy.deepcopy(run)
    old = payload["metadata"]
    labels = {
        key: value
        for key, value in old.get("labels", {}).items()
        if not key.startswith("tekton.dev/")
    }
    annotations = dict(old.get("annotations", {}))
    annotations.pop("tekton.dev/v1beta1TaskRuns", None)
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    root = old["name"].rpartition("-r-")[0] or old["name"]
    payload["metadata"] = {
        "annotations": annotations,
        "labels": {**labels, "dashboard.tekton.dev/rerunOf": old["name"]},
        "namespace": old["namespace"],
        "generateName": f"{root}-r-",
    }
    payload.pop("status", None)
    payload["spec"].pop("status", None)
    return payload
