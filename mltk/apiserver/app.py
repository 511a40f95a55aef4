"""HTTP: each request to what answers it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from mltk.apiserver import answers, guard, logs, openapi, watching
from mltk.apiserver.answers import Answer, Stream
from mltk.apiserver.collections import ClusterWide, Collection, Stored
from mltk.apiserver.deleting import Deleter
from mltk.apiserver.discovery import discover, version
from mltk.apiserver.listing import read_list, read_one
from mltk.apiserver.namespaces import Namespaces
from mltk.apiserver.pods import Pods
from mltk.apiserver.request import MAX_BODY, Request, Target, target_of
from mltk.apiserver.resources import RESOURCES
from mltk.apiserver.reviews import answer_review, find_review
from mltk.apiserver.statuses import ApiError, not_allowed, not_served, of_error
from mltk.apiserver.streams import Receive, Send, refuse_socket, send_chunks, send_messages
from mltk.apiserver.wakeups import Wakeups
from mltk.apiserver.writing import Writer
from mltk.errors import MltkError
from mltk.local.backend import LocalBackend
from mltk.local.reading import DEFAULT_NAMESPACE
from mltk.tekton.config import NAMESPACE

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]

_V3 = "/openapi/v3/"
_HEALTH = ("/healthz", "/livez", "/readyz")


class App:
    """An ASGI application over the objects of a backend.

    `token` is what clients must bear; `socket` tells that only one user's programs reach it.
    """

    def __init__(
        self, backend: LocalBackend, *, token: str | None = None, socket: bool = False
    ) -> None:
        self._backend = backend
        self._store = backend.store
        self._token = token
        self._socket = socket
        self._wakeups: Wakeups | None = None
        self._namespaces = Namespaces(self._store)
        self._pods = Pods(self._store)
        self._writer = Writer(self._store, self._namespaces)
        self._deleter = Deleter(self._store, backend.layout)
        for name in (DEFAULT_NAMESPACE, NAMESPACE):
            self._writer.ensure_namespace(name)
        self._writer.ensure_version()
        self._collections: Mapping[str, Collection] = {
            **{
                each.kind.kind: (Stored if each.kind.namespaced else ClusterWide)(
                    self._store, each.kind
                )
                for each in RESOURCES
            },
            "Namespace": self._namespaces,
            "Pod": self._pods,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                answer = await self._answer(scope, receive)
            except ApiError as error:
                answer = answers.refusal(error)
            if isinstance(answer, Stream):
                await send_chunks(answer, receive, send)
            else:
                await _send(answer, send)
        else:
            await self._open_socket(scope, receive, send)

    def close(self) -> None:
        """End the streams, so that the connections can be closed."""
        if self._wakeups is not None:
            self._wakeups.close()
        self._deleter.close()

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the opening of a WebSocket: it is for watches alone."""
        await receive()
        try:
            answer = await self._answer({**scope, "method": "GET"}, _nothing)
        except ApiError as error:
            answer = answers.refusal(error)
        if isinstance(answer, Stream):
            await send_messages(answer, receive, send)
        else:
            await refuse_socket(answer, scope, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._wakeups = Wakeups(self._store)
            else:
                self.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | Stream:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        path = scope["path"]
        guard.check(headers, path, self._token, self._socket)
        request = Request(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers,
            await _body(receive, headers),
        )
        if request.path in _HEALTH:
            return Answer(b"ok", media="text/plain; charset=utf-8")
        if request.path == "/version":
            return answers.of(version())
        if request.method == "GET" and (found := discover(request)) is not None:
            return answers.of(found[0], media=found[1])
        if request.path.startswith("/openapi/"):
            return _openapi(request)
        if review := find_review(request.path):
            return answers.of(answer_review(review, request.object()), 201)
        return await self._about_objects(request, target_of(request))

    async def _about_objects(self, request: Request, target: Target) -> Answer | Stream:
        collection = self._collections[target.resource.kind.kind]
        try:
            if request.method in ("GET", "HEAD"):
                if request.flag("watch") and not target.subresource:
                    return await self._watch(request, target, collection)
                if target.subresource == "log":
                    return await self._log(request, target)
                return await asyncio.to_thread(self._read, request, target, collection)
            return await asyncio.to_thread(self._write, request, target, collection)
        except MltkError as error:
            raise of_error(error, target.resource, target.name) from None
        except ApiError:
            raise
        except Exception:
            _log.exception("%s %s", request.method, request.path)
            raise ApiError(
                500, "InternalError", "Internal error occurred; see mltk's log"
            ) from None

    async def _watch(self, request: Request, target: Target, collection: Collection) -> Stream:
        watch = await asyncio.to_thread(watching.begin, request, target, collection, self._store)
        assert self._wakeups is not None  # noqa: S101  (requests come after the start)
        initial = request.flag("sendInitialEvents")
        # Whoever has the headers is told of all that it does from then on.
        first = await asyncio.to_thread(watching.first, watch, self._store, initial)
        return Stream(watching.stream(watch, first, self._wakeups, self._store), watch.form.media)

    async def _log(self, request: Request, target: Target) -> Stream:
        layout = self._backend.layout
        log = await asyncio.to_thread(
            logs.open_log, request, target, self._pods, layout, self._store
        )
        assert self._wakeups is not None  # noqa: S101  (requests come after the start)
        return Stream(logs.follow(log, self._wakeups), "text/plain; charset=utf-8")

    def _read(self, request: Request, target: Target, collection: Collection) -> Answer:
        if target.name:
            return read_one(request, target, collection)
        return read_list(request, target, collection, self._store)

    def _write(self, request: Request, target: Target, collection: Collection) -> Answer:
        verb = _verb(request.method, target)
        verbs = target.resource.subresources.get(target.subresource, target.resource.verbs)
        if verb not in verbs:
            raise not_allowed(request.method)
        if verb == "create":
            return self._writer.create(request, target)
        if verb == "update":
            return self._writer.update(request, target)
        if verb == "patch":
            return self._writer.patch(request, target)
        if verb == "delete":
            return self._deleter.delete(request, target)
        return self._deleter.delete_all(request, target, collection)


def _openapi(request: Request) -> Answer:
    path = request.path.rstrip("/")
    if path == "/openapi/v2":
        return answers.of(openapi.document_v2())
    found = openapi.index() if path == "/openapi/v3" else openapi.document(path[len(_V3) :])
    if found is None:
        raise not_served()
    return answers.of(found)


def _verb(method: str, target: Target) -> str:
    """What a method is on an object, or on a collection; empty when it is nothing."""
    if target.name:
        return {"PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(method, "")
    return {"POST": "create", "DELETE": "deletecollection"}.get(method, "")


async def _nothing() -> MutableMapping[str, Any]:
    """The body of a request that has none."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def _body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > MAX_BODY:
        raise _too_large()
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > MAX_BODY:
            raise _too_large()
        if not message.get("more_body"):
            return b"".join(parts)


def _too_large() -> ApiError:
    message = f"Request entity too large: limit is {MAX_BODY}"
    return ApiError(413, "RequestEntityTooLarge", message)


async def _send(answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", answer.media.encode()),
        (b"cache-control", b"no-cache, private"),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    # https://kubernetes.io/docs/reference/using-api/api-concepts/#warnings
    headers += [(b"warning", _warning(each)) for each in answer.warnings]
    await send({"type": "http.response.start", "status": answer.code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _warning(text: str) -> bytes:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{plain}"'.encode("utf-8", "replace")
