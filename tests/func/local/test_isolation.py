"""Steps as containers of this machine: what they see, what they can change, how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import InfrastructureError
from mltk.local.forkserver import WarmCommand
from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
from mltk.local.rootfs import Bind
from mltk.local.runtime import Launch
from mltk.tekton.objects import Obj, message, reason, results

from .conftest import Local, ends, task

HERE = str(Path(__file__).parent)
PARTS = ("artifacts", "creds", "home", "results", "run", "scripts", "steps")
CLAIM = {"persistentVolumeClaim": {"claimName": "disk"}}


def task_run(name: str, *scripts: str | Obj, **spec: Any) -> Obj:
    """A TaskRun that holds its Task; `task_X` are further fields of the Task."""
    fields = {f"spec_{key[5:]}": spec.pop(key) for key in list(spec) if key.startswith("task_")}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"taskSpec": task(name, *scripts, **fields)["taskSpec"], **spec},
    }


def test_paths_of_a_pod_are_there(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            "echo one > /workspace/shared; printf two > /tekton/results/out; ls /tekton; pwd",
            "cat /workspace/shared /workspace/data/../shared; touch /workspace/data/kept",
            task_results=[{"name": "out"}],
            task_workspaces=[{"name": "data"}],
            workspaces=[{"name": "data", **CLAIM}],
        )
    )
    assert reason(run) == "Succeeded"
    assert results(run) == {"out": "two"}
    assert isolated.log("r").split() == [*PARTS, "/"]
    assert isolated.log("r", "s1").split() == ["one", "one"]
    assert (isolated.root / "volumes" / "default" / "disk" / "kept").exists()
    assert not Path("/tekton").exists()


def test_variables_stand_for_the_paths_of_a_pod(isolated: Local) -> None:
    isolated.run(
        task_run(
            "r",
            "echo $(results.out.path) $(workspaces.data.path) $(workspaces.other.path)"
            " $(steps.step-s0.exitCode.path) $(credentials.path) $(workspaces.data.volume)",
            task_results=[{"name": "out"}],
            task_workspaces=[{"name": "data"}, {"name": "other", "mountPath": "/other"}],
            workspaces=[{"name": "data", "emptyDir": {}}, {"name": "other", "emptyDir": {}}],
        )
    )
    assert isolated.log("r").split() == [
        "/tekton/results/out", "/workspace/data", "/other", "/tekton/steps/step-s0/exitCode",
        "/tekton/creds", "ws-d872e",
    ]  # fmt: skip


def test_a_step_changes_nothing_of_the_machine(isolated: Local, tmp_path: Path) -> None:
    script = (
        "mkdir -p ~; cd /tmp; echo x > /etc/mltk-was-here; echo x > ~/mltk-was-here; echo x > here;"
        " cat h*"
    )
    run = isolated.run(task_run("r", script, "ls /tmp /etc/mltk-was-here"))
    assert reason(run) == "StepFailed"
    assert "'/etc/mltk-was-here': No such file" in isolated.log("r", "s1")
    assert isolated.log("r") == "x"
    assert not Path("/etc/mltk-was-here").exists()
    assert not Path("~/mltk-was-here").expanduser().exists()
    assert not Path("/tmp/here").exists()


def test_a_step_has_devices_of_its_own(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            "ls /dev; echo gone > /dev/null; head -c 3 /dev/zero | wc -c;"
            " echo said >> /dev/stdout; touch /dev/mine /dev/shm/mine; test -c /dev/null",
        )
    )
    assert reason(run) == "Succeeded", isolated.log("r")
    said = isolated.log("r").split()
    assert said[-2:] == ["3", "said"]
    assert {"null", "zero", "shm", "fd", "urandom"} <= set(said)
    assert not any(each.startswith(("sd", "vd", "mem", "kmsg")) for each in said)
    assert not Path("/dev/mine").exists()


def test_a_step_sees_neither_the_processes_nor_the_store(isolated: Local) -> None:
    script = f"echo /proc/[0-9]*; wc -c < {isolated.root}/state.db; ls {isolated.root}/work"
    isolated.run(task_run("r", script))
    pids, size = isolated.log("r").splitlines()
    assert set(pids.split()) <= {f"/proc/{number}" for number in range(1, 5)}
    assert size == "0"


def test_a_step_writes_to_its_own_folder_alone(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            "echo mine > /tekton/steps/step-s0/own; echo mine > /tekton/run/0/other",
            "set +e; echo x > /tekton/run/0/out; echo x > /tekton/steps/0/exitCode; "
            "echo x > /tekton/steps/new; cat /tekton/steps/step-s0/exitCode /tekton/run/0/other",
        )
    )
    assert reason(run) == "Succeeded"
    assert isolated.log("r", "s1").count("Read-only file system") == 3
    assert isolated.log("r", "s1").endswith("0mine")


def test_read_only_workspace_is(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            "echo x > $(workspaces.data.path)/x",
            task_workspaces=[{"name": "data", "readOnly": True}],
            workspaces=[{"name": "data", "emptyDir": {}}],
        )
    )
    assert reason(run) == "StepFailed"
    assert "Read-only file system" in isolated.log("r")


def test_workspace_that_a_step_names_is_its_own(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            {"script": "echo $(workspaces.data.path); touch /here/x; ls /workspace",
             "workspaces": [{"name": "data", "mountPath": "/here"}]},
            {"script": "ls $(workspaces.data.path)", "workspaces": [{"name": "data"}]},
            "echo $(workspaces.data.path); ls /workspace/data",
            task_workspaces=[{"name": "data"}],
            workspaces=[{"name": "data", "emptyDir": {}}],
        )
    )  # fmt: skip
    assert isolated.log("r") == "/here"
    assert isolated.log("r", "s1") == "x"
    # The place to mount it on is left over in the volume below.
    assert isolated.log("r", "s2") == "/workspace/data"
    assert reason(run) == "Succeeded"


def test_working_directories(isolated: Local) -> None:
    isolated.run(
        task_run(
            "r",
            {"script": "pwd", "workingDir": "sub/folder"},
            {"script": "pwd", "workingDir": "/new/folder"},
        )
    )
    assert isolated.log("r") == "/workspace/sub/folder"
    assert isolated.log("r", "s1") == "/new/folder"


@pytest.mark.parametrize(
    ("command", "said"),
    [("no-such-command", "No such file or directory"), ("/etc", "Permission denied")],
)
def test_command_that_cannot_start_says_why(isolated: Local, command: str, said: str) -> None:
    run = isolated.run(task_run("r", {"command": [command]}))
    assert message(run) == '"step-s0" exited with code 1: Error'
    assert said in isolated.log("r")


def test_exit_codes_and_signals_are_those_of_the_command(isolated: Local) -> None:
    ends_with = {"exit 3": 3, "kill -KILL $$": 255, "kill -TERM $$": 255}
    for index, (script, code) in enumerate(ends_with.items()):
        run = isolated.run(task_run(f"r{index}", script))
        assert message(run) == f'"step-s0" exited with code {code}: Error'


def test_step_that_goes_on_after_a_signal_has_no_exit_code(isolated: Local) -> None:
    goes_on = {"onError": "continue"}
    run = isolated.run(
        task_run(
            "r",
            {"script": "kill -KILL $$", **goes_on},
            {"script": "exit 255", **goes_on},
            "cat $(steps.step-s0.exitCode.path)",
        )
    )
    assert [step["terminated"]["exitCode"] for step in run["status"]["steps"]] == [-1, 255, 0]
    assert isolated.log("r", "s2") == "-1"


def test_step_that_is_stopped_hears_of_it(isolated: Local) -> None:
    log = isolated.root / "log"
    script = "trap 'echo heard; exit 0' TERM; echo up; while :; do sleep 0.01; done"
    launch = Launch(("sh", "-c", script), {}, Path("/"), log)
    step = isolated.runtime.pod().start(launch, threading.Event())
    with subprocess.Popen(["tail", "-n", "+1", "-F", log], stdout=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        tail.stdout.readline()
        step.stop(grace=60)
        assert step.wait() == 0
        tail.kill()
    assert log.read_text().endswith("heard\n")


def test_daemon_ends_with_its_step(isolated: Local, tmp_path: Path) -> None:
    """One that leaves the process group and the session, which a plain process may do."""
    fifo = isolated.root / "volumes" / "default" / "disk" / "fifo"
    fifo.parent.mkdir(parents=True)
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    isolated.run(
        task_run(
            "r",
            "setsid sh -c 'exec > /workspace/data/fifo; sleep 600' & "
            "while ! pidof sleep; do :; done",
            task_workspaces=[{"name": "data"}],
            workspaces=[{"name": "data", **CLAIM}],
        )
    )
    assert os.read(reading, 1) == b""  # nobody holds the other end
    os.close(reading)


def test_warm_command_is_kept_apart_too(isolated: Local, tmp_path: Path) -> None:
    command = WarmCommand(("facts",), "warm_module:facts", ("warm_module",))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([HERE, *sys.path])}
    log = tmp_path / "log"
    isolation = Isolation.of(isolated.backend.layout)
    with ProcessRuntime([command], env, isolation=isolation) as runtime:
        launch = Launch(("facts", "7"), {"COLOUR": "red"}, Path("/workspace"), log)
        assert runtime.pod().start(launch, threading.Event()).wait() == 7
    said = log.read_text().splitlines()
    assert {"cwd /workspace", "leader True", "main thread True", "atexit", "thread"} <= set(said)


def children(pid: int) -> list[int]:
    """Its children that have not ended."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if state(child) != "Z"]


