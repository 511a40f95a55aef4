"""An event on its way through the interceptors of a trigger or a group of triggers.

Rules: https://tekton.dev/docs/triggers/interceptors/ and, where that page is silent, Tekton's
``pkg/sink``. The first interceptor that says no ends the way; extensions gather.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mltk.errors import InfrastructureError
from mltk.tekton import gojson, gourl
from mltk.tekton.triggers.bindings import Event, Object
from mltk.tekton.triggers.errors import TriggerError
from mltk.tekton.triggers.interceptors.core import NAMES, Core
from mltk.tekton.triggers.interceptors.protocol import (
    CODES,
    Request,
    Response,
    canonical,
    first_value,
)
from mltk.tekton.triggers.interceptors.remote import (
    Call,
    Reply,
    address,
    answered,
    asked,
    from_webhook,
    to_webhook,
)
from mltk.tekton.triggers.interceptors.slack import FORM
from mltk.tekton.triggers.references import Get, interceptor_kind, is_of_cluster, look_up

CORE_SERVICE = "tekton-triggers-core-interceptors"


class StoppedError(TriggerError):
    """An interceptor does not let the event on."""

    def __init__(self, response: Response) -> None:
        super().__init__(
            "interceptor stopped trigger processing: "
            f"rpc error: code = {CODES[response.code]} desc = {response.message}"
        )


@dataclass(frozen=True)
class Interceptors:
    """What interceptors need from outside; `call` raises OSError where nobody answers."""

    get: Get
    core: Core
    call: Callable[[Call], Reply]


@dataclass(frozen=True)
class Way:
    """Whose interceptors they are: a trigger or a group, its namespace and the listener's."""

    trigger_id: str
    namespace: str
    listener_namespace: str
    event_url: str


def through(interceptors: Sequence[Object], event: Event, way: Way, outside: Interceptors) -> Event:
    """`event` as it leaves `interceptors`; raises TriggerError where it does not."""
    if not interceptors:
        return event
    try:
        return _through(interceptors, event, way, outside)
    except RecursionError:
        raise TriggerError("exceeded max depth") from None


def _through(
    interceptors: Sequence[Object], event: Event, way: Way, outside: Interceptors
) -> Event:
    request = Request(
        header=event.header,
        extensions=dict(event.extensions or {}),
        event_url=way.event_url,
        event_id=event.event_id,
        trigger_id=way.trigger_id,
    )
    body = _without_form(event, interceptors)
    for interceptor in interceptors:
        if (webhook := interceptor.get("webhook")) is not None:
            call = to_webhook(webhook, request, body, way.namespace)
            reply = from_webhook(_called(call, outside))
            request, body = replace(request, header=canonical(reply.header)), reply.body
            continue
        sent = replace(request, body=gojson.text(body), params=given(interceptor))
        response = _ask(interceptor, sent, way, outside)
        if not response.goes_on:
            raise StoppedError(response)
        request = replace(request, extensions={**request.extensions, **(response.extensions or {})})
    return replace(event, body=body, header=request.header, extensions=request.extensions)


def _ask(interceptor: Object, request: Request, way: Way, outside: Interceptors) -> Response:
    ref = interceptor.get("ref") or {}
    name, kind = ref.get("name", ""), interceptor_kind(ref)
    found = look_up(outside.get, kind, way.listener_namespace, name)
    if is_of_cluster(kind) and is_core(name, found):
        try:
            return outside.core.process(name, request)
        except InfrastructureError as error:
            raise TriggerError(str(error)) from None
    failed = f"url resolution failed for interceptor {name} with"
    if found is None:
        raise TriggerError(f'{failed}: {kind.lower()}.triggers.tekton.dev "{name}" not found')
    try:
        url = address(found)
    except ValueError as error:
        raise TriggerError(f"{failed}: {error}") from None
    return answered(_called(asked(found, url, request), outside))


def is_core(name: str, found: Object | None) -> bool:
    """Whether a ClusterInterceptor is one that an install of Tekton brings, answered here."""
    config = ((found or {}).get("spec") or {}).get("clientConfig") or {}
    service = (config.get("service") or {}).get("name")
    return name in NAMES and (found is None or service == CORE_SERVICE)


def given(interceptor: Object) -> dict[str, Any]:
    """The params of an interceptor by name."""
    return {param["name"]: param.get("value") for param in interceptor.get("params") or ()}


def _called(call: Call, outside: Interceptors) -> Reply:
    try:
        return outside.call(call)
    except OSError as error:
        raise TriggerError(f'Post "{call.url}": {error}') from None


def _without_form(event: Event, interceptors: Sequence[Object]) -> bytes:
    """The body, a form of several fields as an object of lists.

    A webhook that comes first gets a form as it was sent, unless extensions are to go into it.
    """
    verbatim = interceptors[0].get("webhook") is not None and not event.extensions
    if first_value(event.header, "Content-Type") != FORM or verbatim:
        return event.body
    fields = gourl.parse_query(gojson.text(event.body))
    return gojson.encode(fields).encode() if len(fields) > 1 else event.body
