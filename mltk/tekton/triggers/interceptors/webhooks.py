"""What the interceptors of the git services have in common: allowed events and a secret.

They differ in the names of headers, in codes and in words, which are Tekton's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mltk.tekton.triggers.interceptors.protocol import (
    Code,
    Refusal,
    Request,
    Secrets,
    first_value,
    secret_value,
)
from mltk.tekton.triggers.interceptors.signatures import validate


def check_event(params: Mapping[str, Any], event: str) -> None:
    """Raise Refusal where `params` list event types and `event` is none of them."""
    allowed = params.get("eventTypes")
    if allowed is not None and event not in allowed:
        raise Refusal(Code.FAILED_PRECONDITION, f"event type {event} is not allowed")


def proof(
    params: Mapping[str, Any],
    service: str,
    header: str,
    missing: Code,
    request: Request,
    secrets: Secrets,
) -> tuple[str, bytes] | None:
    """What the sender proves himself by in `header`, and the secret; None where none is asked for.

    Raises Refusal where one of them is not there, with the code `missing` without the header.
    """
    if (ref := params.get("secretRef")) is None:
        return None
    if not ref.get("secretKey"):
        message = f"{service} interceptor secretRef.secretKey is empty"
        raise Refusal(Code.FAILED_PRECONDITION, message)
    if not (value := first_value(request.header, header)):
        raise Refusal(missing, f"no {header} header set")
    try:
        return value, secret_value(secrets, request.namespace, ref)
    except LookupError as error:
        message = f"error getting secret: {error.args[0]}"
        raise Refusal(Code.FAILED_PRECONDITION, message) from None


def check_signature(found: tuple[str, bytes] | None, body: str, failure: str = "") -> None:
    """Raise Refusal, which begins with `failure`, for a signature that is not right."""
    if found is None:
        return
    signature, key = found
    try:
        validate(signature, body, key)
    except ValueError as error:
        raise Refusal(Code.FAILED_PRECONDITION, f"{failure}{error}") from None