def state(pid: str) -> str:
    """How a process stands, as proc_pid_stat(5) tells it; one that was waited for has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"


def server_of(step: int) -> int:
    """The fork server that has started a step."""
    return int(Path(f"/proc/{step}/stat").read_text().split()[3])


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder at which the test may mount something, and which steps see."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount something on this machine")
    folder = Path(tempfile.mkdtemp(dir="/mnt"))
    yield folder
    subprocess.run(["umount", folder], check=False, capture_output=True)
    folder.rmdir()


def mount(folder: Path, name: str) -> None:
    """Mount a file system that holds one file."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    (folder / name).touch()


def test_a_step_sees_what_was_mounted_after_its_root_was_built(
    isolated: Local, tmp_path: Path, disk: Path
) -> None:
    log = tmp_path / "log"
    launch = Launch(("ls", str(disk)), {}, Path("/"), log)
    with ProcessRuntime(isolation=Isolation.of(isolated.backend.layout)) as runtime:
        pod = runtime.pod()
        for name in ("one", "two"):
            mount(disk, name)
            assert pod.start(launch, threading.Event()).wait() == 0
            subprocess.run(["umount", disk], check=True)
        assert pod.start(launch, threading.Event()).wait() == 0
    assert log.read_text() == "one\ntwo\n"


