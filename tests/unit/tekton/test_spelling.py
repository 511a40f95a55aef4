"""Fields in another case: read in embedded specs, unknown elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.tekton.spelling import as_spelled

STEP = {"Image": "busybox", "workspaces": [{"name": "w", "mountpath": "/w"}]}
SPELLED = {"image": "busybox", "workspaces": [{"name": "w", "mountPath": "/w"}]}


@pytest.mark.parametrize("kind", ["Task", "StepAction", "ConfigMap"])
def test_what_a_schema_has_looked_at_stays(kind: str) -> None:
    obj = {"kind": kind, "spec": {"steps": [STEP], "Description": "d"}}
    assert as_spelled(obj) == obj


def test_embedded_specs_are_read_as_go_reads_them() -> None:
    tasks: list[dict[str, Any]] = [{"name": "t", "taskspec": {"Steps": [STEP]}}]
    run = {"kind": "PipelineRun", "spec": {"pipelineSpec": {"Tasks": tasks}}}
    read = {"tasks": [{"name": "t", "taskSpec": {"steps": [SPELLED]}}]}
    assert as_spelled(run)["spec"] == {"pipelineSpec": read}


@pytest.mark.parametrize("spec", [None, [], "text", {"taskSpec": []}, {"taskSpec": {1: 2}}])
def test_what_is_no_spec_stays_for_admission(spec: Any) -> None:
    obj = {"kind": "TaskRun", "spec": spec}
    assert as_spelled(obj) == obj
