"""What senders ask before they send: whether their events are welcome. Pure.

CloudEvents asks by OPTIONS, Azure Event Grid with its own schema by an event whose code it wants
back. Both are answered to who proves himself by a token as `check_token` knows it, and to nobody
else.

https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection
https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from mltk.interceptors.proofs import check_token
from mltk.tekton.triggers.answers import Answer
from mltk.tekton.triggers.interceptors.protocol import (
    Headers,
    Refusal,
    Request,
    Secrets,
    first_value,
)

_ORIGIN = "Webhook-Request-Origin"  # as canonical names are
_EVENT = "Aeg-Event-Type"
_VALIDATION = "SubscriptionValidation"
_TYPE = "Microsoft.EventGrid.SubscriptionValidationEvent"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}")
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_WORDS = re.compile(r"([a-z0-9][-.a-z0-9]*)/([-._a-zA-Z0-9]+)")


@dataclass(frozen=True)
class Proof:
    """The key of a Secret that holds the token of a sender."""

    secret: str
    key: str


def proofs(written: str) -> tuple[Proof, ...]:
    """What `SECRET/KEY, SECRET/KEY` names; ValueError for anything else."""
    found = []
    for each in filter(None, (part.strip() for part in written.split(","))):
        words = _WORDS.fullmatch(each)
        if words is None:
            raise ValueError(f"'{each}' is no SECRET/KEY")
        found.append(Proof(words[1], words[2]))
    return tuple(found)


def asks(method: str, header: Headers) -> bool:
    """Whether a request is such a question; `header` has canonical names."""
    if method == "OPTIONS":
        return bool(first_value(header, _ORIGIN))
    return method == "POST" and first_value(header, _EVENT) == _VALIDATION


def answer(method: str, request: Request, known: Sequence[Proof], secrets: Secrets) -> Answer:
    """The answer to a request that `asks`; 403 for who does not prove himself."""
    if not any(_knows(request, proof, secrets) for proof in known):
        said = b"the token of a sender is needed, in Authorization or as ?token= of the URL\n"
        return Answer(HTTPStatus.FORBIDDEN, _TEXT, said)
    return _allowed(request.header) if method == "OPTIONS" else _confirmed(request.body)


def _knows(request: Request, proof: Proof, secrets: Secrets) -> bool:
    ref = {"secretRef": {"secretName": proof.secret, "secretKey": proof.key}}
    try:
        check_token(replace(request, params=ref), secrets)
    except Refusal:
        return False
    return True


def _allowed(header: Headers) -> Answer:
    origin = first_value(header, _ORIGIN)
    if not _NAME.fullmatch(origin):
        return Answer(HTTPStatus.BAD_REQUEST, _TEXT, f"{_ORIGIN} is no DNS name\n".encode())
    granted = {
        "WebHook-Allowed-Origin": origin,
        "WebHook-Allowed-Rate": "*",
        "Allow": "POST, OPTIONS",
        "Cache-Control": "private, no-store",
    }
    return Answer(HTTPStatus.OK, granted)


def _confirmed(body: str) -> Answer:
    try:
        found = json.loads(body)
        event = found[0] if isinstance(found, list) else found
        if event["eventType"] != _TYPE:
            raise ValueError
        code = event["data"]["validationCode"]
        if not isinstance(code, str) or not code:
            raise ValueError
    except (ValueError, LookupError, TypeError, RecursionError):
        return Answer(HTTPStatus.BAD_REQUEST, _TEXT, b"this is no SubscriptionValidationEvent\n")
    said = json.dumps({"validationResponse": code}).encode()
    return Answer(HTTPStatus.OK, {"Content-Type": "application/json"}, said)
