"""Users and rights of steps, by their `securityContext`: processes kept apart, and containers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mltk.local.backend import LocalBackend
from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
from mltk.tekton.objects import Obj, message, reason, results

from .conftest import IMAGE, Local
from .test_isolation import CLAIM, task_run


@pytest.fixture(params=["isolated", "contained"])
def kept_apart(request: pytest.FixtureRequest) -> Local:
    """An engine whose steps are containers, of this machine and of an image."""
    if os.geteuid() != 0:
        pytest.skip("only root can start steps as other users")
    found: Local = request.getfixturevalue(request.param)
    return found


def run_as(security: dict[str, Any], script: str) -> dict[str, Any]:
    return {"script": script, "securityContext": security}


def test_a_step_is_who_it_is_to_be(kept_apart: Local) -> None:
    script = "id -u; id -g; echo x > $(workspaces.data.path)/x; printf x > $(results.out.path)"
    step = run_as({"runAsUser": 1234, "runAsGroup": 2345}, f"{script}; echo y > /dev/stdout")
    run = kept_apart.run(
        task_run(
            "r",
            step,
            "id -u",
            task_results=[{"name": "out"}],
            task_workspaces=[{"name": "data"}],
            workspaces=[{"name": "data", **CLAIM}],
        )
    )
    assert reason(run) == "Succeeded", kept_apart.log("r")
    assert results(run) == {"out": "x"}
    assert kept_apart.log("r").split() == ["1234", "2345", "y"]
    assert kept_apart.log("r", "s1") == "0"
    written = kept_apart.root / "volumes" / "default" / "disk" / "x"
    assert (written.stat().st_uid, written.stat().st_gid) == (1234, 2345)


def test_a_sidecar_and_the_pod_have_users_too(kept_apart: Local) -> None:
    beside: Obj = {"name": "beside", "image": IMAGE, "script": "id -u > /shared/who; sleep 60"}
    beside["securityContext"] = {"runAsUser": 77}
    shared = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    script = "until test -s /shared/who; do sleep 0.1; done; cat /shared/who; id -u"
    run = kept_apart.run(
        task_run(
            "r",
            {"script": script, **shared},
            task_sidecars=[{**beside, **shared}],
            task_volumes=[{"name": "shared", "emptyDir": {}}],
            podTemplate={"securityContext": {"runAsUser": 55}},
        )
    )
    assert reason(run) == "Succeeded", kept_apart.log("r")
    assert kept_apart.log("r").split() == ["77", "55"]


def test_the_root_of_a_step_may_be_fixed(kept_apart: Local) -> None:
    script = "for each in /x /tmp/x /workspace/x; do touch $each && echo $each; done 2> /dev/null"
    run = kept_apart.run(
        task_run("r", run_as({"readOnlyRootFilesystem": True}, f"set +e\n{script}"))
    )
    assert reason(run) == "Succeeded", kept_apart.log("r")
    assert kept_apart.log("r") == "/workspace/x"


def test_a_step_that_must_not_be_root(kept_apart: Local) -> None:
    run = kept_apart.run(task_run("r", run_as({"runAsNonRoot": True}, "true")))
    assert reason(run) == "CreateContainerConfigError"
    assert message(run) == (
        "container has runAsNonRoot and image will run as root"
        ' (pod: "r-pod_default", container: step-s0)'
    )


def test_rights_that_are_dropped_do_not_come_back(kept_apart: Local) -> None:
    script = "grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    security = {"capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": False}
    run = kept_apart.run(task_run("r", run_as(security, script)))
    assert reason(run) == "Succeeded", kept_apart.log("r")
    assert kept_apart.log("r").split() == ["CapEff:", "0" * 16, "NoNewPrivs:", "1"]


def test_steps_that_share_folders_of_a_user_are_that_user(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    with LocalBackend(tmp_path / ".mltk") as backend:
        isolation = Isolation.of(backend.layout, (shared,))
        with ProcessRuntime(isolation=isolation) as runtime:
            if runtime.plain_because:
                pytest.skip(f"the kernel keeps no steps apart: {runtime.plain_because}")
            local = Local(backend, runtime)
            script = f"id -u > {shared}/who; stat -c %a /tekton/results /workspace"
            run = local.run(task_run("r", run_as({"runAsUser": 65532}, script)))
            assert local.log("r").split() == ["755", "755"]
    assert reason(run) == "Succeeded"
    assert (shared / "who").read_text() == f"{os.geteuid()}\n"
