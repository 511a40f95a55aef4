"""Senders that ask whether their events are welcome."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.interceptors.handshakes import Proof, answer, asks, proofs
from mltk.tekton.triggers.answers import Answer
from mltk.tekton.triggers.interceptors.protocol import Request

KNOWN = (Proof("azure", "token"), Proof("events", "authorization"))
SECRETS = {"azure": {"token": b"s3cret\n"}, "events": {"authorization": b"Bearer other"}}
VALIDATION = [
    {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6", "validationUrl": "https://x.eventgrid.azure.net/"},
    }
]
ORIGIN = {"Webhook-Request-Origin": "eventgrid.azure.net", "Webhook-Request-Rate": "120"}
EVENT = {"Aeg-Event-Type": "SubscriptionValidation"}


def ask(method: str, header: Mapping[str, str], url: str = "/", body: str = "") -> Answer:
    lines = {name: [value] for name, value in header.items()}
    assert asks(method, lines)
    request = Request(body, lines, event_url=url, trigger_id="namespaces/ml/triggers/t")
    return answer(method, request, KNOWN, lambda _namespace, name: SECRETS.get(name))


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ({"Authorization": "Bearer s3cret"}, "/"),
        ({"Authorization": "other"}, "/"),
        ({"Authorization": "Bearer other"}, "/"),
        ({}, "/arrivals?token=s3cret"),
    ],
)
def test_who_knows_a_token_may_send(header: dict[str, str], url: str) -> None:
    allowed = ask("OPTIONS", {**ORIGIN, **header}, url)
    assert allowed.status == 200
    assert allowed.header["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert allowed.header["WebHook-Allowed-Rate"] == "*"
    assert "POST" in allowed.header["Allow"]
    confirmed = ask("POST", {**EVENT, **header}, url, json.dumps(VALIDATION))
    assert confirmed.status == 200
    assert json.loads(confirmed.body) == {"validationResponse": "512d38b6"}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer"}, {"Authorization": "wrong"}])
def test_nobody_else_is_told_anything(header: dict[str, str]) -> None:
    for method, question in (("OPTIONS", ORIGIN), ("POST", EVENT)):
        refused = ask(method, {**question, **header}, "/?token=", json.dumps(VALIDATION))
        assert refused.status == 403
        assert b"512d38b6" not in refused.body
        assert not any(name.startswith("WebHook") for name in refused.header)


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '[{"eventType": 1}]', "[" * 9999])
def test_what_is_no_validation_event(body: str) -> None:
    assert ask("POST", EVENT, "/?token=s3cret", body).status == 400


@given(st.text())
def test_no_origin_makes_a_header_that_cannot_be_sent(origin: str) -> None:
    lines = {"Webhook-Request-Origin": [origin]}
    request = Request("", lines, event_url="/?token=s3cret", trigger_id="namespaces/a/triggers/b")
    found = answer("OPTIONS", request, KNOWN, lambda _namespace, name: SECRETS.get(name))
    assert all(value.isascii() and value.isprintable() for value in found.header.values())


def test_other_requests_ask_nothing() -> None:
    assert not asks("OPTIONS", {})
    assert not asks("GET", {"Webhook-Request-Origin": ["x"]})
    assert not asks("POST", {"Aeg-Event-Type": ["Notification"]})


def test_how_proofs_are_written() -> None:
    assert proofs("azure/token, events/authorization") == KNOWN
    assert proofs("") == ()
    for wrong in ("azure", "azure/", "../azure/token", "a b/c"):
        with pytest.raises(ValueError, match="is no SECRET/KEY"):
            proofs(wrong)
