"""HTTP: an event comes in, is kept, and has its answer."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from mltk.errors import InfrastructureError
from mltk.interceptors import handshakes
from mltk.listener.doors import Doors
from mltk.listener.inbox import Inbox, Received
from mltk.listener.metrics import Metrics
from mltk.sockets import live, respond
from mltk.tekton.triggers.answers import Answer
from mltk.tekton.triggers.bindings import Event, Object
from mltk.tekton.triggers.interceptors.protocol import Request, canonical
from mltk.tekton.triggers.sink import answered

_BODY_SECONDS = 30
_ROOM_BYTES = 64 << 20
_LINGERING_SECONDS = 2
# What Go's server, and so Tekton's sink, does not keep among the headers.
_NOT_HEADERS = (b"host", b"transfer-encoding", b"trailer")
_HEALTH = ("/live", "/health")
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_LATER = {**_TEXT, "Retry-After": "1"}

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Header = Mapping[str, Sequence[str]]


class TooLargeError(Exception):
    """A body is larger than the listener takes."""


class NoRoomError(Exception):
    """The bodies that come at the moment are larger than the memory for them."""


class _Room:
    """The bytes of all bodies at one moment; one thread uses it."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Take a part; raises NoRoomError where there is none."""
        if size > self._left:
            raise NoRoomError
        self._left -= size


class _Share:
    """What one body takes of a room, until its request has an answer."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._taken = 0

    def __enter__(self) -> _Share:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.take(-self._taken)

    def take(self, size: int) -> None:
        """Take more."""
        self._room.take(size)
        self._taken += size


@dataclass
class _Batch:
    """Events that are written together, and who waits for that."""

    events: list[Received] = field(default_factory=list)
    written: asyncio.Future[list[str]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class App:
    """An ASGI application that answers as Tekton's sink does; bodies have `most` bytes or fewer."""

    def __init__(
        self,
        doors: Doors,
        inbox: Inbox,
        metrics: Metrics,
        most: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._doors = doors
        self._inbox = inbox
        self._metrics = metrics
        self._most = most
        self._clock = clock
        self._room = _Room(max(_ROOM_BYTES, 2 * most))
        self._closed = False
        self._next: _Batch | None = None
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] == "http":
            began = time.perf_counter()
            answer = await self._answer(scope, receive)
            await respond(send, answer.status, answer.header, answer.body)
            self._metrics.answered(answer.status, time.perf_counter() - began)
        else:
            await receive()
            await send({"type": "websocket.close"})

    def close(self) -> None:
        """Take no more events."""
        self._closed = True

    async def _answer(self, scope: Scope, receive: Any) -> Answer:
        if scope["method"] in ("GET", "HEAD") and scope["path"] in _HEALTH:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE if self._closed else HTTPStatus.OK)
        if self._closed:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, _LATER, b"the listener is stopping\n")
        try:
            return await self._take(scope, receive)
        except TooLargeError:
            said = f"an event has {self._most} bytes at most\n".encode()
            await _let_pass(receive)
            return Answer(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {**_TEXT, "Connection": "close"}, said
            )
        except NoRoomError:
            said = b"too much comes at once; send this one again later\n"
            return Answer(HTTPStatus.TOO_MANY_REQUESTS, {**_LATER, "Connection": "close"}, said)
        except TimeoutError:
            said = f"the body did not come within {_BODY_SECONDS} seconds\n".encode()
            return Answer(HTTPStatus.REQUEST_TIMEOUT, {**_TEXT, "Connection": "close"}, said)
        except ConnectionResetError:
            return Answer(HTTPStatus.BAD_REQUEST, _TEXT, b"the request ended before its body\n")
        except InfrastructureError as error:
            _log.error("an event cannot be kept: %s", error)
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, _LATER, b"the event cannot be kept now\n")

    async def _take(self, scope: Scope, receive: Any) -> Answer:
        query = scope["query_string"].decode("latin-1")
        url = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        found = self._doors.find(url)
        if found is None:
            return Answer(HTTPStatus.NOT_FOUND, _TEXT, b"there is no EventListener here\n")
        listener, url = found
        if self._inbox.is_full:
            said = b"too many events wait; send this one again later\n"
            return Answer(HTTPStatus.TOO_MANY_REQUESTS, _LATER, said)
        header = _header(scope["headers"])
        with _Share(self._room) as share:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _body(receive, header, self._most, share)
            asked = self._asked(scope["method"], listener, url, header, body)
            return asked or await self._judge(listener, url, header, body)

    def _asked(
        self, method: str, listener: Object, url: str, header: Header, body: bytes
    ) -> Answer | None:
        """The answer to a sender who asks whether his events are welcome, if that is asked."""
        known = self._doors.proofs(listener)
        if not known or not handshakes.asks(method, lines := canonical(header)):
            return None
        metadata = listener["metadata"]
        trigger = f"namespaces/{metadata['namespace']}/triggers/{metadata['name']}"
        text = body.decode("utf-8", "replace")
        request = Request(text, lines, event_url=url, trigger_id=trigger)
        return handshakes.answer(method, request, known, self._doors.secrets)

    async def _judge(self, listener: Object, url: str, header: Header, body: bytes) -> Answer:
        event = Event(body, header, event_id=str(uuid.uuid4()))
        answer = answered(listener, event)
        if answer.status != HTTPStatus.ACCEPTED:
            return answer
        return await self._keep(listener, event, url, answer)

    async def _keep(self, listener: Object, event: Event, url: str, answer: Answer) -> Answer:
        metadata = listener["metadata"]
        event_id = await self._write(
            Received(
                event.event_id,
                metadata["namespace"],
                metadata["name"],
                url,
                event.header,
                event.body,
                self._clock(),
            )
        )
        repeated = event_id != event.event_id
        self._metrics.accepted(repeated=repeated)
        # A query may hold the sender's secret.
        path = url.partition("?")[0]
        told = {"eventID": event_id, "eventListener": metadata["name"], "url": path}
        _log.info("event accepted%s", " before" if repeated else "", extra=told)
        return answered(listener, replace(event, event_id=event_id)) if repeated else answer

    async def _write(self, event: Received) -> str:
        """Keep an event, with all that come while others are being written."""
        if self._next is None:
            self._next = _Batch()
        batch = self._next
        batch.events.append(event)
        place = len(batch.events) - 1
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return (await asyncio.shield(batch.written))[place]

    async def _write_all(self) -> None:
        while (batch := self._next) is not None:
            self._next = None
            try:
                batch.written.set_result(await asyncio.to_thread(self._inbox.accept, batch.events))
            except Exception as error:
                batch.written.set_exception(error)
        self._writing = None


def _header(lines: Sequence[tuple[bytes, bytes]]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name, value in lines:
        if name not in _NOT_HEADERS:
            found.setdefault(name.decode("latin-1"), []).append(value.decode("utf-8", "replace"))
    return found


async def _body(receive: Any, header: Header, most: int, share: _Share) -> bytes:
    said = header.get("content-length", ["0"])[0]
    if said.isdecimal() and int(said) > most:
        raise TooLargeError
    parts, length = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        parts.append(message.get("body", b""))
        share.take(len(parts[-1]))
        length += len(parts[-1])
        if length > most:
            raise TooLargeError
        if not message.get("more_body"):
            return b"".join(parts)


async def _let_pass(receive: Any) -> None:
    """Read on for a while: who still sends would take a closed connection for a fault."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGERING_SECONDS):
            while (await receive()).get("more_body"):
                pass