def test_file_systems_of_the_machine_are_not_held_for_a_step_that_does_not_come(
    isolated: Local, tmp_path: Path
) -> None:
    launch = Launch(("sh", "-c", "read line < /workspace/go"), {}, Path("/"), tmp_path / "log")
    launch = replace(launch, binds=(Bind(str(tmp_path), "/workspace"),))
    os.mkfifo(tmp_path / "go")
    with ProcessRuntime(isolation=Isolation.of(isolated.backend.layout)) as runtime:
        step = runtime.pod().start(launch, threading.Event())
        assert step.identity is not None
        server = server_of(step.identity.pid)
        waiting = set(children(server)) - {step.identity.pid}
        (tmp_path / "go").write_text("on\n")
        assert step.wait() == 0
        assert all(ends(pid) for pid in waiting)
        assert not children(server)


def test_a_step_starts_without_the_process_that_waited_for_it(
    isolated: Local, tmp_path: Path
) -> None:
    """The fork server forks one ahead; it may be killed, and must not outlive its server."""
    log = tmp_path / "log"
    launch = Launch(("sh", "-c", "echo began; sleep 0.2"), {}, Path("/"), log)
    with ProcessRuntime(isolation=Isolation.of(isolated.backend.layout)) as runtime:
        pod = runtime.pod()
        step = pod.start(launch, threading.Event())
        assert step.identity is not None
        first = step.identity.pid
        server = server_of(first)
        assert step.wait() == 0
        assert ends(first)
        waiting = children(server)
        assert len(waiting) == 1
        for pid in waiting:
            os.kill(pid, signal.SIGKILL)
            assert ends(pid)
        assert pod.start(launch, threading.Event()).wait() == 0
        assert pod.start(launch, threading.Event()).wait() == 0
        left = children(server)
    assert log.read_text() == "began\n" * 3
    assert all(ends(pid) for pid in left)


