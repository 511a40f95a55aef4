"""Interceptor ``slack``: fields of a form that Slack sends.

As in Tekton the signature has to be there and is not checked.
"""

from __future__ import annotations

from typing import Any

from mltk.tekton import gojson
from mltk.tekton.triggers.interceptors.parameters import STRINGS, params
from mltk.tekton.triggers.interceptors.protocol import (
    Code,
    Refusal,
    Request,
    Response,
    first_value,
)

FORM = "application/x-www-form-urlencoded"
_OTHER = "not an object of lists of strings"


def process(request: Request) -> Response:
    """The requested fields of the form as extensions; raises Refusal where one is missing."""
    kind = first_value(request.header, "Content-Type")
    if kind != FORM or not first_value(request.header, "X-Slack-Signature"):
        # Tekton says the same of a missing signature.
        message = f"missing header in payload: ContentType {FORM}"
        raise Refusal(Code.INVALID_ARGUMENT, message)
    payload = _payload(request.body)
    fields = params(request.params, "slack", requestedFields=STRINGS).get("requestedFields")
    if fields is None:
        raise Refusal(Code.NOT_FOUND, "missing requested field definition")
    if any(field not in payload for field in fields):
        shown = gojson.shown({field: values or [] for field, values in payload.items()})
        message = f"requested field does not exists in payload {shown}"
        raise Refusal(Code.NOT_FOUND, message)
    return Response(True, {field: payload[field] for field in fields})


def _payload(body: str) -> dict[str, Any]:
    try:
        payload = gojson.decode_object(body.encode(), _OTHER)
    except ValueError as error:
        raise _unreadable(str(error)) from None
    return {key: _strings(value) for key, value in payload.items()}


def _strings(value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(
        each is None or isinstance(each, str) for each in value
    ):
        raise _unreadable(_OTHER)
    return ["" if each is None else each for each in value]


def _unreadable(why: str) -> Refusal:
    return Refusal(Code.INVALID_ARGUMENT, f"failed to unmarshl slack payload: {why}")
