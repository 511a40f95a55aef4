"""What clients write: create, update, patches, apply, delete, dry runs, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from .objects import CONFIGS, SECRETS, TASK_RUNS, TASKS, config, task, task_run
from .serving import Http

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


def test_new_object_gets_what_kubernetes_gives_it(http: Http) -> None:
    made = http.make(CONFIGS, {**config(""), "metadata": {"generateName": "a-"}})
    metadata = made["metadata"]
    assert metadata["name"].startswith("a-")
    assert metadata["namespace"] == "default"
    assert metadata["uid"]
    assert int(metadata["resourceVersion"])
    assert http.get(f"{CONFIGS}/{metadata['name']}") == made


@pytest.mark.parametrize(
    ("obj", "code", "words"),
    [
        (config("Not_A_Name"), 422, "metadata.name"),
        (config(""), 422, "name or generateName is required"),
        (config("a", namespace="other"), 400, "does not match the namespace"),
        (config("a", resourceVersion="1"), 400, "resourceVersion should not be set"),
        ({**config("a"), "kind": "Secret"}, 400, "does not match the expected ConfigMap"),
        ({**config("a"), "data": {"k": 1}}, 400, "data is not of its type"),
        ({**config("a"), "metadata": []}, 400, "metadata must hold"),
        ([], 400, "must hold keys and values"),
        (b"{", 400, "unrecognized"),
        (b"\xff\xfe", 400, "unrecognized"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, 400, "too deeply"),
        (b'{"data": {"k": NaN}}', 400, "NaN is not a number"),
    ],
)
def test_what_cannot_be_made_is_refused(http: Http, obj: Any, code: int, words: str) -> None:
    assert words in http.refused(code, "POST", CONFIGS, obj)["message"]
    assert http.get(CONFIGS)["items"] == []


def test_name_can_be_had_once(http: Http) -> None:
    http.make(CONFIGS, config("a"))
    status = http.refused(409, "POST", CONFIGS, config("a"))
    assert (status["reason"], status["message"]) == (
        "AlreadyExists", 'configmaps "a" already exists',
    )  # fmt: skip


def test_namespace_must_be_there(http: Http) -> None:
    status = http.refused(404, "POST", CONFIGS.replace("default", "lab"), config("a"))
    assert status["message"] == 'namespaces "lab" not found'
    assert status["details"]["kind"] == "namespaces"


def test_what_tekton_refuses_comes_in_its_words(http: Http) -> None:
    bad = task("a")
    bad["spec"]["steps"] = []
    message = http.refused(400, "POST", TASKS, bad)["message"]
    head = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: '
    assert message.startswith(f"{head}validation failed: ")
    assert message.endswith("spec.steps")


@pytest.mark.parametrize(("mode", "code"), [("Strict", 400), ("Warn", 201), ("Ignore", 201)])
def test_unknown_fields(http: Http, mode: str, code: int) -> None:
    obj = {**config("a"), "dota": {}}
    reply = http.ask("POST", f"{CONFIGS}?fieldValidation={mode}", obj)
    assert reply.code == code
    if mode == "Strict":
        assert 'strict decoding error: unknown field "dota"' in reply.json["message"]
    else:
        assert "dota" not in reply.json
    warned = reply.headers.get("warning", "")
    assert warned == ('299 - "unknown field \\"dota\\""' if mode == "Warn" else "")


def test_update_replaces_and_minds_the_version(http: Http) -> None:
    made = http.make(TASKS, task("a"))
    changed = {**made, "spec": task("a", "false")["spec"]}
    again = http.ask("PUT", f"{TASKS}/a", changed).json
    assert again["metadata"]["generation"] == 2
    status = http.refused(409, "PUT", f"{TASKS}/a", changed)
    assert "the object has been modified" in status["message"]
    http.refused(404, "PUT", f"{TASKS}/gone", task("gone"))
    http.refused(400, "PUT", f"{TASKS}/a", task("b"))


def test_status_is_written_by_its_subresource_alone(http: Http) -> None:
    made = http.make(TASK_RUNS, {**task_run("r", "true"), "status": {"podName": "made"}})
    assert "status" not in made
    patch = {"status": {"podName": "p"}, "spec": {"retries": 3}}
    plain = http.ask("PATCH", f"{TASK_RUNS}/r", {"status": {"podName": "p"}}, media=MERGE)
    assert "status" not in plain.json
    written = http.ask("PATCH", f"{TASK_RUNS}/r/status", patch, media=MERGE).json
    assert written["status"] == {"podName": "p"}
    assert "retries" not in written["spec"]
    kept = http.ask("PATCH", f"{TASK_RUNS}/r", {"metadata": {"labels": {"a": "b"}}}, media=MERGE)
    assert kept.json["status"] == {"podName": "p"}


@pytest.mark.parametrize(
    ("media", "patch"),
    [
        (MERGE, {"data": {"k": None, "n": "1"}}),
        (STRATEGIC, {"data": {"k": None, "n": "1"}}),
        (
            JSON_PATCH,
            [
                {"op": "test", "path": "/data/k", "value": "v"},
                {"op": "move", "from": "/data/k", "path": "/data/n"},
                {"op": "replace", "path": "/data/n", "value": "1"},
            ],
        ),
    ],
)
def test_patches(http: Http, media: str, patch: Any) -> None:
    http.make(CONFIGS, config("a"))
    assert http.ask("PATCH", f"{CONFIGS}/a", patch, media=media).json["data"] == {"n": "1"}


@pytest.mark.parametrize(
    ("media", "patch", "code"),
    [
        (JSON_PATCH, [{"op": "test", "path": "/data/k", "value": "x"}], 422),
        (JSON_PATCH, [{"op": "remove", "path": "/data/gone"}], 422),
        (JSON_PATCH, [{"op": "fly", "path": "/data"}], 422),
        (JSON_PATCH, {"op": "add"}, 400),
        (JSON_PATCH, [{"op": "remove", "path": ""}], 422),
        (MERGE, [], 400),
        (MERGE, {"metadata": {"resourceVersion": "1"}}, 409),
        (MERGE, {"metadata": {"name": "b"}}, 400),
        ("text/plain", {}, 415),
        (APPLY, config("a"), 422),
    ],
)
def test_patches_that_do_not_fit(http: Http, media: str, patch: Any, code: int) -> None:
    http.make(CONFIGS, config("b0"))
    before = http.make(CONFIGS, config("a"))
    http.refused(code, "PATCH", f"{CONFIGS}/a", patch, media=media)
    assert http.get(f"{CONFIGS}/a") == before


def test_tektons_kinds_take_no_strategic_patch(http: Http) -> None:
    http.make(TASKS, task("a"))
    http.refused(415, "PATCH", f"{TASKS}/a", {}, media=STRATEGIC)


def test_dry_run_leaves_nothing(http: Http) -> None:
    before = http.make(CONFIGS, config("a"))
    made = http.ask("POST", f"{CONFIGS}?dryRun=All", config("b")).json
    assert made["metadata"]["uid"]
    patched = http.ask("PATCH", f"{CONFIGS}/a?dryRun=All", {"data": {"k": "n"}}, media=MERGE)
    assert patched.json["data"] == {"k": "n"}
    assert http.ask("DELETE", f"{CONFIGS}/a?dryRun=All").code == 200
    assert http.get(CONFIGS)["items"] == [before]
    http.refused(422, "POST", f"{CONFIGS}?dryRun=Some", config("b"))


def test_secret_keeps_text_as_base64(http: Http) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    made = http.make(SECRETS, {**secret, "stringData": {"a": "b"}})
    assert (made["data"], made["type"]) == ({"a": "Yg=="}, "Opaque")
    assert "stringData" not in made
    http.refused(400, "POST", SECRETS, {**secret, "data": {"a": "no base64"}})
    http.refused(422, "PATCH", f"{SECRETS}/s", {"type": "other"}, media=MERGE)


def test_secret_that_mltk_applied_is_read_by_clients_of_kubernetes(http: Http) -> None:
    """client-go reads `data` alone, and sends a Secret back as it has got it."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    http.backend.apply([{**secret, "stringData": {"a": "b"}}])
    found = http.get(f"{SECRETS}/s")
    assert (found["data"], found["type"], "stringData" in found) == ({"a": "Yg=="}, "Opaque", False)
    changed = {**found, "data": {"a": "Yw=="}, "type": ""}
    assert http.ask("PUT", f"{SECRETS}/s", changed).json["data"] == {"a": "Yw=="}
    [(_, what)] = http.backend.apply([{**secret, "stringData": {"a": "c"}}])
    assert what == "unchanged"


