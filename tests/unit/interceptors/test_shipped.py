"""The shipped triggers for data: each sender gets in by his own proof, and makes one run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow.webhooks.delivery import _generate_hmac_signature

from mltk.data.arrivals.forms import TOO_LONG, decode
from mltk.interceptors.answering import Interceptors as Ours
from mltk.interceptors.answering import named
from mltk.tekton.admission import admit
from mltk.tekton.triggers.bindings import Event
from mltk.tekton.triggers.chain import Interceptors
from mltk.tekton.triggers.interceptors.core import Core
from mltk.tekton.triggers.interceptors.remote import Call, Reply
from mltk.tekton.triggers.lacks import Known, lacks
from mltk.tekton.triggers.sink import Surroundings, handle
from tests.unit.data.arrivals.test_forms import BLOB, GRID, WILLING, cloud, pubsub, s3_record
from tests.unit.interceptors.test_proofs import CLAIMS, NOW, PRIVATE, jwk, jwt

FOLDER = Path(__file__).parents[3] / "tekton" / "arrivals"
SECRETS = {
    "mltk-s3": {"token": b"s3cret"},
    "mltk-azure": {"token": b"s3cret"},
    "mltk-mlflow": {"token": b"s3cret"},
    "mltk-generic": {"token": b"s3cret"},
    "mltk-cloudevents": {"authorization": b"Bearer s3cret"},
}
OBJECTS = {
    (each["kind"], each["metadata"]["name"]): each
    for file in FOLDER.glob("*.yaml")
    for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))
}
LISTENER = OBJECTS["EventListener", "mltk-arrivals"]
LISTENER["metadata"]["namespace"] = "ml"
(PUSHED,) = [t for t in LISTENER["spec"]["triggers"] if t["name"] == "gcs"]
GOOGLE = {each["name"]: each["value"] for each in PUSHED["interceptors"][0]["params"]}
TOKEN = {"Authorization": f"Bearer {jwt({**CLAIMS, 'aud': GOOGLE['audience'], **GOOGLE})}"}
MLFLOW = {
    "entity": "model_version_tag",
    "action": "set",
    "data": {"name": "wine", "version": "1", "key": "mltk.refresh", "value": "1"},
}


def _get(kind: str, namespace: str, name: str) -> Any:
    return OBJECTS.get((kind, name))


def _secrets(namespace: str, name: str) -> Any:
    return SECRETS.get(name)


def _call(asked: Call) -> Reply:
    name = named(asked.url)
    assert name
    ours = Ours(_secrets, lambda kid: {"k1": jwk(PRIVATE)}, lambda: NOW)
    return ours.answer(name, asked.body)


def send(body: Any, header: dict[str, str], url: str = "/") -> list[Any]:
    """The objects that an event makes."""
    outside = Surroundings(
        _get,
        lambda namespace: [],
        Interceptors(_get, Core(_secrets, None), _call),  # type: ignore[arg-type]
        lambda: "uid",
    )
    lines = {name: [value] for name, value in header.items()}
    event = Event(json.dumps(body).encode(), lines, event_id="e")
    handled = handle(LISTENER, event, url, outside)
    assert handled.answer.status == 202
    return [each for outcome in handled.outcomes for each in outcome.objects]


def signed(body: Any) -> dict[str, str]:
    proof = hmac.new(b"s3cret", json.dumps(body).encode(), hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={proof}"}


def of_mlflow(body: Any) -> dict[str, str]:
    moment = f"{NOW:.0f}"
    return {
        "X-Mlflow-Delivery-Id": "d",
        "X-Mlflow-Timestamp": moment,
        "X-Mlflow-Signature": _generate_hmac_signature("s3cret", "d", moment, json.dumps(body)),
    }


BINARY = {
    "Authorization": "Bearer s3cret",
    "Ce-Specversion": "1.0",
    "Ce-Id": "e-1",
    "Ce-Source": "/here",
    "Ce-Type": "Microsoft.Storage.BlobCreated",
}
NOTIFIED = {"Aeg-Event-Type": "Notification"}
GENERIC = {"uri": "https://example.org/a.csv"}
GOOD: list[tuple[str, Any, dict[str, str], str, str]] = [
    ("s3", {"Records": [s3_record()]}, {}, "/?token=s3cret", "s3://cellar/wine/a.csv"),
    (
        "s3",
        {"EventName": "s3:ObjectCreated:Put", "Records": [s3_record(name="s3:ObjectCreated:Put")]},
        {"Authorization": "Bearer s3cret"},
        "/",
        "s3://cellar/wine/a.csv",
    ),
    ("gcs", pubsub(), TOKEN, "/", "gs://cellar/wine/a b.csv"),
    ("azure", [GRID], NOTIFIED, "/?token=s3cret", "az://cellar/wine/a b.csv"),
    (
        "cloudevents",
        cloud("Microsoft.Storage.BlobCreated", BLOB),
        {"Authorization": "Bearer s3cret"},
        "/",
        "az://cellar/wine/a b.csv",
    ),
    ("cloudevents", BLOB, BINARY, "/", "az://cellar/wine/a b.csv"),
    ("mlflow", MLFLOW, of_mlflow(MLFLOW), "/", "models:/wine/1"),
    ("generic", GENERIC, signed(GENERIC), "/", "https://example.org/a.csv"),
]


@pytest.mark.parametrize(("form", "body", "header", "url", "uri"), GOOD, ids=range(len(GOOD)))
def test_a_sender_that_proves_himself(
    form: str, body: Any, header: dict[str, str], url: str, uri: str
) -> None:
    made = send(body, header, url)
    runs = [run for run in made if {"name": "form", "value": form} in run["spec"]["params"]]
    (run,) = runs
    given = {each["name"]: each["value"] for each in run["spec"]["params"]}
    assert [each.uri for each in decode(form, given["event"]).arrivals] == [uri]
    assert given["repo-url"] == "https://git.example.com/project.git"
    assert run["spec"]["status"] == "PipelineRunPending"
    wins = run["metadata"]["annotations"]["mltk.dev/newest-wins"]
    assert wins == ("false" if form == "generic" else "true")
    queue = run["metadata"]["annotations"]["mltk.dev/queue"]
    assert queue == ("data-arrival-each" if form == "generic" else "data-arrival")
    assert all("has no effect here" in warning for warning in admit(run))
    # What proves the sender is not in the run, where everybody may read it.
    proofs = [value for name, value in header.items() if not name.startswith(("Ce-", "Aeg-"))]
    assert not [each for each in ("s3cret", *proofs) if len(each) > 1 and each in json.dumps(run)]


@pytest.mark.parametrize(("form", "body", "header", "url", "uri"), GOOD, ids=range(len(GOOD)))
def test_one_who_does_not(form: str, body: Any, header: dict[str, str], url: str, uri: str) -> None:
    kept = {name: value for name, value in header.items() if name.startswith(("Ce-", "Aeg-"))}
    wrong = {name: f"{value}x" for name, value in header.items() if name not in kept}
    assert send(body, kept) == []
    assert send(body, kept | wrong, url.replace("s3cret", "s3cre")) == []


def test_what_tells_of_no_new_object_makes_no_run() -> None:
    test_event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "cellar"}
    for body in (test_event, {"Records": [s3_record(name="ObjectRemoved:Delete")]}):
        assert [
            run
            for run in send(body, {}, "/?token=s3cret")
            if {"name": "form", "value": "s3"} in run["spec"]["params"]
        ] == []
    assert send(pubsub("OBJECT_DELETE"), TOKEN) == []
    alias = {"entity": "model_version_alias", "action": "created", "data": {"name": "wine"}}
    assert send(alias, of_mlflow(alias)) == []


def test_a_subscription_of_event_grid_is_confirmed_by_a_run() -> None:
    (run,) = send([WILLING], {"Aeg-Event-Type": "SubscriptionValidation"}, "/?token=s3cret")
    given = {each["name"]: each["value"] for each in run["spec"]["params"]}
    assert decode("azure", given["event"]).validation_url.startswith("https://rp-eastus2.")
    assert base64.b64decode(given["event"]) == json.dumps([WILLING]).encode()
    told = run["metadata"]["annotations"]
    assert (told["mltk.dev/queue"], told["mltk.dev/newest-wins"]) == ("data-arrival-each", "false")


def test_an_event_that_alone_knows_its_object_is_not_replaced() -> None:
    event = cloud("org.example.export.done", {"uri": "https://example.org/a.csv"})
    (run,) = send(event, {}, "/?token=s3cret")
    told = run["metadata"]["annotations"]
    assert (told["mltk.dev/queue"], told["mltk.dev/newest-wins"]) == ("data-arrival-each", "false")


MANY = {"arrivals": [{"uri": f"https://example.org/{number}.csv"} for number in range(3000)]}
CREATED = "org.example.export.done"
LONG: list[tuple[str, Any, dict[str, str], str]] = [
    ("s3", {"Records": [s3_record()] * 300}, {}, "/?token=s3cret"),
    ("cloudevents", cloud(CREATED, MANY), {}, "/?token=s3cret"),
    ("cloudevents", MANY, {**BINARY, "Ce-Type": CREATED}, "/"),
    ("generic", MANY, signed(MANY), "/"),
]


@pytest.mark.parametrize(("form", "body", "header", "url"), LONG, ids=range(len(LONG)))
def test_an_event_too_long_for_a_command_is_a_reason_to_look_everywhere(
    form: str, body: Any, header: dict[str, str], url: str
) -> None:
    (run,) = (each for each in send(body, header, url) if of_form(each) == form)
    assert {"name": "event", "value": TOO_LONG} in run["spec"]["params"]


def of_form(run: Any) -> str:
    (form,) = (each["value"] for each in run["spec"]["params"] if each["name"] == "form")
    return str(form)


def test_an_event_of_s3_is_none_of_azures() -> None:
    """Both prove themselves by a token, and may have been given the same one."""
    forms = [
        each["value"]
        for run in send({"Records": [s3_record()]}, {}, "/?token=s3cret")
        for each in run["spec"]["params"]
        if each["name"] == "form"
    ]
    assert forms == ["s3"]


def test_nothing_is_lacking_but_what_the_user_makes() -> None:
    assert not [*lacks(LISTENER, Known(_get, lambda namespace: [], _secrets))]
