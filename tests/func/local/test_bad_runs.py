"""Bad input and steps that misbehave, through the command that a user types.

Each ends with its exit code and says what is wrong, where, and what to type; nothing is lost.
"""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..cli.cli_folder import Folder, task
from .conftest import IMAGE

_MB = 1024**2


def _run(script: str, name: str = "r", **spec: Any) -> Any:
    """A PipelineRun of a Task `t`, whose result `x` is its own, and a last one that says `last`."""
    steps = [{"name": "do", "image": IMAGE, "script": script}]
    last = [{"name": "do", "image": IMAGE, "script": "echo last"}]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name},
        "spec": {
            "pipelineSpec": {
                "results": [{"name": "x", "value": "$(tasks.t.results.x)"}],
                "tasks": [{"name": "t", "taskSpec": {"results": [{"name": "x"}], "steps": steps}}],
                "finally": [{"name": "f", "taskSpec": {"steps": last}}],
            },
            **spec,
        },
    }


def test_an_unknown_kind_is_refused_alike_by_all_that_read_files(folder: Folder) -> None:
    folder.mltk("apply", "-f", folder.write("good.yaml", task("good", "true")))
    wrong = {**task("wrong", "true"), "kind": "Taks"}
    name = folder.write("m.yaml", wrong, task("new", "true"))
    said = {folder.mltk(verb, "-f", name, code=3).stderr for verb in ("apply", "create")}
    (one,) = said
    assert "'Taks' is not a kind that this engine knows; did you mean 'Task'?" in one
    assert "m.yaml:1: taks/wrong: kind" in one
    assert folder.mltk("get", "tasks", "-o", "name").stdout.split() == ["task.tekton.dev/good"]


def test_a_param_of_another_type(folder: Folder) -> None:
    folder.mltk("apply", "-f", folder.write("t.yaml", _takes_a_list()))
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": "r"},
        "spec": {"taskRef": {"name": "t"}, "params": [{"name": "p", "value": "text"}]},
    }
    said = folder.mltk("create", "-f", folder.write("r.yaml", run), code=1).stderr
    assert "param types don't match the user-specified type: [p]" in said
    assert "correct it, then: mltk create -f" in said
    assert "mltk rerun" not in said  # which would ask for the same mistake
    assert _reason(folder, "tr", "r") == "TaskRunValidationFailed"


def _takes_a_list() -> Any:
    return task("t", "true", params=[{"name": "p", "type": "array"}])


def test_a_result_that_its_task_does_not_have(folder: Folder) -> None:
    run = _run("true")
    steps = [{"name": "do", "image": "none", "script": "true"}]
    reads = {
        "name": "reads",
        "params": [{"name": "p", "value": "$(tasks.t.results.y)"}],
        "taskSpec": {"params": [{"name": "p"}], "steps": steps},
    }
    run["spec"]["pipelineSpec"]["tasks"].append(reads)
    said = folder.mltk("create", "-f", folder.write("r.yaml", run), code=1).stderr
    assert '"y" is not a named result returned by pipeline task "t"' in said
    assert "correct it, then: mltk create -f" in said
    assert "mltk rerun" not in said
    assert _reason(folder, "pr", "r") == "InvalidTaskResultReference"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(scope="module", params=["process", "container"])
def runtime(request: pytest.FixtureRequest) -> str:
    """How steps run."""
    if request.param == "container":
        request.getfixturevalue("engine")
    return str(request.param)


def _create(folder: Folder, runtime: str, run: Any, code: int = 0) -> str:
    """Run it to its end; return what was said."""
    name = folder.write("r.yaml", run)
    return folder.mltk("create", "--runtime", runtime, "-f", name, code=code).stderr


def _reason(folder: Folder, kind: str, name: str) -> str:
    return str(folder.json("get", kind, name)["status"]["conditions"][0]["reason"])


def _is_told_to_the_end(folder: Folder, run: str = "r") -> bool:
    """Whether the last task of a run went well, whatever the first did."""
    log = folder.mltk("logs", run, "--task", "f").stdout
    return _reason(folder, "tr", f"{run}-f") == "Succeeded" and log.endswith("last\n")


def test_a_gigabyte_of_logs_is_kept_short_and_the_run_goes_on(folder: Folder, runtime: str) -> None:
    flood = "echo first; dd if=/dev/zero bs=1M count=1024 2>/dev/null; echo; echo end"
    flood += "; printf x > $(results.x.path)"
    log = folder.path / ".mltk/logs/default/r-t/do.log"
    highest = 0
    name = folder.write("r.yaml", _run(flood))
    with folder.start("create", "--runtime", runtime, "-f", name) as running:
        while not _ends(running, within=0.05):
            if log.exists():
                highest = max(highest, log.stat().st_blocks * 512)
    assert running.returncode == 0
    kept = log.read_bytes()
    assert kept.startswith(b"first\n")
    assert kept.endswith(b"\nend\n")
    assert b"mltk: the log has passed" in kept
    assert len(kept) < 70 * _MB
    assert highest < 100 * _MB
    assert _is_told_to_the_end(folder)


