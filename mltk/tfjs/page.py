"""The page that runs bundles, and its server: files go out, jobs go out, answers come back."""

from __future__ import annotations

import http.server
import json
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mltk.tfjs.node import RUNTIME

_PACKAGES = (
    *("tfjs-core", "tfjs-converter", "tfjs-backend-cpu"),
    *("tfjs-backend-wasm", "tfjs-backend-webgl", "tfjs-backend-webgpu"),
)
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
}
_CLOSED = object()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a browser that is closed hangs up in the middle."""


class Page:
    """A server on the loopback address whose `address` a browser is to open."""

    def __init__(self, packages: Path) -> None:
        self._packages = packages / "node_modules" / "@tensorflow"
        # Whoever else is on this machine cannot guess where jobs are.
        self._secret = secrets.token_urlsafe(16)
        self._jobs: queue.Queue[Any] = queue.Queue()
        self._answers: queue.Queue[Any] = queue.Queue()
        self._bundle = Path()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Give the URL of the page."""
        return f"http://127.0.0.1:{self._server.server_port}/{self._secret}/"

    def ask(
        self, job: Mapping[str, Any], bundle: Path, limit: float, alive: Callable[[], bool]
    ) -> Any:
        """Give the page's answer to a job; None when `alive` says no, or after `limit` seconds."""
        self._bundle = bundle
        self._jobs.put(job)
        until = time.monotonic() + limit
        while time.monotonic() < until and alive():
            try:
                return self._answers.get(timeout=0.2)
            except queue.Empty:
                continue
        return None

    def close(self) -> None:
        """Let the page ask no more."""
        self._jobs.put(_CLOSED)

    def get(self, path: str) -> tuple[bytes, str] | None:
        """Give what lies under a path, with its type."""
        kind, _, name = self._below(path).partition("/")
        if kind == "job":
            job = self._jobs.get()
            return json.dumps(None if job is _CLOSED else job).encode(), "application/json"
        if kind == "page.html":
            return _html().encode(), "text/html"
        homes = {"runtime": RUNTIME, "bundle": self._bundle}
        if kind == "modules":
            package, _, name = name.partition("/")
            homes["modules"] = self._packages / package / "dist"
        file = homes[kind] / name if kind in homes and ".." not in name else None
        if file is None or not file.is_file():
            return None
        return file.read_bytes(), _TYPES.get(file.suffix, "application/octet-stream")

    def post(self, path: str, content: bytes) -> bool:
        """Take an answer."""
        if self._below(path) != "answer":
            return False
        self._answers.put(json.loads(content))
        return True

    def _below(self, path: str) -> str:
        first, _, rest = path.removeprefix("/").partition("/")
        return (rest or "page.html") if secrets.compare_digest(first, self._secret) else ""


def _html() -> str:
    scripts = "".join(
        f'<script src="modules/{name}/{name.replace("tfjs", "tf")}.min.js"></script>'
        for name in _PACKAGES
    )
    runtime = '<script type="module" src="runtime/page.mjs"></script>'
    return f'<!doctype html><meta charset="utf-8"><title>mltk</title>{scripts}{runtime}'


def _handler(page: Page) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = page.get(self.path)
            if found is None:
                self.send_error(404)
            else:
                self._send(*found)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if page.post(self.path, content):
                self._send(b"", "text/plain")
            else:
                self.send_error(404)

        def _send(self, content: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            # Only then does a page get threads of wasm and exact clocks.
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
