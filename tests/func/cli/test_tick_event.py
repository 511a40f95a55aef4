"""A tick is posted to a real HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from .cli_folder import Folder


class _Listener(HTTPServer):
    """Keeps what it hears and answers as it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answer = 202
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((dict(self.headers), body))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[_Listener]:
    with _Listener() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_tick_is_a_cloud_event(folder: Folder, listener: _Listener) -> None:
    folder.mltk("windows", "tick", "--post", listener.url)
    ((headers, body),) = listener.heard
    assert headers["Ce-Type"] == "dev.mltk.windows.tick"
    assert headers["Ce-Specversion"] == "1.0"
    assert headers["Ce-Id"]
    assert headers["Ce-Source"] == "mltk/windows"
    assert body == b"{}"


def test_a_listener_that_refuses_is_told(folder: Folder, listener: _Listener) -> None:
    listener.answer = 503
    said = folder.mltk("windows", "tick", "--post", listener.url, code=5)
    assert "the tick was not taken: it answered 503" in said.stderr


def test_a_listener_that_is_not_there(folder: Folder) -> None:
    said = folder.mltk("windows", "tick", "--post", "http://127.0.0.1:9", code=5)
    assert "the tick was not taken" in said.stderr
    said = folder.mltk("windows", "tick", "--post", "ftp://127.0.0.1", code=2)
    assert "is no address of a listener" in said.stderr
