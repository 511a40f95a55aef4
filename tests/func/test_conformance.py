"""How examples are played; the examples themselves are `make conformance`'s."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mltk.tekton.objects import Obj
from tests.conformance.examples import Example
from tests.conformance.needs import IN_CONTAINERS, obstacle
from tests.conformance.play import Outcome, play


def task_run(script: str, image: str = "mirror.gcr.io/bash@sha256:ab") -> Obj:
    steps = [{"name": "s", "image": image, "script": script}]
    metadata = {"generateName": "example-"}
    spec = {"taskSpec": {"steps": steps}}
    return {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": metadata, "spec": spec}


def played(folder: Path, *objs: Obj) -> Outcome:
    path = folder / "taskruns" / "example.yaml"
    path.parent.mkdir()
    path.write_text("\n---\n".join(map(json.dumps, objs)), encoding="utf-8")
    return play(Example("taskruns/example", path), folder)


def test_an_example_passes_when_its_run_succeeds(tmp_path: Path) -> None:
    assert played(tmp_path, task_run("true")) == Outcome("taskruns/example", "passed")


def test_of_one_that_fails_the_end_of_its_log_is_told(tmp_path: Path) -> None:
    found = played(tmp_path, task_run("echo the reason; exit 3"))
    assert found.result == "failed"
    assert "exited with code 3" in found.why
    assert found.why.endswith("the reason")


def test_the_shell_of_a_small_image_is_that_of_busybox(tmp_path: Path) -> None:
    if shutil.which("busybox") is None:
        pytest.skip("busybox is not installed")
    found = played(tmp_path, task_run("[ a == a ]", "mirror.gcr.io/alpine:3"))
    assert found == Outcome("taskruns/example", "passed")


def test_what_examples_fetch_from_the_net_is_on_this_machine(tmp_path: Path) -> None:
    script = 'git clone -q "$URL" x; ls x; test -d x/task; git clone -q "$SSH" y'
    urls = {"URL": "https://github.com/tektoncd/catalog", "SSH": "git@github.com:myorg/demo-repo-1"}
    run = task_run(script)
    run["spec"]["taskSpec"]["steps"][0]["env"] = [{"name": k, "value": v} for k, v in urls.items()]
    assert played(tmp_path, run) == Outcome("taskruns/example", "passed")


def test_one_that_is_refused_fails(tmp_path: Path) -> None:
    found = played(tmp_path, {**task_run("true"), "spec": {}})
    assert (found.result, found.why.split(":")[0]) == ("failed", "refused")


def test_a_file_without_a_run_is_not_runnable(tmp_path: Path) -> None:
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    assert played(tmp_path, config_map).result == "not runnable"


@pytest.mark.parametrize(
    ("image", "script", "why"),
    [
        ("mirror.gcr.io/busybox", "true", ""),
        ("mirror.gcr.io/bash:5.1.4@sha256:ab", "true", ""),
        ("$(params.image)", "true", ""),
        ("gcr.io/go-containerregistry/crane", "true", "no program of this machine"),
        ("example.com/own", "true", "no program of this machine"),
        ("mirror.gcr.io/bash", "#!/usr/bin/env none-such", "none-such is not installed"),
        ("mirror.gcr.io/bash", "git clone https://github.com/x/y", "fetches from the net"),
        ("mirror.gcr.io/bash", "git clone https://github.com/tektoncd/catalog", ""),
    ],
)
def test_what_an_example_needs_is_seen(image: str, script: str, why: str) -> None:
    found = obstacle("taskruns/example", [task_run(script, image)])
    assert found.startswith(why)
    assert bool(found) is bool(why)


def test_an_example_that_needs_images_gets_them(tmp_path: Path) -> None:
    if why := obstacle(IN_CONTAINERS[0], []):
        pytest.skip(why)
    run = task_run("true", "mirror.gcr.io/ubuntu@sha256:ab")
    (step,) = run["spec"]["taskSpec"]["steps"]
    step |= {"args": ["-c", 'test -n "$BASH" && test -d /home/nonroot'], "script": None}
    path = tmp_path / "taskruns" / "example.yaml"
    path.parent.mkdir()
    path.write_text(json.dumps(run), encoding="utf-8")
    # In a process of its own, because that leaves the network of this one.
    command = [sys.executable, "-m", "tests.conformance.play", IN_CONTAINERS[-1], str(path)]
    found = json.loads(subprocess.check_output(command))
    assert (found["result"], found["why"]) == ("passed", "")
    left = subprocess.check_output(["podman", "images", "localhost/mltk-examples/*", "--quiet"])
    assert left == b""
