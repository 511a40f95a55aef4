"""What clients learn and read: discovery, lists in pages, selectors, tables, watches."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.tekton.objects import Obj

from .objects import CONFIGS, TASK_RUNS, TASKS, config, task, task_run
from .serving import TABLE, Http

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def names(found: Any) -> list[str]:
    return [item["metadata"]["name"] for item in found["items"]]


def test_discovery_in_both_forms_tells_the_same(http: Http) -> None:
    plain = {
        (group["groupVersion"], each["name"])
        for group in (http.get("/api/v1"), http.get("/apis/tekton.dev/v1"))
        for each in group["resources"]
    }
    aggregated = {
        (f"{group['metadata']['name']}/{version['version']}".lstrip("/"), each["resource"])
        for path in ("/api", "/apis")
        for group in http.get(path, Accept=AGGREGATED)["items"]
        for version in group["versions"]
        for each in version["resources"]
    }
    assert ("tekton.dev/v1", "taskruns/status") in plain
    assert {pair for pair in plain if "/" not in pair[1]} <= aggregated
    assert http.get("/apis/tekton.dev")["preferredVersion"]["version"] == "v1"
    assert http.get("/version")["gitVersion"].startswith("v1.")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_probes(http: Http, path: str) -> None:
    assert http.ask("GET", path).text == "ok"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/api/v2/pods", "/apis/apps/v1/deployments", f"{CONFIGS}/a/status",
        "/api/v1/namespaces/default/nodes", "/apis/tekton.dev/v1/taskruns/x",
        "/api/v1/namespaces/..%2f..%2fetc/configmaps/%00",
    ],
)  # fmt: skip
def test_what_is_not_served_is_not_found(http: Http, path: str) -> None:
    assert http.refused(404, "GET", path)["reason"] == "NotFound"


def test_missing_object_is_named(http: Http) -> None:
    status = http.refused(404, "GET", f"{TASK_RUNS}/gone")
    assert status["message"] == 'taskruns.tekton.dev "gone" not found'
    assert status["details"] == {"name": "gone", "group": "tekton.dev", "kind": "taskruns"}


def test_lists_are_ordered_and_selected(http: Http) -> None:
    for name, label in (("b", "x"), ("a", "x"), ("c", "y")):
        http.make(CONFIGS, config(name, labels={"of": label}))
    assert names(http.get(CONFIGS)) == ["a", "b", "c"]
    assert names(http.get(f"{CONFIGS}?labelSelector=of%3Dx")) == ["a", "b"]
    assert names(http.get(f"{CONFIGS}?labelSelector=of+notin+(x)")) == ["c"]
    assert names(http.get(f"{CONFIGS}?fieldSelector=metadata.name%3Db")) == ["b"]
    assert names(http.get(f"{CONFIGS}?fieldSelector=metadata.name!%3Db")) == ["a", "c"]
    assert names(http.get("/api/v1/configmaps?fieldSelector=metadata.namespace%3Dother")) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("labelSelector=%3D%3D", "unable to parse"),
        ("fieldSelector=spec.x%3D1", "field label not supported: spec.x"),
        ("fieldSelector=x", "invalid field selector"),
        ("limit=many", "invalid value for limit"),
        ("continue=nonsense", "continue key is not valid"),
        ("watch=1&resourceVersion=x", "invalid resource version"),
    ],
)
def test_questions_that_make_no_sense(http: Http, query: str, words: str) -> None:
    assert words in http.refused(400, "GET", f"{CONFIGS}?{query}")["message"]


def test_pages_hold_everything_once(http: Http) -> None:
    for n in range(7):
        http.make(CONFIGS, config(f"c{n}", labels={"even": str(n % 2 == 0)}))
    found, token, left = [], "", []
    while True:
        page = http.get(f"{CONFIGS}?limit=3" + (f"&continue={token}" if token else ""))
        found += names(page)
        token = page["metadata"].get("continue", "")
        left.append(page["metadata"].get("remainingItemCount"))
        if not token:
            break
    assert found == [f"c{n}" for n in range(7)]
    assert left == [4, 1, None]
    page = http.get(f"{CONFIGS}?limit=3&labelSelector=even%3DTrue")
    assert names(page) == ["c0", "c2", "c4"]
    rest = http.get(
        f"{CONFIGS}?limit=3&labelSelector=even%3DTrue&continue={page['metadata']['continue']}"
    )
    assert (names(rest), "continue" in rest["metadata"]) == (["c6"], False)


def test_page_of_a_forgotten_list_is_expired(http: Http) -> None:
    for n in range(3):
        http.make(CONFIGS, config(f"c{n}"))
    token = http.get(f"{CONFIGS}?limit=1")["metadata"]["continue"]
    old = http.get(CONFIGS)["metadata"]["resourceVersion"]
    _forget(http)
    for query in (f"limit=1&continue={token}", f"watch=1&resourceVersion={old}"):
        assert http.refused(410, "GET", f"{CONFIGS}?{query}")["reason"] == "Expired"


def _forget(http: Http) -> None:
    """Let more be deleted at once than the store remembers."""
    _change(http, 600)


def _change(http: Http, times: int) -> None:
    with http.backend.store.transaction():
        for n in range(times):
            name = f"old{n}"
            http.backend.store.create(config(name, namespace="default"))
            http.backend.store.delete("cm", name)


def test_table_of_runs_has_tektons_columns(http: Http) -> None:
    http.make(TASK_RUNS, task_run("r", "true"))
    status = {
        "conditions": [{"type": "Succeeded", "status": "False", "reason": "Failed"}],
        "startTime": "2020-01-01T00:00:00Z",
    }
    run = http.backend.get("tr", "r")
    http.backend.store.set_status(run, status)
    table = http.get(TASK_RUNS, Accept=f"{TABLE},application/json")
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    titles = [column["name"] for column in table["columnDefinitions"]]
    assert titles == ["Name", "Succeeded", "Reason", "StartTime", "CompletionTime"]
    ((row),) = table["rows"]
    name, succeeded, reason, started, ended = row["cells"]
    assert (name, succeeded, reason, ended) == ("r", "False", "Failed", None)
    assert started.endswith(("y", "d"))
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"]["name"] == "r"
    whole = http.get(f"{TASK_RUNS}/r?includeObject=Object", Accept=TABLE)
    assert whole["rows"][0]["object"]["spec"] == run["spec"]


def test_metadata_alone(http: Http) -> None:
    http.make(CONFIGS, config("a"))
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    found = http.get(CONFIGS, Accept=accept)
    assert found["kind"] == "PartialObjectMetadataList"
    assert [set(item) for item in found["items"]] == [{"kind", "apiVersion", "metadata"}]


def test_watch_from_a_list_tells_what_follows_it(http: Http) -> None:
    http.make(CONFIGS, config("a"))
    version = http.get(CONFIGS)["metadata"]["resourceVersion"]
    with http.watching(f"{CONFIGS}?watch=1&resourceVersion={version}") as events:
        http.make(CONFIGS, config("b"))
        http.ask("PATCH", f"{CONFIGS}/a", {"data": {"n": "1"}}, media=MERGE)
        http.ask("DELETE", f"{CONFIGS}/b")
        seen = [next(events) for _ in range(3)]
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in seen] == [
        ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b"),
    ]  # fmt: skip
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))


MERGE = "application/merge-patch+json"


def test_object_comes_into_a_selection_and_leaves_it(http: Http) -> None:
    http.make(CONFIGS, config("a", labels={"in": "no"}))
    version = http.get(CONFIGS)["metadata"]["resourceVersion"]
    path = f"{CONFIGS}?watch=1&labelSelector=in%3Dyes&resourceVersion={version}"
    with http.watching(path) as events:
        for value in ("yes", "no"):
            patch = {"metadata": {"labels": {"in": value}}}
            http.ask("PATCH", f"{CONFIGS}/a", patch, media=MERGE)
            event = next(events)
            assert event["type"] == {"yes": "ADDED", "no": "DELETED"}[value]


def test_watch_without_a_version_begins_with_all_there_is(http: Http) -> None:
    http.make(CONFIGS, config("a"))
    http.make(CONFIGS, config("b"))
    path = f"{CONFIGS}?watch=1&fieldSelector=metadata.name%3Da&timeoutSeconds=1"
    with http.watching(path) as events:
        assert [event["object"]["metadata"]["name"] for event in events] == ["a"]


def test_streamed_list_ends_with_a_bookmark(http: Http) -> None:
    http.make(CONFIGS, config("a"))
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    with http.watching(f"{CONFIGS}?{query}&allowWatchBookmarks=true") as events:
        added, end = next(events), next(events)
    assert added["type"] == "ADDED"
    assert end["type"] == "BOOKMARK"
    assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_watch_of_a_table(http: Http) -> None:
    with http.watching(f"{TASKS}?watch=1", Accept=TABLE) as events:
        http.make(TASKS, task("a"))
        event = next(events)
    assert event["object"]["kind"] == "Table"
    assert event["object"]["rows"][0]["cells"][0] == "a"


def test_watch_that_stays_on_outlives_what_is_forgotten(http: Http) -> None:
    version = http.get(CONFIGS)["metadata"]["resourceVersion"]
    with http.watching(f"{TASKS}?watch=1&resourceVersion={version}") as tasks:
        for name in ("a", "b", "c", "d"):
            http.make(TASKS, task(name))
            event = next(tasks)
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", name)
            _change(http, 200)


def test_watch_that_cannot_follow_is_told_to_begin_anew(http: Http) -> None:
    with http.watching(f"{CONFIGS}?watch=1") as events:
        http.make(CONFIGS, config("a"))
        next(events)
        _forget(http)
        found = list(events)
    assert found[-1]["type"] == "ERROR"
    assert (found[-1]["object"]["code"], found[-1]["object"]["reason"]) == (410, "Expired")


def test_changes_by_another_process_are_seen(http: Http) -> None:
    from mltk.local.backend import LocalBackend

    with (
        http.watching(f"{CONFIGS}?watch=1") as events,
        LocalBackend(http.backend.layout.root) as other,
    ):
        other.create(config("there", namespace="default"))
        assert next(events)["object"]["metadata"]["name"] == "there"


def test_namespaces_are_those_made_and_those_in_use(http: Http) -> None:
    http.make("/api/v1/namespaces", _namespace("made"))
    http.backend.create(config("a", namespace="used"))
    found = http.get("/api/v1/namespaces")
    assert names(found) == ["default", "made", "tekton-pipelines", "used"]
    assert all("namespace" not in item["metadata"] for item in found["items"])
    one = http.get("/api/v1/namespaces/made")
    assert one["metadata"]["labels"] == {"kubernetes.io/metadata.name": "made"}
    assert one["status"]["phase"] == "Active"
    assert http.get("/api/v1/namespaces/made/serviceaccounts/default")


def test_namespace_goes_with_what_is_in_it(http: Http) -> None:
    http.make("/api/v1/namespaces", _namespace("lab"))
    http.make("/api/v1/namespaces/lab/configmaps", config("a"))
    version = http.get("/api/v1/namespaces")["metadata"]["resourceVersion"]
    with http.watching(f"/api/v1/namespaces?watch=1&resourceVersion={version}") as events:
        assert http.ask("DELETE", "/api/v1/namespaces/lab").code == 200
        assert next(events)["type"] == "DELETED"
    assert http.get("/api/v1/configmaps?fieldSelector=metadata.name%3Da")["items"] == []
    http.refused(404, "GET", "/api/v1/namespaces/lab")
    http.refused(403, "DELETE", "/api/v1/namespaces/default")


def _namespace(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def test_schema_has_the_fields_that_admission_knows(http: Http) -> None:
    index = http.get("/openapi/v3")["paths"]
    found = http.get(index["apis/tekton.dev/v1"]["serverRelativeURL"].partition("?")[0])
    schemas = found["components"]["schemas"]
    step = schemas["dev.tekton.v1.Step"]["properties"]
    assert step["script"]["type"] == "string"
    for text in _references(found):
        assert text.removeprefix("#/components/schemas/") in schemas
    v2 = http.get("/openapi/v2")
    assert {text.removeprefix("#/definitions/") for text in _references(v2)} <= set(
        v2["definitions"]
    )


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*map(_references, value.values()))
    return set[str]().union(*map(_references, value)) if isinstance(value, list) else set()
