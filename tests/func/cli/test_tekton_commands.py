"""The life of runs of plain shell Tasks, through the real command."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest
import yaml

from .cli_folder import ENVIRONMENT, MLTK, Folder, pipeline, run_of, task

GREETING = {"results": [{"name": "word"}]}
GREET = task("greet", "echo hello; printf %s hello > $(results.word.path)", **GREETING)
WAIT = "trap 'exit 0' TERM; while :; do read -r line < gate || exit 9; done"


def _named(run: Any) -> str:
    return str(run["metadata"]["name"])


def test_create_runs_a_pipeline_and_shows_it_from_all_sides(folder: Folder) -> None:
    file = folder.write(
        "talk.yaml", GREET, task("bye", "echo bye"), pipeline("talk", "greet", "bye")
    )
    assert folder.mltk("apply", "-f", file).stdout.splitlines() == [
        "task.tekton.dev/greet created",
        "task.tekton.dev/bye created",
        "pipeline.tekton.dev/talk created",
    ]
    run = folder.write("run.yaml", run_of("talk"))

    done = folder.mltk("create", "-f", run)

    (made,) = folder.json("get", "pr")["items"]
    name = _named(made)
    assert f"{name}  greet  Succeeded" in done.stderr
    assert name in done.stdout
    assert made["status"]["conditions"][0]["reason"] == "Succeeded"
    assert folder.mltk("logs", name).stdout == "[greet : do] hello\n[bye : do] bye\n"
    assert folder.mltk("logs", name, "--task", "bye").stdout == "[bye : do] bye\n"
    assert folder.mltk("logs", name, "-f").stdout == "[greet : do] hello\n[bye : do] bye\n"
    assert f"{name}-greet" in folder.mltk("describe", "pr", name).stdout
    asked = 'jsonpath={.status.results[?(@.name=="word")].value}'
    assert folder.mltk("get", f"tr/{name}-greet", "-o", asked).stdout == "hello\n"
    assert folder.mltk("wait", name).stdout == f"{name}  Succeeded\n"


def test_apply_says_what_changed(folder: Folder) -> None:
    folder.mltk("apply", "-f", folder.write("t.yaml", GREET))
    assert folder.mltk("apply", "-f", "t.yaml").stdout == "task.tekton.dev/greet unchanged\n"
    folder.write("t.yaml", task("greet", "echo hi", **GREETING))
    assert folder.mltk("apply", "-f", "t.yaml").stdout == "task.tekton.dev/greet configured\n"
    text = yaml.safe_dump(GREET)
    assert "configured" in folder.mltk("apply", "-f", "-", text=text).stdout
    assert "exists already" in folder.mltk("create", "-f", "t.yaml", code=5).stderr
    assert (
        "mltk create -f"
        in folder.mltk("apply", "-f", folder.write("run.yaml", run_of("talk")), code=2).stderr
    )


def test_a_manifest_is_admitted_whole_or_not_at_all(folder: Folder) -> None:
    wrong = task("wrong", "echo", parms=[])
    said = folder.mltk("apply", "-f", folder.write("t.yaml", GREET, wrong), code=3).stderr
    assert "parms" in said
    assert "params" in said
    assert "t.yaml:" in said
    assert folder.json("get", "tasks")["items"] == []
    folder.path.joinpath("bad.yaml").write_text("a: [\n", encoding="utf-8")
    assert "bad.yaml:2" in folder.mltk("apply", "-f", "bad.yaml", code=3).stderr
    assert "no such file" in folder.mltk("apply", "-f", "nowhere.yaml", code=2).stderr


def test_a_failed_run_says_why_and_rerun_goes_on_from_there(folder: Folder) -> None:
    flaky = task("flaky", f"test -e {folder.path}/mended || {{ echo 'error: broken'; exit 3; }}")
    kept = task("first", "echo made")
    kept["metadata"]["annotations"] = {"mltk.dev/cache": "true"}
    folder.mltk("apply", "-f", folder.write("t.yaml", kept, flaky, pipeline("p", "first", "flaky")))

    said = folder.mltk("create", "-f", folder.write("r.yaml", run_of("p")), code=3)

    (run,) = folder.json("get", "pr")["items"]
    assert "error: broken" in said.stderr
    assert f"mltk rerun {_named(run)}" in said.stderr
    folder.path.joinpath("mended").touch()
    (again,) = folder.json("rerun", _named(run))
    assert again["exitCode"] == 0
    copy = folder.json("get", "pr", again["run"])
    assert copy["metadata"]["labels"]["dashboard.tekton.dev/rerunOf"] == _named(run)
    first = folder.json("get", "tr", f"{again['run']}-first")
    assert first["metadata"]["annotations"]["mltk.dev/cached-from"] == f"{_named(run)}-first"


@pytest.fixture
def waiting(folder: Folder) -> Folder:
    """A Pipeline whose Task waits until it is told to end."""
    os.mkfifo(folder.path / "gate")
    script = f"cd {folder.path}; {WAIT}"
    folder.mltk("apply", "-f", folder.write("t.yaml", task("wait", script), pipeline("p", "wait")))
    folder.write("r.yaml", run_of("p"))
    return folder


def test_cancel_from_another_process(waiting: Folder) -> None:
    running = waiting.start("create", "-f", "r.yaml")
    name = _named(waiting.until("pr", reason="Running"))
    assert "cancelled" in waiting.mltk("cancel", name).stdout
    running.communicate(timeout=30)
    assert running.returncode == 1
    (condition,) = waiting.json("get", "pr", name)["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "Cancelled")


def test_ctrl_c_cancels_and_says_how_to_go_on(waiting: Folder) -> None:
    running = waiting.start("create", "-f", "r.yaml")
    name = _named(waiting.until("pr", reason="Running"))
    assert "still runs" in waiting.mltk("rerun", name, code=5).stderr
    assert "running in process" in waiting.mltk("delete", "pr", name, code=5).stderr
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert f"mltk rerun {name}" in said
    assert waiting.json("get", "pr", name)["status"]["conditions"][0]["reason"] == "Cancelled"


def test_a_killed_engine_is_noticed_by_the_next_command(waiting: Folder) -> None:
    running = waiting.start("create", "-f", "r.yaml")
    name = _named(waiting.until("tr", reason="Running"))
    running.kill()
    running.communicate(timeout=30)
    said = waiting.mltk("get", "pr")
    assert "Interrupted" in said.stdout
    assert f"mltk rerun {name.removesuffix('-wait')}" in said.stderr
    assert waiting.mltk("get", "pr").stderr == ""


def test_a_closed_pipe_is_no_error(folder: Folder) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{MLTK} config schema | head -n 1"],
        cwd=folder.path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_logs_of_steps_without_a_name_and_of_sidecars(folder: Folder) -> None:
    step = {"image": "none", "script": "echo here"}
    sidecar = {"name": "beside", "image": "none", "script": "echo there"}
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": "r"},
        "spec": {"taskSpec": {"steps": [step], "sidecars": [sidecar]}},
    }
    folder.mltk("create", "-f", folder.write("r.yaml", run))
    assert folder.mltk("logs", "r").stdout == "[unnamed-0] here\n"
    beside = folder.mltk("logs", "r", "--step", "sidecar-beside").stdout
    assert beside == "[sidecar-beside] there\n"


ALPHA = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "feature-flags", "namespace": "tekton-pipelines"},
    "data": {"enable-api-fields": "alpha"},
}


def _of(name: str, script: str, **more: Any) -> Any:
    step = {"name": "do", "image": "busybox", "script": script}
    return {"name": name, "taskSpec": {"steps": [step]}, **more}


def _created(folder: Folder, spec: Any, code: int) -> str:
    """Run what `spec` says; return what was told of it."""
    run = {**run_of("p"), "spec": {"pipelineSpec": spec}}
    run["metadata"] = {"name": "p"}
    return folder.mltk("create", "-f", folder.write("r.yaml", run), code=code).stderr


def test_a_run_within_a_run_is_seen_from_outside(folder: Folder) -> None:
    folder.mltk("apply", "-f", folder.write("flags.yaml", ALPHA))
    deep = {"tasks": [_of("deep", "echo deep"), _of("broken", "echo broken; exit 9")]}
    inner = {"name": "inner", "pipelineSpec": deep, "runAfter": ["first"]}

    said = _created(folder, {"tasks": [_of("first", "echo first"), inner]}, code=1)

    assert "p  inner  Failed" in said
    assert "p: Failed: task inner/broken, step do" in said
    assert "mltk logs p --task inner/broken" in said
    logs = folder.mltk("logs", "p").stdout.splitlines()
    assert logs[0] == "[first : do] first"
    assert set(logs[1:]) == {"[inner/deep : do] deep", "[inner/broken : do] broken"}
    assert folder.mltk("logs", "p", "-f").stdout.splitlines()[0] == "[first : do] first"
    assert len(folder.mltk("logs", "p", "--task", "inner").stdout.splitlines()) == 2
    assert folder.mltk("logs", "p", "-t", "inner/deep").stdout == "[inner/deep : do] deep\n"
    described = folder.mltk("describe", "pr", "p").stdout
    assert "inner/broken" in described
    assert "PipelineRuns" in described
    assert folder.mltk("wait", "p", code=1).stdout == "p  Failed\n"
    folder.mltk("delete", "pr", "p")
    assert folder.json("get", "tr")["items"] == folder.json("get", "pr")["items"] == []
    assert not list((folder.path / ".mltk" / "logs").rglob("*.log"))


def test_combinations_of_a_matrix_are_told_apart(folder: Folder) -> None:
    values = [{"name": "n", "value": ["a", "b"]}]
    fan = _of("fan", "echo $(params.n); [ $(params.n) = a ]", matrix={"params": values})
    fan["taskSpec"]["params"] = [{"name": "n"}]

    said = _created(folder, {"tasks": [fan]}, code=1)

    assert "p  fan-0  Succeeded" in said
    assert "p  fan-1  Failed" in said
    assert "task fan-1, step do" in said
    assert set(folder.mltk("logs", "p", "-t", "fan").stdout.splitlines()) == {
        "[fan-0 : do] a", "[fan-1 : do] b",
    }  # fmt: skip
    assert folder.mltk("logs", "p", "-t", "fan-1").stdout == "[fan-1 : do] b\n"


def test_describe_tells_steps_that_were_skipped_and_sidecars(folder: Folder) -> None:
    never = [{"input": "a", "operator": "in", "values": ["b"]}]
    spec = task("t", "echo done")["spec"]
    spec["steps"].append({**spec["steps"][0], "name": "not", "when": never})
    spec["sidecars"] = [{"name": "beside", "image": "busybox", "script": "exec sleep 60"}]
    run = {**run_of("t"), "kind": "TaskRun", "spec": {"taskSpec": spec}}
    run["metadata"] = {"name": "t"}
    folder.mltk("create", "-f", folder.write("r.yaml", run))

    rows = [line.split() for line in folder.mltk("describe", "tr", "t").stdout.splitlines()]

    assert ["do", "Completed", "0"] in rows
    assert ["not", "Skipped", "0"] in rows
    assert any(row[:1] == ["beside"] for row in rows)


def test_a_custom_run_says_for_whom_it_waits(folder: Folder) -> None:
    custom = {"name": "ask", "taskRef": {"apiVersion": "example.dev/v1", "kind": "Ask"}}
    run = {**run_of("p"), "spec": {"pipelineSpec": {"tasks": [custom]}}}
    folder.write("r.yaml", run)
    folder.mltk("apply", "-f", folder.write("t.yaml", task("t", "exit 0")))  # `get` finds a store
    running = folder.start("create", "-f", "r.yaml")
    folder.until("pr", reason="Running")
    (made,) = folder.json("get", "pr")["items"]
    assert _named(made) + "-ask" in folder.mltk("describe", "pr", _named(made)).stdout
    folder.mltk("cancel", _named(made))
    _, said = running.communicate(timeout=60)
    assert "ask waits: a controller of yours is to run Ask (example.dev/v1)" in said