def test_what_a_step_does_not_see_leaves_no_trace_in_its_temporary_folder(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    log = tmp_path / "log"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    isolation = Isolation(tmp_path / "scratch", hidden=(private,))
    isolation.scratch.mkdir()
    launch = Launch(
        ("find", "/tmp", "-name", "private"), {}, Path("/"), log, (Bind(str(temporary), "/tmp"),)
    )
    with ProcessRuntime(isolation=isolation) as runtime:
        if runtime.plain_because:
            pytest.skip(f"the kernel keeps no steps apart: {runtime.plain_because}")
        assert runtime.pod().start(launch, threading.Event()).wait() == 0
    assert log.read_text() == ""
    assert not list(temporary.rglob("private"))


def test_killed_engine_takes_containers_along(tmp_path: Path) -> None:
    engine = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, threading; from pathlib import Path\n"
            "from mltk.local.process import ProcessRuntime\n"
            "from mltk.local.isolation import Isolation\n"
            "from mltk.local.runtime import Launch\n"
            "runtime = ProcessRuntime(isolation=Isolation(Path(sys.argv[1])))\n"
            "if runtime.plain_because: sys.exit(0)\n"
            "launch = Launch(('sleep', '600'), {}, Path('/'), Path('step.log'))\n"
            "step = runtime.start(launch, threading.Event())\n"
            "print(step.identity.pid, runtime._plain._process.pid, flush=True); step.wait()",
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    with engine:
        assert engine.stdout is not None
        if not (line := engine.stdout.readline()):
            pytest.skip("the kernel keeps no steps apart")
        step, server = map(int, line.split())
        os.kill(server, signal.SIGKILL)  # nobody is left who could end the step in good order
        engine.send_signal(signal.SIGKILL)
    assert ends(step)


def test_machine_without_namespaces_runs_plain_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "gone"  # there is nothing to build a file system in
    with ProcessRuntime(isolation=Isolation(scratch)) as runtime:
        assert "gone" in runtime.plain_because
        assert not runtime.real_paths
        log = tmp_path / "log"
        launch = Launch(("pwd",), {}, tmp_path, log)
        assert runtime.pod().start(launch, threading.Event()).wait() == 0
    assert log.read_text() == f"{tmp_path}\n"


def test_volume_that_went_away_is_the_machines_fault(isolated: Local, tmp_path: Path) -> None:
    launch = Launch(
        ("true",), {}, Path("/"), tmp_path / "log", (Bind(f"{tmp_path}/gone", "/data"),)
    )
    with pytest.raises(InfrastructureError, match="gone: No such file or directory"):
        isolated.runtime.pod().start(launch, threading.Event())


def config_map(**data: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "default"},
        "data": data,
    }


def mounted(script: str, *mounts: Obj) -> Obj:
    return {"script": script, "volumeMounts": list(mounts)}


def test_volumes_are_shared_by_those_who_mount_them(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            mounted("echo stuff > /im/a/folder/file; ls -d /kept",
                    {"name": "v", "mountPath": "/im/a"},
                    {"name": "p", "mountPath": "/kept"}),
            mounted("cat /here/file; ls -A /kept; touch /kept/x",
                    {"name": "v", "mountPath": "/here", "subPath": "folder"},
                    {"name": "p", "mountPath": "/kept", "readOnly": True}),
            task_volumes=[{"name": "v", "emptyDir": {}},
                          {"name": "p", "persistentVolumeClaim": {"claimName": "disk"}}],
        )
    )  # fmt: skip
    assert reason(run) == "StepFailed"
    said = isolated.log("r", "s1").splitlines()
    assert said[0] == "stuff"
    assert "Read-only file system" in said[1]
    assert isolated.backend.get("PersistentVolumeClaim", "disk", "default")


def test_files_of_a_config_map(isolated: Local) -> None:
    isolated.backend.create(config_map(a="1", b="2"))
    items = [{"key": "b", "path": "deep/b", "mode": 0o755}]
    run = isolated.run(
        task_run(
            "r",
            mounted("cat /c/a /b/deep/b /etc/one; readlink /c/a; stat -Lc %a /b/deep/b; touch /c/x",
                    {"name": "c", "mountPath": "/c"}, {"name": "b", "mountPath": "/b"},
                    {"name": "c", "mountPath": "/etc/one", "subPath": "a"}),
            task_volumes=[{"name": "c", "configMap": {"name": "c"}},
                          {"name": "b", "configMap": {"name": "c", "items": items}}],
        )
    )  # fmt: skip
    said = isolated.log("r")
    assert said.startswith("121..data/a\n755\n")
    assert "Read-only file system" in said
    assert reason(run) == "StepFailed"


def test_workspace_of_a_config_map_with_and_without_isolation(
    isolated: Local, local: Local
) -> None:
    for engine in (isolated, local):
        if engine is isolated:
            engine.backend.create(config_map(a="1"))
        run = engine.run(
            task_run(
                f"r{engine is isolated}".lower(),
                "cat $(workspaces.data.path)/a",
                task_workspaces=[{"name": "data"}],
                workspaces=[{"name": "data", "configMap": {"name": "c"}}],
            )
        )
        assert reason(run) == "Succeeded", message(run)


def test_volume_of_what_is_not_there(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            mounted("true", {"name": "s", "mountPath": "/s"}),
            task_volumes=[{"name": "s", "secret": {"secretName": "gone"}}],
        )
    )
    assert reason(run) == "FailedMount"
    assert message(run) == 'MountVolume.SetUp failed for volume "s" : secret "gone" not found'


