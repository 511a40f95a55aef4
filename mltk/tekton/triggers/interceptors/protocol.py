"""What interceptors are asked and what they say: ``InterceptorRequest``, ``InterceptorResponse``.

They are those of https://tekton.dev/docs/triggers/clusterinterceptors/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from mltk.tekton import gojson
from mltk.tekton.triggers.bindings import canonical_header

Headers = Mapping[str, Sequence[str]]
Secrets = Callable[[str, str], Mapping[str, bytes] | None]
"""From a namespace and a name to the data of a Secret, None where there is none."""

_TRIGGER_ID = re.compile(r"[^/]*/([^/]*)/[^/]*/[^/]*")


CODES = (
    *("OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound"),
    *("AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted"),
    *("OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"),
)
"""What codes are called in messages."""


class Code(IntEnum):
    """Those of https://grpc.io/docs/guides/status-codes/ that core interceptors use."""

    OK = 0
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    FAILED_PRECONDITION = 9
    INTERNAL = 13


@dataclass(frozen=True)
class Request:
    """An event on its way through interceptors; `body` has U+FFFD for what is no UTF-8."""

    body: str = ""
    header: Headers = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    event_url: str = ""
    event_id: str = ""
    trigger_id: str = ""

    @property
    def namespace(self) -> str:
        """The namespace of the trigger, from its ``namespaces/NAMESPACE/triggers/NAME``."""
        found = _TRIGGER_ID.fullmatch(self.trigger_id)
        return found[1] if found else ""


@dataclass(frozen=True)
class Response:
    """Whether an event goes on, and with what extensions more; else why it does not."""

    goes_on: bool
    extensions: Mapping[str, Any] | None = None
    code: int = Code.OK
    message: str = ""


class Refusal(ValueError):
    """What stops an event, with the code that the interceptor gives for it."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def response(self) -> Response:
        """The same as an answer."""
        return Response(False, code=self.code, message=str(self))


def canonical(header: Headers) -> dict[str, list[str]]:
    """`header` with its names as Go has them, and with values that JSON can hold."""
    return {
        canonical_header(gojson.valid(name)): [gojson.valid(line) for line in lines]
        for name, lines in header.items()
    }


def first_value(header: Headers, name: str) -> str:
    """The first value of header `name`, which is canonical, "" without one."""
    lines = {canonical_header(each): values for each, values in header.items()}.get(name)
    return lines[0] if lines else ""


def secret_value(secrets: Secrets, namespace: str, ref: Mapping[str, Any]) -> bytes:
    """What the Secret of `ref` holds under its key; raises LookupError with Tekton's words."""
    name, key = ref.get("secretName", ""), ref.get("secretKey", "")
    if (data := secrets(namespace, name)) is None:
        raise LookupError(f'secrets "{name}" not found')
    if key not in data:
        raise LookupError(f"cannot find {key} key in secret {namespace}/{name}")
    return data[key]
