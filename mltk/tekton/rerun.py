"""The object that runs a run again, made as the Tekton Dashboard makes it.

Rule: `generateNewPipelineRunPayload` and `generateNewTaskRunPayload` of tektoncd/dashboard
(src/api/pipelineRuns.js, src/api/taskRuns.js), so that a rerun looks the same from either side.
Beyond it, annotations in which other controllers keep the state of the old run are dropped: a copy
that claims to be signed already would never be signed (tektoncd/chains#1004).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from mltk.queueing.annotations import STATE

RERUN_OF = "dashboard.tekton.dev/rerunOf"

# The Dashboard cuts at the last "-r-", whatever follows it.
_RERUN = re.compile(r"^(?P<root>.+)-r-.*$", re.DOTALL)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_V1BETA1_TASK_RUNS = "tekton.dev/v1beta1TaskRuns"
_STATE_OF_OTHERS = (
    "chains.tekton.dev/",
    "results.tekton.dev/",
    "mltk.dev/cached-from",
    "mltk.dev/cache-key",
    *STATE,
)


def rerun(run: Mapping[str, Any]) -> dict[str, Any]:
    """A new PipelineRun or TaskRun that asks for what `run` asked for; `run` stays as it is."""
    metadata = run["metadata"]
    name: str = metadata["name"]
    fresh: dict[str, Any] = {
        "generateName": generate_name(name),
        "labels": {
            **_without(metadata.get("labels"), lambda key: key.startswith("tekton.dev/")),
            RERUN_OF: name,
        },
        "annotations": _without(metadata.get("annotations"), _stale(run["kind"])),
    }
    if "namespace" in metadata:
        fresh["namespace"] = metadata["namespace"]
    spec = copy.deepcopy(dict(run["spec"]))
    spec.pop("status", None)
    spec.pop("statusMessage", None)
    return {
        "apiVersion": run["apiVersion"],
        "kind": run["kind"],
        "metadata": fresh,
        "spec": spec,
    }


def generate_name(name: str) -> str:
    """`x` and `x-r-abcde` both give `x-r-`, so that names do not grow from rerun to rerun."""
    found = _RERUN.match(name)
    return f"{found['root'] if found else name}-r-"


def _stale(kind: str) -> Callable[[str], bool]:
    def test(key: str) -> bool:
        of_tekton = key == _V1BETA1_TASK_RUNS or (
            kind == "TaskRun" and key.startswith("tekton.dev/")
        )
        return of_tekton or key == _LAST_APPLIED or key.startswith(_STATE_OF_OTHERS)

    return test


def _without(items: Mapping[str, str] | None, drop: Callable[[str], bool]) -> dict[str, str]:
    return {key: value for key, value in (items or {}).items() if not drop(key)}
