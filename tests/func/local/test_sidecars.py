"""Sidecars: there before the first step, gone after the last one, and blamed when they fail."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from mltk.tekton.objects import Obj, message, reason

from .conftest import Local
from .test_isolation import mounted, task_run

SHARED: dict[str, Any] = {"task_volumes": [{"name": "shared", "emptyDir": {}}]}
COPY = ["cp", "/etc/hostname", "/shared/last"]
MOUNT = {"name": "shared", "mountPath": "/shared"}


def sidecar(name: str, script: str, **fields: Any) -> Obj:
    return {"name": name, "image": "none", "volumeMounts": [MOUNT], "script": script, **fields}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ended(run: Obj, index: int = 0) -> Obj:
    state: Obj = run["status"]["sidecars"][index]["terminated"]
    return state


def test_steps_wait_for_a_sidecar_that_is_ready(isolated: Local) -> None:
    probe = {"exec": {"command": ["test", "-e", "/root-of-the-sidecar"]}, "periodSeconds": 1}
    run = isolated.run(
        task_run(
            "r",
            mounted("cat /shared/ready", MOUNT),
            task_sidecars=[
                sidecar(
                    "slow",
                    "echo yes > /shared/ready; touch /root-of-the-sidecar; exec sleep 600",
                    readinessProbe=probe,
                )
            ],
            **SHARED,
        )
    )
    assert reason(run) == "Succeeded", message(run)
    assert isolated.log("r") == "yes"
    assert ended(run)["exitCode"] == 137
    assert ended(run)["message"] == "Sidecar container successfully stopped by nop image"
    assert run["status"]["sidecars"][0]["container"] == "sidecar-slow"


def test_sidecar_that_ends_keeps_no_step_waiting(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            "true",
            task_sidecars=[sidecar("brief", "exit 0", readinessProbe={"tcpSocket": {"port": 1}})],
            **SHARED,
        )
    )
    assert reason(run) == "Succeeded"
    assert ended(run)["reason"] == "Completed"


def test_sidecar_is_stopped_in_good_order(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            mounted("until test -e /shared/up; do :; done", MOUNT),
            task_sidecars=[
                sidecar(
                    "polite",
                    "trap 'cat /shared/last; exit 3' TERM; touch /shared/up; "
                    "while :; do sleep 0.01; done",
                    lifecycle={"preStop": {"exec": {"command": COPY}}},
                )
            ],
            **SHARED,
        )
    )  # fmt: skip
    assert reason(run) == "Succeeded"
    assert ended(run)["exitCode"] == 3
    assert isolated.log("r", "sidecar-polite").endswith(Path("/etc/hostname").read_text().strip())


@pytest.mark.parametrize(
    ("script", "others", "expected"),
    [
        ("true", [], "SidecarFailed"),
        ("exit 1", [], "SidecarFailed"),
        ("true", ["sleep 600"], "Succeeded"),
        ("exit 1", ["sleep 600"], "SidecarFailed"),
    ],
)
def test_sidecar_that_fails(isolated: Local, script: str, others: list[str], expected: str) -> None:
    run = isolated.run(
        task_run(
            "r",
            mounted(f"until test -e /shared/x; do :; done; sleep 0.1; {script}", MOUNT),
            task_sidecars=[
                sidecar("bad", "touch /shared/x; exit 7"),
                *(sidecar(f"o{index}", other) for index, other in enumerate(others)),
            ],
            **SHARED,
        )
    )
    assert reason(run) == expected
    if expected == "SidecarFailed":
        assert message(run) == '"sidecar-bad" exited with code 7: Error'


def test_probes_of_servers(isolated: Local) -> None:
    port = free_port()
    serve = f"cd /shared; exec {sys.executable} -m http.server --bind 127.0.0.1 {port}"
    get = {"httpGet": {"port": "web", "path": "/"}, "periodSeconds": 1, "failureThreshold": 60}
    run = isolated.run(
        task_run(
            "r",
            {"command": [sys.executable, "-c", f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}')"]},
            task_sidecars=[
                sidecar(
                    "web",
                    serve,
                    ports=[{"name": "web", "containerPort": port}],
                    startupProbe=get,
                    readinessProbe={"tcpSocket": {"port": port}, "periodSeconds": 1},
                )
            ],
            **SHARED,
        )
    )  # fmt: skip
    assert reason(run) == "Succeeded", isolated.log("r")


def test_sidecar_that_never_starts_up_is_ended(isolated: Local) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    run = isolated.run(
        task_run(
            "r", "true", task_sidecars=[sidecar("s", "sleep 600", startupProbe=probe)], **SHARED
        )
    )
    assert message(run) == '"sidecar-s" exited with code 137: Error'


UNWELL = {
    "exec": {"command": ["false"]},
    "periodSeconds": 1,
    "failureThreshold": 1,
    "terminationGracePeriodSeconds": 20,
}


def test_sidecar_that_is_found_unwell_ends_in_good_order_though_it_is_never_ready(
    isolated: Local,
) -> None:
    run = isolated.run(
        task_run(
            "r",
            mounted("cat /shared/last", MOUNT),
            task_sidecars=[
                sidecar(
                    "polite",
                    "trap 'cat /shared/last; exit 0' TERM; while :; do sleep 0.01; done",
                    livenessProbe=UNWELL,
                    readinessProbe={"exec": {"command": ["false"]}, "periodSeconds": 1},
                    lifecycle={"preStop": {"exec": {"command": COPY}}},
                )
            ],
            **SHARED,
        )
    )
    assert reason(run) == "Succeeded", message(run)
    assert ended(run) == ended(run) | {"exitCode": 0, "reason": "Completed"}
    name = Path("/etc/hostname").read_text().strip()
    assert isolated.log("r") == name
    assert isolated.log("r", "sidecar-polite").endswith(name)


def test_no_hook_opens_a_socket(isolated: Local) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        hook = {"postStart": {"tcpSocket": {"port": server.getsockname()[1]}}}
        endless = sidecar("s", "while :; do sleep 1; done", lifecycle=hook)
        run = isolated.run(task_run("r", "true", task_sidecars=[endless], **SHARED))
    # Its hook has ended it: one that the end of the steps stops has not failed.
    assert reason(run) == "SidecarFailed"
    assert "message" not in ended(run)


def test_last_words_of_sidecars(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            mounted("until test -e /shared/x; do :; done; sleep 0.1", MOUNT),
            task_sidecars=[
                sidecar("a", "echo words > /last/words", terminationMessagePath="/last/words"),
                sidecar(
                    "b",
                    "touch /shared/x; echo logged; exit 3",
                    terminationMessagePolicy="FallbackToLogsOnError",
                ),
            ],
            **SHARED,
        )
    )
    assert message(run) == '"sidecar-b" exited with code 3: Error'
    assert ended(run, 0)["message"] == "words\n"
    assert ended(run, 1)["message"] == "logged\n"


def test_plain_processes_have_no_place_for_last_words(local: Local) -> None:
    container = {"name": "s", "image": "none", "script": "true", "terminationMessagePath": "/x"}
    run = local.run(task_run("r", "true", task_sidecars=[container]))
    assert "sidecars[0].terminationMessagePath" in message(run)


def test_sidecars_work_beside_plain_processes(local: Local, tmp_path: Path) -> None:
    said = tmp_path / "said"
    run = local.run(
        task_run(
            "r",
            "true",
            task_sidecars=[{"name": "s", "image": "none",
                            "script": f"echo here; touch {said}; sleep 600",
                            "readinessProbe": {"exec": {"command": ["test", "-e", str(said)]}}}],
        )
    )  # fmt: skip
    assert reason(run) == "Succeeded"
    assert local.log("r", "sidecar-s") == "here"


def test_cancelled_run_leaves_no_sidecar(isolated: Local) -> None:
    run = isolated.run(
        task_run(
            "r",
            "sleep 600",
            timeout="1s",
            task_sidecars=[sidecar("s", "sleep 600")],
            **SHARED,
        )
    )
    assert reason(run) == "TaskRunTimeout"
    assert isolated.runtime.plain_because == ""
