"""The requests of the Tekton Dashboard, as its pages send them.

Its source is no package that a test could install: what is here was seen in its version 0.68, whose
pages list runs, open one, follow its log and rerun it on `mltk serve`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.tekton.objects import Obj, reason
from tests.cluster.dashboard import rerun_payload

from .objects import TASK_RUNS, task_run, trigger_objects
from .serving import Http, Served

JSON_PATCH = "application/json-patch+json"
RUNS = "/apis/tekton.dev/v1/namespaces/default/pipelineruns/"
_READ_BY_PAGES = [
    "/api/v1/namespaces/",
    "/api/v1/namespaces/default/serviceaccounts/",
    "/apis/tekton.dev/v1/pipelineruns/",
    "/apis/tekton.dev/v1/namespaces/default/taskruns/",
    "/apis/tekton.dev/v1/namespaces/default/pipelines/",
    "/apis/tekton.dev/v1/namespaces/default/tasks/",
    "/apis/tekton.dev/v1beta1/namespaces/default/customruns/",
    "/apis/tekton.dev/v1beta1/namespaces/default/stepactions/",
    "/apis/triggers.tekton.dev/v1beta1/namespaces/default/eventlisteners/",
    "/apis/triggers.tekton.dev/v1beta1/namespaces/default/triggers/",
    "/apis/triggers.tekton.dev/v1beta1/namespaces/default/triggerbindings/",
    "/apis/triggers.tekton.dev/v1beta1/namespaces/default/triggertemplates/",
    "/apis/triggers.tekton.dev/v1beta1/clustertriggerbindings/",
    "/apis/triggers.tekton.dev/v1alpha1/clusterinterceptors/",
    "/apis/triggers.tekton.dev/v1alpha1/namespaces/default/interceptors/",
]


def _run(name: str, script: str = "true", **spec: Any) -> Obj:
    tasks = [{"name": "one", "taskSpec": {"steps": [_step(script)]}}]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"pipelineSpec": {"tasks": tasks}, **spec},
    }


def _step(script: str) -> Obj:
    return {"name": "s", "image": "none", "script": script}


@pytest.mark.parametrize("path", _READ_BY_PAGES)
def test_every_page_has_its_list_and_its_watch(http: Http, path: str) -> None:
    found = http.get(path)
    assert found["kind"].endswith("List")
    version = found["metadata"]["resourceVersion"]
    with http.watching(f"{path}?watch=true&resourceVersion={version}"):
        pass


def test_page_of_a_run_watches_that_run_and_its_task_runs(http: Http) -> None:
    version = http.get(RUNS)["metadata"]["resourceVersion"]
    http.make(RUNS, _run("other", status="PipelineRunPending"))
    http.make(RUNS, _run("mine", status="PipelineRunPending"))
    labels = {"tekton.dev/pipelineRun": "mine"}
    child = task_run("tr", "true")
    http.make(f"{TASK_RUNS}/", {**child, "metadata": {"name": "tr", "labels": labels}})
    query = f"watch=true&fieldSelector=metadata.name%3Dmine&resourceVersion={version}"
    with http.watching(f"{RUNS}?{query}") as events:
        assert next(events)["object"]["metadata"]["name"] == "mine"
    found = http.get(f"{TASK_RUNS}/?labelSelector=tekton.dev%2FpipelineRun%3Dmine")
    assert [each["metadata"]["name"] for each in found["items"]] == ["tr"]


def test_extensions_of_the_dashboard_are_not_there(http: Http) -> None:
    path = "/apis/dashboard.tekton.dev/v1alpha1/extensions/"
    assert http.ask("GET", path).code == 404


def test_pending_run_is_started_and_a_run_is_cancelled(http: Http) -> None:
    http.make(RUNS, _run("a", status="PipelineRunPending"))
    started = [{"op": "remove", "path": "/spec/status"}]
    reply = http.ask("PATCH", f"{RUNS}a", started, media=JSON_PATCH)
    assert "status" not in reply.json["spec"]
    for status in ("StoppedRunFinally", "CancelledRunFinally", "Cancelled"):
        # The field need not be there for it to be replaced, as Kubernetes has it.
        cancelled = [{"op": "replace", "path": "/spec/status", "value": status}]
        reply = http.ask("PATCH", f"{RUNS}a", cancelled, media=JSON_PATCH)
        assert reply.json["spec"]["status"] == status, reply.text
    assert http.ask("DELETE", f"{RUNS}a").code == 200


def test_run_is_read_and_run_again(server: Served, name: str) -> None:
    def get(path: str) -> str:
        return server.kubectl("get", "--raw", path)

    server.kubectl("create", "-f", "-", stdin=json.dumps(_run(name, "echo hello; echo again")))
    server.kubectl("wait", f"pr/{name}", "--for=condition=Succeeded", "--timeout=60s")
    query = "container=step-s&follow=true&timestamps=true"
    log = get(f"/api/v1/namespaces/default/pods/{name}-one-pod/log?{query}")
    assert [line.partition(" ")[2] for line in log.splitlines()] == ["hello", "again"]
    again = rerun_payload(json.loads(get(f"{RUNS}{name}")))
    reply = server.kubectl("create", "--raw", RUNS, "-f", "-", stdin=json.dumps(again))
    made = json.loads(reply)["metadata"]["name"]
    server.kubectl("wait", f"pr/{made}", "--for=condition=Succeeded", "--timeout=60s")
    run = json.loads(get(f"{RUNS}{made}"))
    assert (reason(run), made.startswith(f"{name}-r-")) == ("Succeeded", True)


def test_kinds_of_triggers_are_shown(http: Http) -> None:
    for obj in trigger_objects("a"):
        plural = f"{obj['kind'].lower()}s"
        base = f"/apis/{obj['apiVersion']}/"
        place = base if obj["kind"].startswith("Cluster") else f"{base}namespaces/default/"
        http.make(f"{place}{plural}/", obj)
        assert http.get(f"{place}{plural}/a")["spec"]
        assert len(http.get(f"{base}{plural}/")["items"]) == 1
