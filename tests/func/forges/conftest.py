"""A git host of ours that checks the few fields of each request that matter here.

They are described at https://docs.github.com/rest/commits/statuses (state is one
of four, a description of at most 140 characters), https://docs.github.com/rest/issues/comments,
https://docs.gitlab.com/api/commits/#set-commit-pipeline-status and
https://docs.gitlab.com/api/notes/#merge-requests.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "t0ken-of-a-test"
SHA = "c" * 40


@dataclass
class Host:
    """What the host holds, and what it is to answer before it does what it is asked."""

    url: str = ""
    statuses: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    trouble: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, header: Any, body: Any) -> tuple[int, Any]:
        self.seen.append(f"{method} {target}")
        if self.trouble:
            code, _ = self.trouble[0]
            return code, {"message": "as the test asks"}
        path = urlsplit(target).path
        query = parse_qs(urlsplit(target).query)
        if path.startswith("/api/v4/projects/"):
            if header.get("PRIVATE-TOKEN") != TOKEN:
                return 401, {"message": "401 Unauthorized"}
            rest = path.removeprefix("/api/v4/projects/team%2Fml%2Fwine")
            return self.gitlab(method, rest, query, body)
        if path.startswith(("/api/v3/repos/team/wine", "/api/v1/repos/team/wine")):
            given = header.get("Authorization")
            words = f"Bearer {TOKEN}" if path.startswith("/api/v3") else f"token {TOKEN}"
            if given != words:
                return 401, {"message": "Bad credentials"}
            return self.github(method, path[len("/api/v3/repos/team/wine") :], query, body)
        return 404, {"message": "Not Found"}

    def github(self, method: str, path: str, query: Any, body: Any) -> tuple[int, Any]:
        if method == "POST" and path == f"/statuses/{SHA}":
            assert body["state"] in ("error", "failure", "pending", "success")
            assert len(body["description"]) <= 140
            assert body.keys() <= {"state", "description", "context", "target_url"}
            self.statuses.append(body)
            return 201, {"id": len(self.statuses), **body}
        if path == "/issues/7/comments":
            return self.thread(method, query, body)
        if found := re.fullmatch(r"/issues/comments/(\d+)", path):
            return self.one(method, "PATCH", int(found[1]), body)
        return 404, {"message": "Not Found"}

    def gitlab(self, method: str, path: str, query: Any, body: Any) -> tuple[int, Any]:
        if method == "POST" and path == f"/statuses/{SHA}":
            assert body["state"] in (
                "pending",
                "running",
                "success",
                "failed",
                "canceled",
                "skipped",
            )
            assert len(body["description"]) <= 255
            assert body.keys() <= {"state", "description", "name", "target_url"}
            if self.statuses and self.statuses[-1]["state"] == body["state"] == "pending":
                return 400, {"message": "Cannot transition status via :enqueue from :pending"}
            self.statuses.append(body)
            return 201, {"id": len(self.statuses), **body}
        if path == "/merge_requests/7/notes":
            return self.thread(method, query, body)
        if found := re.fullmatch(r"/merge_requests/7/notes/(\d+)", path):
            return self.one(method, "PUT", int(found[1]), body)
        return 404, {"message": "404 Not found"}

    def thread(self, method: str, query: Any, body: Any) -> tuple[int, Any]:
        if method == "GET":
            size, page = (int(query.get(key, [100])[0]) for key in ("per_page", "page"))
            start = (page - 1) * size if "page" in query else 0
            rows = [{"id": key, "body": text} for key, text in sorted(self.comments.items())]
            return 200, rows[start : start + size] if "page" in query else rows
        assert body.keys() == {"body"}
        number = max(self.comments, default=0) + 1
        self.comments[number] = body["body"]
        return 201, {"id": number, "body": body["body"]}

    def one(self, method: str, change: str, number: int, body: Any) -> tuple[int, Any]:
        if number not in self.comments:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            del self.comments[number]
            return 204, None
        assert method == change
        assert body.keys() == {"body"}
        self.comments[number] = body["body"]
        return 200, {"id": number, "body": body["body"]}


@pytest.fixture
def host() -> Iterator[Host]:
    """A git host at a port of this machine."""
    found = Host()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            code, said = found.answer(self.command, self.path, self.headers, body)
            data = b"" if said is None else json.dumps(said).encode()
            self.send_response(code)
            extra = found.trouble.pop(0)[1] if found.trouble else {}
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()
