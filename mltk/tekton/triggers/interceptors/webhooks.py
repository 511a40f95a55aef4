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


def check_event(params: Mapping[str, Any], event: str) -> None:
    """Raise Refusal where `params` list event types and `event` is none of them."""
    allowed = params.get("eventTypes")
    if allowed is not None and event not in allowed:
        raise Refusal(Code.FAILED_PRECONDITION, f"event type {event} is not allowed")


def check_key(service: str, ref: Mapping[str, Any]) -> None:
    """Raise Refusal for a reference to a secret without a key."""
    if not ref.get("secretKey"):
        raise Refusal(
            Code.FAILED_PRECONDITION, f"{service} interceptor secretRef.secretKey is empty"
        )


def required(request: Request, header: str, code: Code) -> str:
    """The value of `header`; raises Refusal without one."""
    if not (value := first_value(request.header, header)):
        raise Refusal(code, f"no {header} header set")
    return value


def secret(secrets: Secrets, request: Request, ref: Mapping[str, Any]) -> bytes:
    """What `ref` names in the namespace of the trigger; raises Refusal where it is missing."""
    try:
        return secret_value(secrets, request.namespace, ref)
    except LookupError as error:
        message = f"error getting secret: {error.args[0]}"
        raise Refusal(Code.FAILED_PRECONDITION, message) from None
