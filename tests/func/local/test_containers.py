"""Steps as containers of podman or docker, of an image that is made here of busybox."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mltk.errors import InfrastructureError
from mltk.local.containers import ContainerRuntime, Engine, find_engine
from mltk.local.identity import ProcessIdentity
from mltk.local.runtime import Image, Launch
from mltk.tekton.downward import Resources
from mltk.tekton.objects import Obj, message, reason, results

from .conftest import IMAGE, Local
from .test_isolation import CLAIM, config_map, mounted, task_run

GONE = "localhost/mltk-test-gone:1"

GREEDY = "dd if=/dev/zero of=/dev/null bs=200M count=1"


def of_image(step: str | Obj, image: str = IMAGE) -> Obj:
    return {**({"script": step} if isinstance(step, str) else step), "image": image}


def test_steps_run_in_their_image_and_share_volumes(contained: Local) -> None:
    contained.backend.create(config_map(a="1"))
    run = contained.run(
        task_run(
            "r",
            of_image(mounted("pwd; echo $FROM $0; cat /c/a > $(workspaces.data.path)/a",
                             {"name": "c", "mountPath": "/c"})),
            of_image("cat /workspace/data/a > $(results.out.path); ls /usr 2>&1"),
            task_volumes=[{"name": "c", "configMap": {"name": "c"}}],
            task_results=[{"name": "out"}],
            task_workspaces=[{"name": "data"}],
            workspaces=[{"name": "data", **CLAIM}],
        )
    )  # fmt: skip
    assert results(run) == {"out": "1"}, contained.log("r")
    assert contained.log("r") == "/bin\nimage /tekton/scripts/s0"
    assert "No such file" in contained.log("r", "s1")
    assert message(run) == '"step-s1" exited with code 1: Error'


def test_the_command_of_an_image(contained: Local) -> None:
    run = contained.run(task_run("r", of_image({"args": ["-c", "echo by the image"]})))
    assert reason(run) == "Succeeded"
    assert contained.log("r") == "by the image"


@pytest.mark.parametrize(
    ("image", "args", "argv"),
    [
        (Image(("e",), ("c",)), (), ("e", "c")),
        (Image(("e",), ("c",)), ("a",), ("e", "a")),
        (Image((), ("c",)), ("a",), ("c", "a")),
        (Image((), ("c",)), (), ("c",)),
    ],
)
def test_rule_of_entrypoints(image: Image, args: tuple[str, ...], argv: tuple[str, ...]) -> None:
    assert image.argv(args) == argv


def test_image_that_is_not_there(contained: Local) -> None:
    run = contained.run(task_run("r", of_image("touch /workspace/x"), of_image("true", GONE)))
    assert reason(run) == "TaskRunImagePullFailed"
    assert message(run).startswith(
        f'the step "s1" in TaskRun "r" failed to pull the image "{GONE}". The pod errored with'
    )
    assert f"pull {GONE}" in message(run)


def test_a_step_is_kept_to_its_limits(contained: Local, engine: Engine) -> None:
    if not engine.limited >= {"memory", "cpu"}:
        pytest.skip(f"{engine.program} cannot keep a container to limits of memory and cpu here")
    found = {
        "memory": "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max",
        "cpu": "/sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max",
    }
    script = "".join(f"echo {name} $(cat {paths} 2> /dev/null)\n" for name, paths in found.items())
    asked = {"limits": {"memory": "48Mi", "cpu": "500m"}, "requests": {"cpu": "100m"}}
    step = {"script": f"set +e\n{script}", "computeResources": asked}
    run = contained.run(task_run("r", of_image(step)))
    assert reason(run) == "Succeeded", contained.log("r")
    memory, cpu = contained.log("r").splitlines()
    assert memory.split() == ["memory", str(48 * 1024**2)]
    assert cpu.split()[:2] == ["cpu", "50000"]


def test_a_step_that_takes_more_memory_than_its_limit(contained: Local, engine: Engine) -> None:
    if "memory" not in engine.limited:
        pytest.skip(f"{engine.program} cannot keep a container to a limit of memory here")
    step = {"script": GREEDY, "computeResources": {"limits": {"memory": "64Mi"}}}
    run = contained.run(task_run("r", of_image(step)))
    assert reason(run) == "StepOOM", contained.log("r")
    assert message(run) == '"step-s0" exited with code 137: OOMKilled'
    assert not Path("oom").exists()  # podman's monitor writes that where it was started


def test_codes_of_what_ends_and_of_what_cannot_start(contained: Local) -> None:
    run = contained.run(task_run("r", of_image("exit 3")))
    assert message(run) == '"step-s0" exited with code 3: Error'
    gone = {"command": ["no-such-command"], "onError": "continue"}
    run = contained.run(task_run("q", of_image(gone)))
    assert message(run) == '"step-s0" exited with code 1: Error'  # what goes on has begun
    assert "no-such-command" in contained.log("q")


def test_what_cannot_start_is_known_without_a_first_process_too(
    contained: Local, engine: Engine
) -> None:
    with ContainerRuntime(replace(engine, init=())) as runtime:
        bare = Local(contained.backend, runtime)
        for name, command in (("r", "no-such-command"), ("q", "/bin")):
            run = bare.run(task_run(name, of_image({"command": [command], "onError": "continue"})))
            assert message(run) == '"step-s0" exited with code 1: Error', bare.log(name)
            assert command in bare.log(name)


def test_a_step_hears_the_signals_that_it_sends_itself(contained: Local, engine: Engine) -> None:
    if not engine.init:
        pytest.skip("podman has no first process for a container: install catatonit")
    for name, signal, code in (("r", "KILL", 137), ("q", "TERM", 143)):
        run = contained.run(task_run(name, of_image(f"kill -{signal} $$")))
        assert message(run) == f'"step-s0" exited with code {code}: Error'


def test_a_step_that_takes_too_long_is_ended(contained: Local, engine: Engine) -> None:
    run = contained.run(task_run("r", {**of_image("sleep 600"), "timeout": "1s"}))
    assert message(run) == (
        '"step-s0" exited because the step exceeded the specified timeout limit'
    )
    own = ProcessIdentity.own()  # other tests have theirs
    mine = f"label=mltk.dev/owner={own.pid}/{own.started}"
    assert engine.call("ps", "--quiet", "--filter", mine).stdout == ""


def test_sidecars_are_containers_too(contained: Local) -> None:
    run = contained.run(
        task_run(
            "r",
            of_image(mounted("cat /shared/up", {"name": "v", "mountPath": "/shared"})),
            task_volumes=[{"name": "v", "emptyDir": {}}],
            task_sidecars=[
                {
                    "name": "s",
                    "image": IMAGE,
                    "script": "echo up > /shared/up; touch /inside; sleep 600",
                    "volumeMounts": [{"name": "v", "mountPath": "/shared"}],
                    "readinessProbe": {
                        "exec": {"command": ["test", "-e", "/inside"]},
                        "periodSeconds": 1,
                        "timeoutSeconds": 10,
                    },
                }
            ],
        )
    )
    assert reason(run) == "Succeeded", message(run)
    assert contained.log("r") == "up"


def test_containers_of_a_killed_engine_are_removed(engine: Engine) -> None:
    left = engine.call(
        "run", "--detach", "--network=host", *engine.options,
        "--label=mltk.dev/owner=1/long-ago", IMAGE, "sleep", "600",
    )  # fmt: skip
    assert left.returncode == 0, left.stderr
    with ContainerRuntime(engine) as runtime:
        runtime.prewarm()
    listed = engine.call("ps", "--all", "--quiet", "--no-trunc", "--filter", "label=mltk.dev/owner")
    assert left.stdout.strip() not in listed.stdout


def test_what_a_container_leaves_goes_where_its_log_has_gone_before(tmp_path: Path) -> None:
    called: list[Sequence[str]] = []

    def run(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        called.append(argv)
        return subprocess.CompletedProcess(argv, 0, "", "")

    resources = Resources(limits={"memory": "64Mi"})
    launch = Launch(("x",), {}, None, tmp_path / "log", entrypoint=True, resources=resources)
    runtime = ContainerRuntime(Engine("false", limited=frozenset({"memory"}), run=run))
    step = runtime.pod().start(launch, threading.Event())
    launch.log.unlink()
    assert step.wait() == 1
    assert [argv[1] for argv in called] == ["container", "rm"]


def test_machine_without_an_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InfrastructureError, match="podman is not installed") as error:
        find_engine()
    assert "--runtime process" in (error.value.hint or "")