def _ends(running: subprocess.Popen[str], *, within: float) -> bool:
    try:
        running.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


@dataclass(frozen=True)
class Misbehaved:
    """A folder with runs of steps that misbehave, each in its way, and what was `said` of them."""

    folder: Folder
    said: str
    seconds: str


@pytest.fixture(scope="module")
def misbehaved(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Misbehaved:
    """One command that makes a run of each sort."""
    folder, seconds = Folder(tmp_path_factory.mktemp("runs")), str(random.randrange(10**6, 10**7))
    deaf = _run("trap '' TERM; echo deaf; while :; do sleep 600; done", "deaf")
    deaf["spec"]["pipelineSpec"]["tasks"][0]["timeout"] = "1s"
    daemon = f"(setsid sleep {seconds} &) ; setsid sleep {seconds} & echo up"
    write = "printf x > $(results.x.path)"
    runs = (
        _run("dd if=/dev/zero bs=5000 count=1 2>/dev/null > $(results.x.path)", "big"),
        _run("printf 'a\\377b' > $(results.x.path)", "no-text"),
        _run(f"{daemon}; {write}", "daemon"),
        deaf,
        _with_workspace(_run(f"rm -rf $(workspaces.w.path) || echo 'a mount'; {write}", "deletes")),
    )
    name = folder.write("runs.yaml", *runs)
    said = folder.mltk("create", "--runtime", runtime, "-f", name, code=1).stderr
    return Misbehaved(folder, said, seconds)


def test_results_beyond_4096_bytes(misbehaved: Misbehaved) -> None:
    assert "Termination message is above max allowed size 4096" in misbehaved.said
    assert "mltk logs big --task t" in misbehaved.said
    assert _is_told_to_the_end(misbehaved.folder, "big")


def test_a_result_that_is_not_utf_8(misbehaved: Misbehaved) -> None:
    (found,) = misbehaved.folder.json("get", "pr", "no-text")["status"]["results"]
    assert found == {"name": "x", "value": "a\ufffdb"}


def test_a_daemon_does_not_outlive_its_run(misbehaved: Misbehaved) -> None:
    """It has left its session, and its parent is gone."""
    assert misbehaved.folder.mltk("logs", "daemon", "--task", "t").stdout.endswith("up\n")
    command_lines = Path("/proc").glob("[0-9]*/cmdline")
    assert not [each for each in command_lines if _says(each, misbehaved.seconds)]
    assert _reason(misbehaved.folder, "pr", "daemon") == "Succeeded"


def _says(command_line: Path, word: str) -> bool:
    try:
        return word.encode() in command_line.read_bytes().split(b"\0")
    except OSError:
        return False  # it has ended meanwhile


def test_a_step_that_ignores_sigterm(misbehaved: Misbehaved) -> None:
    assert 'TaskRun "deaf-t" failed to finish within "1s"' in misbehaved.said
    assert "mltk rerun deaf" in misbehaved.said
    assert _reason(misbehaved.folder, "tr", "deaf-t") == "TaskRunTimeout"
    assert _is_told_to_the_end(misbehaved.folder, "deaf")


def test_a_step_that_deletes_its_workspace(misbehaved: Misbehaved) -> None:
    assert _is_told_to_the_end(misbehaved.folder, "deletes")
    assert _reason(misbehaved.folder, "pr", "deletes") == "Succeeded"


def _with_workspace(run: Any) -> Any:
    """Give its task `t` the workspace `w`, which is a claim of the run."""
    spec = run["spec"]["pipelineSpec"]
    spec["workspaces"] = [{"name": "w"}]
    spec["tasks"][0]["workspaces"] = [{"name": "w"}]
    spec["tasks"][0]["taskSpec"]["workspaces"] = [{"name": "w"}]
    claim = {"spec": {"accessModes": ["ReadWriteOnce"]}}
    run["spec"]["workspaces"] = [{"name": "w", "volumeClaimTemplate": claim}]
    return run


def test_a_step_that_fills_the_disk(small_disk: Path, runtime: str) -> None:
    small = Folder(small_disk)
    run = _with_workspace(_run("cat /dev/zero > $(workspaces.w.path)/big"))
    name = small.write("r.yaml", run)
    # The step fails, or its engine does, which says of the store what is the matter.
    with small.start("create", "--runtime", runtime, "-f", name) as running:
        _, said = running.communicate(timeout=60)
    assert running.returncode in (1, 5), said
    assert "Traceback" not in said
    assert "No space left" in said or "full" in said
    for big in small.path.rglob("big"):
        big.unlink()
    assert [each["metadata"]["name"] for each in small.json("get", "pr")["items"]] == ["r"]
    small.mltk("wait", "r", code=1)
    assert _reason(small, "pr", "r") in ("Failed", "Interrupted")
    again = {**_run("printf x > $(results.x.path)"), "metadata": {"name": "again"}}
    _create(small, runtime, again)
