"""Answers that come bit by bit: as a body in chunks, or as messages of a WebSocket.

The Tekton Dashboard watches by WebSockets: a message for each event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from mltk.apiserver.answers import Answer, Stream

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_HTTP_ANSWER = "websocket.http.response"  # an extension of ASGI


async def send_chunks(stream: Stream, receive: Receive, send: Send) -> None:
    """Send what comes until it ends, or the client has gone."""
    headers = [(b"content-type", stream.media.encode()), (b"cache-control", b"no-cache, private")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for chunk in _until_gone(stream.chunks, receive, "http.disconnect"):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_messages(stream: Stream, receive: Receive, send: Send) -> None:
    """Send each line as a message."""
    await send({"type": "websocket.accept"})
    async for chunk in _until_gone(stream.chunks, receive, "websocket.disconnect"):
        for line in chunk.splitlines():
            await send({"type": "websocket.send", "text": line.decode("utf-8", "replace")})
    await send({"type": "websocket.close"})


async def refuse_socket(answer: Answer, scope: MutableMapping[str, Any], send: Send) -> None:
    """Refuse to open a WebSocket, with the answer that a plain request would get."""
    if _HTTP_ANSWER not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", answer.media.encode())]
    start = {"type": f"{_HTTP_ANSWER}.start", "status": answer.code, "headers": headers}
    await send(start)
    await send({"type": f"{_HTTP_ANSWER}.body", "body": answer.body})


async def _until_gone(
    chunks: AsyncIterator[bytes], receive: Receive, word: str
) -> AsyncIterator[bytes]:
    """The chunks, as long as the client is there to take them."""
    gone = asyncio.ensure_future(_wait_for(word, receive))
    coming: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(chunks, None))
            await asyncio.wait({coming, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done() or (chunk := coming.result()) is None:
                return
            yield chunk
    finally:
        for task in (gone, coming):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await chunks.aclose()  # type: ignore[attr-defined]


async def _wait_for(word: str, receive: Receive) -> None:
    while (await receive())["type"] != word:
        pass
