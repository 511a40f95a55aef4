"""Steps that are kept to the limits of their `computeResources`, by control groups."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from mltk.local.cgroups import Cgroups
from mltk.local.isolation import Isolation
from mltk.local.layout import Layout
from mltk.local.process import ProcessRuntime
from mltk.local.runtime import Launch
from mltk.tekton.downward import Resources
from mltk.tekton.objects import message, reason

from .conftest import Local
from .test_isolation import task_run

GREEDY = "dd if=/dev/zero of=/dev/null bs=200M count=1"
LIMITS = {"memory": "64Mi", "cpu": "500m"}


@pytest.fixture
def groups() -> Cgroups:
    found = Cgroups.of_machine().tried()
    if set(found.parents) != {"memory", "cpu"}:
        pytest.skip("this machine does not let this user limit memory and cpu by control groups")
    return found


def left(groups: Cgroups) -> list[Path]:
    """The groups of this process; other engines of this machine have theirs beside them."""
    own = f"mltk.{os.getpid()}.*"
    return [each for parent in groups.parents.values() for each in parent.glob(own)]


def test_a_step_that_takes_more_memory_than_its_limit(isolated: Local, groups: Cgroups) -> None:
    step = {"script": GREEDY, "computeResources": {"limits": LIMITS}}
    run = isolated.run(task_run("r", step, "echo after"))
    assert reason(run) == "StepOOM"
    assert message(run) == '"step-s0" exited with code 137: OOMKilled'
    assert run["status"]["steps"][0]["terminated"]["reason"] == "OOMKilled"
    assert run["status"]["steps"][1]["terminationReason"] == "Skipped"
    assert left(groups) == []


def test_what_a_limit_range_gives_is_kept_and_what_it_forbids_does_not_run(
    isolated: Local, groups: Cgroups
) -> None:
    item = {"type": "Container", "default": {"memory": "64Mi"}, "max": {"cpu": "1"}}
    metadata = {"name": "bounds", "namespace": "default"}
    spec = {"limits": [item]}
    isolated.backend.create(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": spec}
    )
    assert reason(isolated.run(task_run("r", GREEDY))) == "StepOOM"
    step = {"script": "true", "computeResources": {"limits": {"cpu": "2"}}}
    run = isolated.run(task_run("s", step, retries=1))
    assert reason(run) == "PodCreationFailed"
    assert 'pods "s-pod-retry1" is forbidden: maximum cpu usage' in message(run)
    assert run["status"]["podName"] == ""
    assert run["status"]["steps"] == [{"name": "s0"}]
    assert left(groups) == []


def test_a_step_within_its_limits(isolated: Local, groups: Cgroups) -> None:
    step = {"script": GREEDY, "computeResources": {"limits": {"memory": "400Mi"}}}
    assert reason(isolated.run(task_run("r", step))) == "Succeeded"
    assert left(groups) == []


def test_what_runs_is_in_its_groups_and_what_a_killed_engine_left_goes(
    tmp_path: Path, groups: Cgroups
) -> None:
    (stale := groups.parents["memory"] / f"mltk.{2**22 + 1}.never.0").mkdir()
    log, asked = tmp_path / "log", Resources(limits=LIMITS)
    launch = Launch(("sleep", "60"), {}, Path("/"), log, resources=asked)
    with ProcessRuntime(isolation=Isolation.of(Layout(tmp_path / ".mltk"))) as runtime:
        if runtime.plain_because:
            pytest.skip(f"steps cannot be kept apart here: {runtime.plain_because}")
        step = runtime.start(launch, threading.Event())
        folders = left(groups)
        assert folders
        assert not stale.exists()
        assert step.identity is not None
        for folder in folders:
            assert str(step.identity.pid) in (folder / "cgroup.procs").read_text().split()
        step.stop(0)
        step.wait()
        assert left(groups) == []


def test_a_machine_that_cannot_limit_says_so(local: Local) -> None:
    limited = {"script": "true", "computeResources": {"limits": LIMITS}}
    sidecar = {"name": "beside", "image": "none", **limited}
    held = task_run("r", limited)
    held["spec"]["taskSpec"]["sidecars"] = [sidecar]
    run = local.run(held)
    assert reason(run) == "Succeeded"
    for container in ("s0", "sidecar-beside"):
        assert local.log("r", container).splitlines() == [
            "mltk: computeResources.limits.memory is not kept on this machine",
            "mltk: computeResources.limits.cpu is not kept on this machine",
        ]
