"""The interceptors by name, and what each answers to a request of Tekton's protocol."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from mltk.interceptors.proofs import Keys, check_google, check_mlflow, check_token
from mltk.tekton.triggers.interceptors.protocol import (
    Code,
    Refusal,
    Request,
    Response,
    Secrets,
)
from mltk.tekton.triggers.interceptors.remote import Reply

SERVICE = "mltk-interceptor"
"""The Service whose name ClusterInterceptors have in their address."""

NAMES = ("token", "mlflow", "google")
"""The last part of that address: which one is asked."""


@dataclass(frozen=True)
class Interceptors:
    """What they need from outside: secrets, Google's keys (asked for a `kid`), and a clock."""

    secrets: Secrets
    keys: Callable[[str], Keys]
    clock: Callable[[], float] = time.time

    def answer(self, name: str, body: bytes) -> Reply:
        """What the interceptor `name` answers to an InterceptorRequest, the bytes of a POST."""
        if name not in NAMES:
            said = f"there is no interceptor {name!r}; there are {', '.join(NAMES)}\n"
            return Reply(HTTPStatus.NOT_FOUND, _TEXT, said.encode())
        try:
            request = _request(body)
        except (ValueError, RecursionError):
            return Reply(HTTPStatus.BAD_REQUEST, _TEXT, b"this is no InterceptorRequest\n")
        return Reply(HTTPStatus.OK, _JSON, _response(self.process(name, request)))

    def process(self, name: str, request: Request) -> Response:
        """Whether an event goes on; then the extension `event` is its body in base64.

        In place of one that is too long for a param stands `too-long`: whoever is told of it looks
        everywhere.
        """
        try:
            match name:
                case "token":
                    check_token(request, self.secrets)
                case "mlflow":
                    check_mlflow(request, self.secrets, self.clock())
                case _:
                    check_google(request, self.keys, self.clock())
        except Refusal as refusal:
            return refusal.response
        except OSError as error:
            return Response(
                False, code=Code.INTERNAL, message=f"Google's keys cannot be had: {error}"
            )
        event = base64.b64encode(_bytes(request.body)).decode()
        return Response(True, {"event": event if len(event) <= _LONGEST else "too-long"})


def named(url: str) -> str | None:
    """Which of the interceptors a ClusterInterceptor's address means; None for another server's."""
    parts = urlsplit(url)
    if (parts.hostname or "").partition(".")[0] != SERVICE:
        return None
    return parts.path.strip("/")


# Linux takes no argument of a command that is longer than 128 KiB (MAX_ARG_STRLEN).
_LONGEST = 120_000

_TEXT = {"Content-Type": ["text/plain; charset=utf-8"]}
_JSON = {"Content-Type": ["application/json"]}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _request(body: bytes) -> Request:
    found = _typed(json.loads(body), dict)
    context = _typed(found.get("context") or {}, dict)
    header = _typed(found.get("header") or {}, dict)
    return Request(
        body=_typed(found.get("body") or "", str),
        header={
            name: [_typed(line, str) for line in _typed(lines or [], list)]
            for name, lines in header.items()
        },
        extensions=_typed(found.get("extensions") or {}, dict),
        params=_typed(found.get("interceptor_params") or {}, dict),
        event_url=_typed(context.get("event_url") or "", str),
        event_id=_typed(context.get("event_id") or "", str),
        trigger_id=_typed(context.get("trigger_id") or "", str),
    )


def _response(response: Response) -> bytes:
    answer: dict[str, Any] = {"continue": response.goes_on}
    if response.extensions is not None:
        answer["extensions"] = response.extensions
    if not response.goes_on:
        answer["status"] = {"code": int(response.code), "message": response.message}
    return json.dumps(answer).encode()


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"a {kind.__name__} is wanted")
    return value
