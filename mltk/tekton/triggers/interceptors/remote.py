"""Interceptors that are servers: what is sent to them, and what their answer says.

Rules: https://tekton.dev/docs/triggers/clusterinterceptors/ and
https://tekton.dev/docs/triggers/interceptors/#webhook-interceptors. The engine makes the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from mltk.tekton import gojson
from mltk.tekton.triggers.bindings import Object, canonical_header
from mltk.tekton.triggers.errors import TriggerError
from mltk.tekton.triggers.interceptors.protocol import CODES, Headers, Request, Response
from mltk.tekton.triggers.overlays import put

TIMEOUT = 5
"""Seconds that a webhook has to answer; an interceptor has as long as the connection."""

_PORTS = {"http": 80, "https": 8443}


@dataclass(frozen=True)
class Call:
    """A POST, and the certificate that its server is known by, in base64."""

    url: str
    header: Headers
    body: bytes
    ca_bundle: str = ""


@dataclass(frozen=True)
class Reply:
    """What a server answers."""

    status: int
    header: Headers = field(default_factory=dict)
    body: bytes = b""


def address(interceptor: Object) -> str:
    """The URL of a ClusterInterceptor or Interceptor; raises ValueError without one."""
    if url := ((interceptor.get("status") or {}).get("address") or {}).get("url"):
        return str(url)
    config = (interceptor.get("spec") or {}).get("clientConfig") or {}
    if url := config.get("url"):
        return str(url)
    if not (service := config.get("service")):
        raise ValueError("interceptor URL was nil")
    scheme = "https" if config.get("caBundle") else "http"
    host = f"{service.get('name', '')}.{service.get('namespace', '')}.svc"
    path = quote(service.get("path", ""), safe="/$&+,:;=@-._~")
    slash = "/" if path and not path.startswith("/") else ""
    return f"{scheme}://{host}:{service.get('port') or _PORTS[scheme]}{slash}{path}"


def asked(interceptor: Object, url: str, request: Request) -> Call:
    """`request` as the call that asks `interceptor`."""
    context = {
        "event_url": request.event_url,
        "event_id": request.event_id,
        "trigger_id": request.trigger_id,
    }
    given: dict[str, Any] = {
        "body": request.body,
        "header": {name: list(lines) for name, lines in request.header.items()},
        "extensions": dict(request.extensions),
        "interceptor_params": dict(request.params),
    }
    sent = _in_order({key: value for key, value in given.items() if value})
    sent["context"] = _in_order({key: value for key, value in context.items() if value})
    bundle = ((interceptor.get("spec") or {}).get("clientConfig") or {}).get("caBundle") or ""
    body = gojson.encode(sent).encode()
    return Call(url, {"Content-Type": ["application/json"]}, body, bundle)


def answered(reply: Reply) -> Response:
    """What the answer of an interceptor says; raises TriggerError for none."""
    if reply.status != HTTPStatus.OK:
        raise TriggerError(f"interceptor response was not 200: {gojson.text(reply.body)}")
    try:
        found = _object(gojson.decode(reply.body))
        status = _object(found.get("status"))
        extensions = found.get("extensions")
        return Response(
            _typed(found.get("continue") or False, bool),
            None if extensions is None else _object(extensions),
            _code(status.get("code")),
            _typed(status.get("message") or "", str),
        )
    except ValueError as error:
        raise TriggerError(f"the interceptor answers no InterceptorResponse: {error}") from None


def to_webhook(webhook: Object, request: Request, body: bytes, namespace: str) -> Call:
    """The event as it goes to a webhook, whose answer takes its place.

    `namespace` is that of the trigger. Raises TriggerError where a body cannot take extensions.
    """
    header = {canonical_header(name): list(lines) for name, lines in request.header.items()}
    header["Eventlistener-Request-Url"] = [request.event_url]
    for param in webhook.get("header") or ():
        value = param.get("value")
        lines = value if isinstance(value, list) else [value]
        header[canonical_header(param["name"])] = [str(line) for line in lines]
    return Call(_webhook_url(webhook, namespace), header, _extended(body, request.extensions))


def from_webhook(reply: Reply) -> Reply:
    """The event that a webhook answers; raises TriggerError where it rejects."""
    if reply.status != HTTPStatus.OK:
        text = gojson.text(reply.body)
        raise TriggerError(f"request rejected; status: {_status(reply.status)}; message: {text}")
    return reply


def _webhook_url(webhook: Object, namespace: str) -> str:
    if url := webhook.get("url"):
        return str(url)
    ref = webhook.get("objectRef") or {}
    if (ref.get("kind"), ref.get("apiVersion")) != ("Service", "v1"):
        raise TriggerError("invalid objRef")
    return f"http://{ref.get('name', '')}.{ref.get('namespace') or namespace}.svc/"


def _extended(body: bytes, extensions: Mapping[str, Any]) -> bytes:
    """`body` with extensions in it, where it is an object; what is not even broken JSON is none."""
    if not extensions:
        return body
    try:
        found = gojson.decode(body) if body.lstrip()[:1] in (b"{", b"[") else {}
        if isinstance(found, list):
            raise ValueError("cannot set array element for non-numeric key 'extensions'")
        for key in sorted(extensions):
            put(found, f"extensions.{key}", extensions[key])
    except ValueError as error:
        raise TriggerError(f"could not merge extensions with body: {error}") from None
    return gojson.encode(found).encode()


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"{code} "


def _code(value: Any) -> int:
    """A code by its number or, as in ``NOT_FOUND``, by its name."""
    if value is None:
        return 0
    if isinstance(value, str):
        names = [name.lower() for name in CODES]
        if value == value.upper() and (plain := value.replace("_", "").lower()) in names:
            return names.index(plain)
    elif isinstance(value, float) and value.is_integer() and 0 <= value < len(CODES):
        return int(value)
    raise ValueError(f"invalid code: {gojson.encode(value)}")


def _object(value: Any) -> dict[str, Any]:
    """`value`, nothing in it for a null."""
    return {} if value is None else _typed(value, dict)


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{gojson.encode(value)} stands in a wrong place")
    return value


def _in_order(fields: dict[str, Any]) -> gojson.Struct:
    return gojson.Struct("", {name: (name, value) for name, value in fields.items()})