def test_immutable_config_does_not_change(http: Http) -> None:
    http.make(CONFIGS, {**config("a"), "immutable": True})
    status = http.refused(422, "PATCH", f"{CONFIGS}/a", {"data": {"k": "n"}}, media=MERGE)
    assert status["details"]["causes"][0]["field"] == "data"


def apply(http: Http, manager: str, data: dict[str, str], **query: str) -> Any:
    more = "".join(f"&{key}={value}" for key, value in query.items())
    path = f"{CONFIGS}/a?fieldManager={manager}{more}"
    return http.ask("PATCH", path, config("a", data), media=APPLY)


def test_apply_minds_who_manages_a_field(http: Http) -> None:
    assert apply(http, "one", {"x": "1", "y": "1"}).code == 201
    same = apply(http, "one", {"x": "1", "y": "1"})
    assert (same.code, same.json["metadata"]["resourceVersion"]) == (
        200, http.get(f"{CONFIGS}/a")["metadata"]["resourceVersion"],
    )  # fmt: skip
    refused = apply(http, "two", {"x": "2"})
    assert refused.code == 409
    assert refused.json["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.x"}
    ]
    assert apply(http, "two", {"y": "1"}).json["data"] == {"x": "1", "y": "1"}
    # `one` no longer says y, but `two` does.
    assert apply(http, "one", {"x": "1"}).json["data"] == {"x": "1", "y": "1"}
    assert apply(http, "two", {"x": "2"}, force="true").json["data"] == {"x": "2"}
    managers = {
        entry["manager"]: entry["fieldsV1"]
        for entry in http.get(f"{CONFIGS}/a")["metadata"]["managedFields"]
    }
    assert managers == {"one": {}, "two": {"f:data": {"f:x": {}}}}


