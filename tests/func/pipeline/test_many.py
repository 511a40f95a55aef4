"""Many models of one project: a plan, a few at a time, their data fetched once, and again."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .conftest import Project

NAMES = ("plane-4", "plane-6", "plane-8")


@pytest.fixture
def many(project: Project) -> Project:
    """Three models that differ in their network and share one table."""
    spec = project.spec()
    project.the_model(spec)["matrix"] = {"units": [4, 6, 8]}
    project.the_model(spec)["network"] = {"hidden": ["$(matrix.units)"]}
    project.write_spec(spec)
    project.commit("Three networks")
    return project


@pytest.fixture
def asked(many: Project) -> Iterator[list[str]]:
    """What is asked of the project's DVC remote, which is a server; nothing is in the cache."""
    remote = many.folder.parent / "remote"
    many.dvc("remote", "add", "--default", "--force", "storage", str(remote))
    many.dvc("push")
    shutil.rmtree(many.folder / ".dvc" / "cache")
    many.table.unlink()
    paths: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Counting, remote, paths)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        many.dvc("remote", "modify", "storage", "url", url)
        many.git("add", "--all")
        many.commit("A remote")
        yield paths
        server.shutdown()


class _Counting(SimpleHTTPRequestHandler):
    def __init__(self, folder: Path, paths: list[str], *args: object) -> None:
        self._paths = paths
        super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._paths.append(self.path)
        super().do_GET()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_all_models_share_one_fetch_and_are_not_run_again(many: Project, asked: list[str]) -> None:
    planned = many.json("run", "--all", "--dry-run")
    assert [(each["model"], each["action"]) for each in planned] == [(n, "run") for n in NAMES]
    assert many.json("get", "pr")["items"] == []

    done = many.json("run", "--all", "--parallel", "3")
    assert [each["model"] for each in done] == list(NAMES)
    assert {each["exitCode"] for each in done} == {0}
    assert all(each["verdict"] == "pass" and each["seconds"] >= 0 for each in done)
    assert len({each["digest"] for each in done}) == 3
    # The list of the data folder, when it was planned, and the table.
    assert len(asked) == len(set(asked)) == 2, asked

    again = many.mltk("run", "--all", "--parallel", "2")
    assert again.stderr.count("up to date") == 3
    assert all(name in again.stdout for name in NAMES)
    assert "TIME" in again.stdout
    assert len(many.json("get", "pr")["items"]) == 3
    (one,) = many.json("run", "*-8", "--dry-run", "--force")
    assert (one["model"], one["action"]) == ("plane-8", "run")


def test_ctrl_c_cancels_those_that_have_not_begun_too_and_it_goes_on(many: Project) -> None:
    running = many.start("run", "--all", "--parallel", "1")
    watch = many.start("get", "taskruns", "-w")
    try:
        assert watch.stdout is not None
        assert any("-train-model " in line for line in watch.stdout)
        os.kill(running.pid, signal.SIGINT)
        running.communicate(timeout=60)
    finally:
        for process in (watch, running):
            process.kill()
            process.communicate()
    assert running.returncode == 130
    runs = many.json("get", "pr")["items"]
    reasons = [run["status"]["conditions"][0]["reason"] for run in runs]
    assert reasons == ["Cancelled"] * 3
    parts = many.json("get", "taskruns")["items"]
    begun = {each["metadata"]["labels"]["mltk.dev/model"] for each in parts}
    assert begun == {"plane-4"}, "the others had not begun"

    many.mltk("run", "--all", "--parallel", "2")
    assert sorted(each["name"] for each in many.json("models", "list")) == list(NAMES)


def test_one_that_the_gate_refuses_keeps_no_other_waiting(many: Project) -> None:
    spec = many.spec()
    model = many.the_model(spec)
    model["matrix"] = {"include": [{"units": 4, "worst": 0.0001}, {"units": 8, "worst": 100}]}
    model["gate"] = {"metrics": {"rmse": {"max": "$(matrix.worst)"}}}
    many.write_spec({**spec, "models": {"plane-$(matrix.units)": model}})
    many.commit("A bound for each")
    done = many.mltk("run", "--all", "--parallel", "1", code=4)
    assert "plane-4: the gate said no" in done.stderr
    assert [each["name"] for each in many.json("models", "list")] == ["plane-8"]


def test_what_cannot_go_together_is_said(project: Project) -> None:
    assert "--all and plane" in project.mltk("run", "plane", "--all", code=2).stderr
    assert "no model fits 'x*'" in project.mltk("run", "x*", code=2).stderr
    assert "is not in the range" in project.mltk("run", "--parallel", "0", code=2).stderr
    on_cluster = project.mltk("run", "--on", "cluster", "--parallel", "2", code=2).stderr
    assert "limits: {project: N}" in on_cluster
