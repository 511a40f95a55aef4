"""The interceptors as an ASGI application: `POST /NAME`, probes, and handshakes of senders.

Tekton's sink cannot answer a handshake. Where a gateway sends those here, this does.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

from mltk.interceptors import handshakes
from mltk.interceptors.answering import Interceptors
from mltk.interceptors.handshakes import Proof
from mltk.sockets import live, respond
from mltk.tekton.triggers.answers import Answer
from mltk.tekton.triggers.interceptors.protocol import Headers, Request, canonical

_HEALTH = ("/live", "/ready")
_MOST_BYTES = 16 << 20

Scope = MutableMapping[str, Any]


class InterceptorApp:
    """Answers EventListeners, and senders who know one of `proofs` whether they may send."""

    def __init__(self, interceptors: Interceptors, proofs: Sequence[Proof] = ()) -> None:
        self._interceptors = interceptors
        self._proofs = proofs

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] == "http":
            answer = await self._answer(scope, receive)
            await respond(send, answer.status, answer.header, answer.body)
        else:
            await receive()
            await send({"type": "websocket.close"})

    def close(self) -> None:
        """Hold nothing open."""

    async def _answer(self, scope: Scope, receive: Any) -> Answer:
        if scope["method"] == "GET" and scope["path"] in _HEALTH:
            return Answer(HTTPStatus.OK)
        header = canonical(_header(scope["headers"]))
        asked = bool(self._proofs) and handshakes.asks(scope["method"], header)
        if scope["method"] != "POST" and not asked:
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED)
        body = await _body(receive)
        if body is None:
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if asked:
            return self._agree(scope, header, body)
        name = scope["path"].strip("/")
        # Google may have to be asked, and others shall not wait for that.
        reply = await asyncio.to_thread(self._interceptors.answer, name, body)
        lines = {name: ", ".join(values) for name, values in reply.header.items()}
        return Answer(reply.status, lines, reply.body)

    def _agree(self, scope: Scope, header: Headers, body: bytes) -> Answer:
        url = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        request = Request(body.decode("utf-8", "replace"), header, event_url=url)
        return handshakes.answer(scope["method"], request, self._proofs, self._interceptors.secrets)


def _header(lines: Sequence[tuple[bytes, bytes]]) -> Headers:
    found: dict[str, list[str]] = {}
    for name, value in lines:
        found.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return found


async def _body(receive: Any) -> bytes | None:
    parts, length = [], 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > _MOST_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(parts)
