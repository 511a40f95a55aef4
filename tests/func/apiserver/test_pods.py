"""Pods, which are a view of TaskRuns, and their logs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mltk.local.engine import Engine
from mltk.local.process import ProcessRuntime
from mltk.tekton.objects import is_done

from .objects import TASK_RUNS, task_run
from .serving import TABLE, Http

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture(autouse=True)
def engine(http: Http) -> Iterator[None]:
    """What drives the runs of the store, as `mltk serve` has it."""
    stop = threading.Event()
    with ProcessRuntime() as runtime:
        made = Engine(http.backend.store, runtime, jobs=4, grace=0.2)
        thread = threading.Thread(target=made.serve, args=(stop,))
        thread.start()
        yield
        stop.set()
        thread.join(60)


def until_done(http: Http, name: str) -> None:
    for event in http.backend.watch("tr", name=name, timeout=60):
        if is_done(event.obj):
            return
    raise AssertionError(f"{name} has not ended")


def log(http: Http, pod: str, query: str = "") -> list[str]:
    reply = http.ask("GET", f"{PODS}/{pod}/log?{query}")
    assert reply.code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/plain")
    return reply.text.splitlines()


def test_pod_has_a_container_for_each_step(http: Http) -> None:
    http.make(TASK_RUNS, task_run("r", "true", "exit 3", "true", retries=0))
    until_done(http, "r")
    (pod,) = http.get(PODS)["items"]
    assert pod == http.get(f"{PODS}/r-pod")
    assert pod["metadata"]["labels"]["tekton.dev/taskRun"] == "r"
    assert pod["metadata"]["ownerReferences"][0]["name"] == "r"
    assert pod["status"]["phase"] == "Failed"
    codes = [
        (each["name"], each["state"]["terminated"]["exitCode"])
        for each in pod["status"]["containerStatuses"]
    ]
    assert codes == [("step-s0", 0), ("step-s1", 3), ("step-s2", 1)]
    table = http.get(PODS, Accept=TABLE)
    assert table["rows"][0]["cells"][:3] == ["r-pod", "0/3", "Error"]
    assert http.get(f"{PODS}?fieldSelector=status.phase%3DSucceeded")["items"] == []
    assert http.get(f"{PODS}?labelSelector=tekton.dev/taskRun%3Dr")["items"] == [pod]


def test_each_attempt_has_its_pod_and_its_log(http: Http) -> None:
    script = "echo attempt $(context.task.retry-count); exit 1"
    http.make(TASK_RUNS, task_run("r", script, retries=1))
    until_done(http, "r")
    names = [each["metadata"]["name"] for each in http.get(PODS)["items"]]
    assert names == ["r-pod", "r-pod-retry1"]
    assert [log(http, name) for name in names] == [["attempt 0"], ["attempt 1"]]


def test_sidecar_is_a_container_with_a_log(http: Http) -> None:
    run = task_run("r", "sleep 0.3")
    sidecar = {"name": "server", "image": "none", "script": "echo up; sleep 300"}
    run["spec"]["taskSpec"]["sidecars"] = [sidecar]
    http.make(TASK_RUNS, run)
    until_done(http, "r")
    pod = http.get(f"{PODS}/r-pod")
    names = [each["name"] for each in pod["status"]["containerStatuses"]]
    assert names == ["step-s0", "sidecar-server"]
    assert log(http, "r-pod", "container=sidecar-server") == ["up"]


def test_pod_comes_and_goes_in_a_watch(http: Http) -> None:
    version = http.get(PODS)["metadata"]["resourceVersion"]
    with http.watching(f"{PODS}?watch=1&resourceVersion={version}") as events:
        http.make(TASK_RUNS, task_run("r", "true"))
        types, phase = [], ""
        while phase != "Succeeded":
            event = next(events)
            types.append(event["type"])
            phase = event["object"]["status"]["phase"]
        http.ask("DELETE", f"{TASK_RUNS}/r")
        types.append(next(events)["type"])
    assert (types[0], types[-1]) == ("ADDED", "DELETED")
    assert set(types[1:-1]) == {"MODIFIED"}


def test_parts_of_a_log(http: Http) -> None:
    http.make(TASK_RUNS, task_run("r", "seq 1 5; printf end", "true"))
    until_done(http, "r")
    step = "container=step-s0"
    assert log(http, "r-pod", step) == ["1", "2", "3", "4", "5", "end"]
    assert log(http, "r-pod", f"{step}&tailLines=2") == ["5", "end"]
    assert log(http, "r-pod", f"{step}&tailLines=0") == []
    assert log(http, "r-pod", f"{step}&limitBytes=3") == ["1", "2"]
    stamped = log(http, "r-pod", f"{step}&timestamps=true")
    moments = [line.split()[0] for line in stamped]
    assert moments == sorted(set(moments))
    assert [line.split()[1] for line in stamped] == ["1", "2", "3", "4", "5", "end"]
    rest = log(http, "r-pod", f"{step}&timestamps=true&sinceTime={moments[3]}")
    assert rest == stamped[3:]
    tail = log(http, "r-pod", f"{step}&timestamps=true&tailLines=2")
    assert tail == stamped[-2:]
    assert log(http, "r-pod", f"{step}&sinceSeconds=3600") == log(http, "r-pod", step)


def test_followed_log_comes_as_it_is_written(http: Http) -> None:
    go = http.backend.layout.root / "go"
    script = f"echo one; until [ -e {go} ]; do sleep 0.02; done; echo two"
    http.make(TASK_RUNS, task_run("r", script, "echo three"))
    for event in http.backend.watch("tr", name="r", timeout=60):
        if (event.obj.get("status") or {}).get("podName"):
            break
    query = "follow=true&container=step-s"
    with http.reading(f"{PODS}/r-pod/log?{query}1") as second:
        # The second step waits for its turn, and so does who follows it.
        status = http.refused(400, "GET", f"{PODS}/r-pod/log?container=step-s1")
        assert "is waiting to start: PodInitializing" in status["message"]
        with http.reading(f"{PODS}/r-pod/log?{query}0") as first:
            assert next(first) == b"one\n"
            go.touch()
            assert list(first) == [b"two\n"]
        assert list(second) == [b"three\n"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "a container name must be specified for pod r-pod, choose one of: [step-s0 step-s1]"),
        ("container=step-none", "container step-none is not valid for pod r-pod"),
        ("container=step-s0&previous=true", "previous terminated container"),
        ("container=step-s0&tailLines=-1", "invalid value for tailLines"),
        ("container=step-s0&sinceTime=yesterday", "invalid value for sinceTime"),
    ],
)
def test_logs_that_are_not_there(http: Http, query: str, words: str) -> None:
    http.make(TASK_RUNS, task_run("r", "true", "true"))
    until_done(http, "r")
    assert words in http.refused(400, "GET", f"{PODS}/r-pod/log?{query}")["message"]
    http.refused(404, "GET", f"{PODS}/other/log")


def test_pods_are_only_read(http: Http) -> None:
    http.make(TASK_RUNS, task_run("r", "true"))
    until_done(http, "r")
    http.refused(405, "DELETE", f"{PODS}/r-pod")
    http.refused(405, "POST", PODS, {})


def test_deleted_run_ends_its_steps_and_takes_its_files(http: Http) -> None:
    http.make(TASK_RUNS, task_run("r", "echo $$; exec sleep 300"))
    for event in http.backend.watch("tr", name="r", timeout=60):
        if (event.obj.get("status") or {}).get("podName"):
            break
    with http.reading(f"{PODS}/r-pod/log?follow=true") as lines:
        assert int(next(lines))
        folder = http.backend.layout.root / "logs" / "default" / "r"
        assert folder.is_dir()
        assert http.ask("DELETE", f"{TASK_RUNS}/r").code == 200
        assert list(lines) == []
    http.refused(404, "GET", f"{PODS}/r-pod")
