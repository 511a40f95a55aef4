"""The interceptors as an ASGI application: `POST /NAME`, and probes."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from mltk.interceptors.answering import Interceptors
from mltk.tekton.triggers.interceptors.remote import Reply

_HEALTH = ("/live", "/ready")
_MOST_BYTES = 16 << 20

Scope = MutableMapping[str, Any]


class InterceptorApp:
    """Answers EventListeners."""

    def __init__(self, interceptors: Interceptors) -> None:
        self._interceptors = interceptors

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await _send(await self._answer(scope, receive), send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    def close(self) -> None:
        """Hold nothing open."""

    async def _answer(self, scope: Scope, receive: Any) -> Reply:
        if scope["method"] == "GET" and scope["path"] in _HEALTH:
            return Reply(HTTPStatus.OK)
        if scope["method"] != "POST":
            return Reply(HTTPStatus.METHOD_NOT_ALLOWED)
        body = await _body(receive)
        if body is None:
            return Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        name = scope["path"].strip("/")
        # Google may have to be asked, and others shall not wait for that.
        return await asyncio.to_thread(self._interceptors.answer, name, body)


async def _live(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


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


async def _send(reply: Reply, send: Any) -> None:
    lines = {name: ", ".join(values) for name, values in reply.header.items()}
    header = {"Content-Length": str(len(reply.body)), **lines}
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in header.items()]
    await send({"type": "http.response.start", "status": int(reply.status), "headers": encoded})
    await send({"type": "http.response.body", "body": reply.body})
