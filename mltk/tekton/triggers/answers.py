"""What a listener answers to who sends an event.

Rules: Tekton's ``pkg/sink``; for CloudEvents,
https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

from mltk.tekton import gojson
from mltk.tekton.triggers.interceptors.protocol import Headers, first_value

_EVENTS = ("application/cloudevents+json", "application/cloudevents-batch+json")
_VERSIONS = ("0.3", "1.0")
_ACCEPTED = "dev.tekton.event.triggers.accepted.v1"


@dataclass(frozen=True)
class Answer:
    """Status, headers and body."""

    status: int
    header: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Listener:
    """Who answers."""

    name: str
    namespace: str
    uid: str = ""


def accepted(listener: Listener, event_id: str, header: Headers) -> Answer:
    """The event is taken, whatever its triggers make of it; a CloudEvent gets a CloudEvent."""
    body = _body(listener, eventID=event_id)
    if not _is_cloud_event(header):
        # Tekton sets the type of the content too late for it to be sent.
        return Answer(HTTPStatus.ACCEPTED, body=body + b"\n")
    attributes = {
        "Ce-Id": event_id,
        "Ce-Source": listener.name,
        "Ce-Specversion": "1.0",
        "Ce-Subject": f"{listener.namespace}.{listener.name} accepted {event_id}",
        "Ce-Type": _ACCEPTED,
        "Content-Type": "application/json",
    }
    return Answer(HTTPStatus.ACCEPTED, attributes, body)


def refused(listener: Listener, message: str) -> Answer:
    """The body is not what a listener takes."""
    anonymous = Listener(listener.name, listener.namespace)
    return Answer(HTTPStatus.BAD_REQUEST, body=_body(anonymous, errorMessage=message) + b"\n")


def failed() -> Answer:
    """The listener itself is at fault."""
    return Answer(HTTPStatus.INTERNAL_SERVER_ERROR)


def _body(listener: Listener, **more: str) -> bytes:
    said = {
        "eventListener": listener.name,
        "namespace": listener.namespace,
        "eventListenerUID": listener.uid,
        **more,
    }
    fields = {name: (name, value) for name, value in said.items()}
    return gojson.encode(gojson.Struct("Response", fields)).encode()


def _is_cloud_event(header: Headers) -> bool:
    """In one of its forms: attributes in headers, or all of it, or several, in the body."""
    kind = first_value(header, "Content-Type").partition(";")[0].strip().lower()
    return kind in _EVENTS or first_value(header, "Ce-Specversion") in _VERSIONS
