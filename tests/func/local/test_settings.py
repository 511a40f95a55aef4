"""Tekton's own ConfigMaps, applied to the store of this machine."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.errors import AdmissionError
from mltk.tekton.objects import Obj, message, reason, results

from .conftest import Local, pipeline_run, task


def settings(name: str, **data: str) -> Obj:
    keyed = {key.replace("_", "-"): value for key, value in data.items()}
    metadata = {"name": name, "namespace": "tekton-pipelines"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": keyed}


def test_settings_count_for_what_comes_after(local: Local) -> None:
    run: dict[str, Any] = pipeline_run("r", task("a", "true", onError="continue"))
    local.backend.apply([settings("feature-flags", enable_api_fields="stable")])
    with pytest.raises(AdmissionError, match='but it is "stable"'):
        local.backend.create(run)
    local.backend.apply(
        [
            settings("feature-flags", enable_api_fields="alpha"),
            settings("config-defaults", default_timeout_minutes="7"),
        ]
    )
    done = local.run(run)
    assert reason(done) == "Succeeded"
    assert done["spec"]["timeouts"] == {"pipeline": "7m0s"}
    made = local.task_run("r-a")
    assert made["spec"]["timeout"] == "7m0s"
    flags = [obj["status"]["provenance"]["featureFlags"] for obj in (done, made)]
    assert [found["enableAPIFields"] for found in flags] == ["alpha", "alpha"]


def test_settings_that_tekton_refuses_are_not_kept(local: Local) -> None:
    with pytest.raises(AdmissionError, match="invalid value for feature flag"):
        local.backend.apply([settings("feature-flags", coschedule="never")])
    assert not local.backend.list("cm")


TASK = {
    "workspaces": [{"name": "a"}, {"name": "b"}, {"name": "c", "optional": True}],
    "results": [{"name": "seen"}],
    "steps": [
        {
            "name": "s",
            "image": "busybox",
            "script": "touch $(workspaces.a.path)/x $(workspaces.b.path)/y\n"
            "printf '%s' $(workspaces.c.bound) > $(results.seen.path)",
        }
    ],
}


def task_run(name: str, *bindings: Obj) -> Obj:
    spec = {"taskSpec": TASK, "workspaces": list(bindings)}
    return {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": name},
            "spec": spec}  # fmt: skip


def test_workspaces_that_a_run_must_have_and_does_not_bind_have_a_default(local: Local) -> None:
    assert reason(local.run(task_run("none"))) == "TaskRunValidationFailed"
    binding = "name: other\npersistentVolumeClaim: {claimName: shared}\nsubPath: runs"
    local.backend.apply([settings("config-defaults", default_task_run_workspace_binding=binding)])
    done = local.run(task_run("r", {"name": "a", "emptyDir": {}}))
    assert reason(done) == "Succeeded", message(done)
    assert results(done) == {"seen": "false"}
    assert done["spec"]["workspaces"] == [{"name": "a", "emptyDir": {}}]
    assert local.backend.get("pvc", "shared")
    volume = local.backend.layout.volume("default", "shared")
    assert [path.name for path in (volume / "runs").iterdir()] == ["y"]


@pytest.mark.parametrize("binding", ["5", "emptyDir: 5", "subPath: []", "{"])
def test_a_default_workspace_that_cannot_be_read_ends_the_run(local: Local, binding: str) -> None:
    local.backend.apply([settings("config-defaults", default_task_run_workspace_binding=binding)])
    done = local.run(task_run("r"))
    assert reason(done) == "TaskRunResolutionFailed"
    assert message(done) == f"failed to unmarshal {binding}"


def test_compressed_messages_carry_longer_results(local: Local) -> None:
    step = {"name": "s", "image": "busybox",
            "script": "printf '%05000d' 1 > $(results.r.path)"}  # fmt: skip
    spec = {"taskSpec": {"results": [{"name": "r"}], "steps": [step]}}
    run = {**task_run("plain"), "spec": spec}
    assert reason(local.run(run)) == "StepFailed"
    flag = settings("feature-flags", enable_termination_message_compression="true")
    local.backend.apply([flag])
    done = local.run({**run, "metadata": {"name": "compressed"}})
    assert results(done) == {"r": "1".zfill(5000)}