def test_what_others_set_stays_when_something_is_applied(http: Http) -> None:
    apply(http, "one", {"x": "1"})
    http.ask("PATCH", f"{CONFIGS}/a?fieldManager=hand", {"data": {"z": "1"}}, media=MERGE)
    assert apply(http, "one", {"x": "2"}).json["data"] == {"x": "2", "z": "1"}
    assert apply(http, "one", {"z": "2"}).code == 409


def test_delete_minds_its_preconditions(http: Http) -> None:
    made = http.make(CONFIGS, config("a"))
    wrong = {"preconditions": {"uid": "other"}}
    assert "Precondition failed" in http.refused(409, "DELETE", f"{CONFIGS}/a", wrong)["message"]
    right = {"preconditions": {"uid": made["metadata"]["uid"]}}
    gone = http.ask("DELETE", f"{CONFIGS}/a", right).json
    assert (gone["status"], gone["details"]["uid"]) == ("Success", made["metadata"]["uid"])
    http.refused(404, "DELETE", f"{CONFIGS}/a")


@pytest.mark.parametrize(("policy", "left"), [("Background", []), ("Orphan", ["child"])])
def test_what_an_object_owns_goes_with_it(http: Http, policy: str, left: list[str]) -> None:
    owner = http.make(CONFIGS, config("owner"))
    reference = {
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner",
        "uid": owner["metadata"]["uid"],
    }  # fmt: skip
    http.make(CONFIGS, config("child", ownerReferences=[reference]))
    http.ask("DELETE", f"{CONFIGS}/owner?propagationPolicy={policy}")
    assert [each["metadata"]["name"] for each in http.get(CONFIGS)["items"]] == left


def test_delete_of_a_selection(http: Http) -> None:
    for name, label in (("a", "x"), ("b", "y")):
        http.make(CONFIGS, config(name, labels={"of": label}))
    http.ask("DELETE", f"{CONFIGS}?labelSelector=of%3Dx")
    assert [each["metadata"]["name"] for each in http.get(CONFIGS)["items"]] == ["b"]


def test_methods_that_mean_nothing(http: Http) -> None:
    http.make(CONFIGS, config("a"))
    for method, path in (("POST", f"{CONFIGS}/a"), ("PUT", CONFIGS), ("TRACE", CONFIGS)):
        assert http.refused(405, method, path, {})["reason"] == "MethodNotAllowed"


def test_body_that_is_too_large_is_not_read(http: Http) -> None:
    large = b'{"data": {"k": "' + b"x" * (3 << 20) + b'"}}'
    assert http.refused(413, "POST", CONFIGS, large)["reason"] == "RequestEntityTooLarge"
    assert http.get(CONFIGS)["items"] == []