def test_a_container_learns_of_its_pod(isolated: Local) -> None:
    refs = {
        "NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
        "SPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "RUN": {"fieldRef": {"fieldPath": "metadata.labels['tekton.dev/taskRun']"}},
        "CPU": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}},
    }
    step = {
        "script": "echo $NAME $SPACE $RUN $CPU",
        "env": [{"name": name, "valueFrom": ref} for name, ref in refs.items()],
        "computeResources": {"limits": {"cpu": "1.5"}},
    }
    isolated.run(task_run("r", step))
    assert isolated.log("r") == "r-pod default r 1500"


def test_template_of_the_pod_adds_volumes_and_variables(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            mounted("echo $A > /v/a; cat /v/a", {"name": "v", "mountPath": "/v"}),
            podTemplate={
                "volumes": [{"name": "v", "emptyDir": {}}],
                "env": [{"name": "A", "value": "1"}],
            },
        )
    )
    assert reason(run) == "Succeeded"
    assert isolated.log("r") == "1"


def test_folder_of_the_machine(isolated: Local, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    isolated.run(
        task_run(
            "r",
            mounted("echo x > /h/x", {"name": "h", "mountPath": "/h"}),
            task_volumes=[{"name": "h", "hostPath": {"path": f"{tmp_path}/shared"}}],
        )
    )
    assert (tmp_path / "shared" / "x").read_text() == "x\n"


def test_plain_processes_refuse_what_they_cannot_mount(local: Local) -> None:
    run = local.run(
        task_run(
            "r",
            mounted("true", {"name": "v", "mountPath": "/v"}),
            task_volumes=[{"name": "v", "emptyDir": {}}],
        )
    )
    assert reason(run) == "TaskRunValidationFailed"
    assert message(run).startswith("steps[0].volumeMounts[0].mountPath name a path of a pod")


def test_what_any_step_mounts_is_made_before_the_first_one(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            mounted("echo x > /v/folder/x", {"name": "v", "mountPath": "/v"}),
            mounted("cat /part/x", {"name": "v", "mountPath": "/part", "subPath": "folder"}),
            mounted("true", {"name": "s", "mountPath": "/s"}),
            task_volumes=[{"name": "v", "emptyDir": {}},
                          {"name": "s", "secret": {"secretName": "gone", "optional": True}}],
        )
    )  # fmt: skip
    assert reason(run) == "Succeeded"
    assert isolated.log("r", "s1") == "x"


def test_a_user_without_rights_gets_containers_too() -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests show it, as this user is not root")
    env = {"PYTHONPATH": str(Path(HERE).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"PATH": "/usr/bin:/bin"}
    as_nobody: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
    as_nobody |= {"capture_output": True, "text": True, "check": False}
    importing = ("-c", "import sys, mltk.local.process; assert sys.version_info >= (3, 11)")
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError):
            if subprocess.run([python, *importing], env=env, **as_nobody).returncode == 0:
                break
    else:
        pytest.skip("no interpreter, or not this checkout, can be read by a user without rights")
    # Below a folder that holds mounts such a user could not write: tests beside this one mount.
    with tempfile.TemporaryDirectory(dir="/") as folder:
        os.chown(folder, 65534, 65534)
        program = [python, f"{HERE}/unprivileged_steps.py", folder]
        ran = subprocess.run(program, env={**env, "HOME": folder}, **as_nobody)
        if ran.stderr.startswith("plain: "):
            pytest.skip(ran.stderr)
        lines = ran.stdout.splitlines()
        assert len(lines) == 5, ran.stdout + ran.stderr
        codes, user, written, number, said = lines
        assert (codes, user, written, said) == ("0 3", "65534", "x", "up")
        assert int(number) < 10  # of a PID namespace
        assert not Path(folder, "x").exists()


def test_image_of_a_shell_runs_the_shell(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            {"image": "mirror.gcr.io/busybox:1.36@sha256:0", "args": ["-c", "echo here"]},
            {"image": "bash", "args": ["-c", "echo $BASH"]},
            {"image": "bash", "args": ["echo", "there"]},
        )
    )
    assert reason(run) == "Succeeded"
    assert [isolated.log("r", f"s{index}") for index in (0, 2)] == ["here", "there"]
    assert isolated.log("r", "s1").endswith("bash")


def test_command_of_another_image_is_missed_before_the_first_step(isolated: Local) -> None:
    run = isolated.run(task_run("r", "touch /workspace/x", {"image": "registry/tool:1"}))
    assert reason(run) == "TaskRunValidationFailed"
    assert message(run) == (
        'container "step-s1" has no command: nobody knows the entrypoint of registry/tool:1: steps'
        " run as processes of this machine; write a command, or type --runtime container"
    )
