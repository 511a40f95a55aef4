"""Connections that are slow, many, or of a sender that says odd things of them."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mltk.apiserver.certificates import ensure_certificate
from mltk.listener import app, patience
from mltk.listener.app import App
from mltk.listener.calls import call
from mltk.listener.doors import Doors
from mltk.listener.inbox import Inbox
from mltk.listener.metrics import Metrics
from mltk.local.store import Store
from mltk.sockets import Application, HttpServer, Listening, live, respond
from mltk.tekton.triggers.interceptors.remote import Call

from .conftest import listener

_LIMIT = 30.0
_ANYWHERE = Listening()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[App]:
    """An application with an EventListener, which nobody works for."""
    store = Store(tmp_path / "state.db")
    store.create(listener())
    yield App(Doors(store), Inbox(store, 100), Metrics(), 1 << 20)
    store.close()


@contextmanager
def _served(made: Application, place: Listening = _ANYWHERE) -> Iterator[int]:
    server = HttpServer(lambda: made, place, patience.ImpatientProtocol)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,))
    thread.start()
    try:
        assert ready.wait(_LIMIT)
        yield int(server.url.rpartition(":")[2])
    finally:
        server.stop()
        thread.join(_LIMIT)


@pytest.mark.parametrize("said", [b"", b"POST / HTTP/1.1\r\nHost: x\r\nA: "])
def test_a_head_that_does_not_come_ends_its_connection(
    made: App, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.1)
    with (
        _served(made) as port,
        socket.create_connection(("127.0.0.1", port), timeout=_LIMIT) as client,
    ):
        client.sendall(said)
        assert client.recv(100) == b""


def test_a_second_head_that_does_not_come_ends_its_connection_too(
    made: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.1)
    with (
        _served(made) as port,
        socket.create_connection(("127.0.0.1", port), timeout=_LIMIT) as client,
    ):
        client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\nPOST / HT")
        answer = b""
        while part := client.recv(100):
            answer += part
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"HTTP/1.1") == 1


def test_bodies_have_a_room_in_common_and_give_it_back(
    made: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    made._room = app._Room(150)
    part = {"type": "http.request", "body": b"{" + b" " * 99, "more_body": True}

    async def first() -> tuple[int, int, int]:
        """Two at once, then one alone."""
        halted, others = asyncio.Event(), asyncio.Event()

        async def slow() -> Any:
            if not halted.is_set():
                halted.set()
                return part
            await others.wait()
            return {**part, "body": b"}", "more_body": False}

        async def quick() -> Any:
            return {**part, "body": b"{}" + b" " * 98, "more_body": False}

        waiting = asyncio.create_task(_status(made, slow))
        await halted.wait()
        refused = await _status(made, quick)
        others.set()
        return await waiting, refused, await _status(made, quick)

    assert asyncio.run(first()) == (202, 429, 202)


async def _status(made: App, receive: Any) -> int:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"",
        "headers": [],
    }  # fmt: skip
    await made(scope, receive, send)
    return int(said[0]["status"])


def test_headers_are_those_that_tekton_sees(made: App) -> None:
    lines = [
        (b"host", b"x"), (b"transfer-encoding", b"chunked"), (b"x-a", "ü".encode()), (b"x-a", b"2"),
        (b"x-b", b"\xff"),
    ]  # fmt: skip
    assert app._header(lines) == {"x-a": ["ü", "2"], "x-b": ["\ufffd"]}


def test_what_a_sender_says_of_its_connection_is_not_handed_on() -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    header = {
        "Transfer-Encoding": ["chunked"], "Content-Length": ["99"], "Host": ["other"],
        "Expect": ["100-continue"], "X-A": ["\u20ac"],
    }  # fmt: skip
    try:
        assert call(Call(f"http://127.0.0.1:{server.server_port}/", header, b"{}")).status == 200
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    ((seen, body),) = got
    assert body == b"{}"
    assert set(seen) == {"Host", "X-A", "Content-Length"}
    assert seen["Host"] == f"127.0.0.1:{server.server_port}"
    assert seen["X-A"].encode("latin-1").decode() == "\u20ac"


class _Counting:
    """An application that notes in how many bytes each part of a body comes."""

    def __init__(self) -> None:
        self.parts: list[int] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await live(receive, send)
        more = True
        while more:
            message = await receive()
            self.parts.append(len(message["body"]))
            more = message["more_body"]
        return await respond(send, 200, {})

    def close(self) -> None:
        """Nothing is held."""


def test_a_body_is_read_in_small_parts_that_leave_no_holes_in_memory() -> None:
    counting, size = _Counting(), 40 * patience.PART_BYTES
    with _served(counting) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT)
        client.request("POST", "/", b"x" * size)
        assert client.getresponse().status == 200
        client.close()
    assert sum(counting.parts) == size
    assert max(counting.parts) <= patience.PART_BYTES


def test_so_is_one_that_comes_by_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting, asked, read = _Counting(), list[int](), ssl.SSLObject.read

    def noting(of: ssl.SSLObject, length: int = 1024, *rest: Any) -> Any:
        asked.append(length)
        return read(of, length, *rest)

    monkeypatch.setattr(ssl.SSLObject, "read", noting)
    certificate, key = ensure_certificate(tmp_path, ("localhost",))
    with _served(counting, Listening(certificate=certificate, key=key)) as port:
        trusted = ssl.create_default_context(cafile=certificate)
        client = http.client.HTTPSConnection("localhost", port, timeout=_LIMIT, context=trusted)
        client.request("POST", "/", b"x" * 1000)
        assert client.getresponse().status == 200
        client.close()
    assert sum(counting.parts) == 1000
    assert max(asked) <= patience.PART_BYTES
