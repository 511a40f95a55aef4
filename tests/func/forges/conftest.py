"""A git host of ours that takes only requests which the published API of its kind takes.

What is published is checked in `published`; what it leaves open is checked here: GitHub takes a
description of at most 140 characters (https://docs.github.com/rest/commits/statuses), GitLab one of
at most 255 (https://docs.gitlab.com/api/commits/#set-commit-pipeline-status). Where npm or Go is
missing, requests are taken as they come, and test_published.py says so.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests import octokit
from tests.func.forges.published import (
    Asked,
    Bitbucket,
    Client,
    OpenApi,
    Program,
    Published,
    github,
)
from tests.published import missing

TOKEN = "t0ken-of-a-test"
SHA = "c" * 40
_LONGEST = {"github": 140, "gitlab": 255}

# By where the API is: the kind of host, and what a request proves itself with.
_PLACES = {
    "/api/v4": ("gitlab", ("PRIVATE-TOKEN", TOKEN)),
    "/api/v3": ("github-server", ("Authorization", f"Bearer {TOKEN}")),
    "/api/v1": ("gitea", ("Authorization", f"token {TOKEN}")),
    "/rest/api/1.0": ("bitbucket", ("Authorization", f"Bearer {TOKEN}")),
    "": ("github", ("Authorization", f"Bearer {TOKEN}")),
}
_STATUSES = {
    "gitlab": f"/projects/team%2Fml%2Fwine/statuses/{SHA}",
    "bitbucket": f"/projects/TEAM/repos/wine/commits/{SHA}/builds",
}
_THREADS = {
    "gitlab": "/projects/team%2Fml%2Fwine/merge_requests/7/notes",
    "bitbucket": "/projects/TEAM/repos/wine/pull-requests/7/comments",
}
_ONE = {**_THREADS, "github": "/repos/team/wine/issues/comments"}
_ACTIVITIES = "/projects/TEAM/repos/wine/pull-requests/7/activities"
_CHANGE = {"gitlab": "PUT", "bitbucket": "PUT", "github": "PATCH"}
_PAGE = 100


@dataclass
class Host:
    """What the host holds, and what it is to answer before it does what it is asked."""

    published: Mapping[str, Published] = field(default_factory=dict)
    url: str = ""
    statuses: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    people: dict[str, Any] = field(default_factory=dict)
    trouble: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, header: Any, body: Any) -> tuple[int, Any]:
        self.seen.append(f"{method} {target}")
        base = next(each for each in _PLACES if target.startswith(f"{each}/"))
        kind, (name, proof) = _PLACES[base]
        asked = Asked.at(method, target[len(base) :], body)
        if kind in self.published and (wrong := self.published[kind].wrong(asked)):
            self.wrong.append(f"{method} {target}: {wrong}")
            return 422, {"message": wrong}
        if self.trouble:
            code, _ = self.trouble[0]
            return code, {"message": "as the test asks"}
        if header.get(name) != proof:
            return 401, {"message": "Bad credentials"}
        return self._answer(kind, kind.replace("-server", "").replace("gitea", "github"), asked)

    def _answer(self, kind: str, form: str, asked: Asked) -> tuple[int, Any]:
        """`form` is the kind whose API this one has."""
        if asked.path in self.people:
            return self._of_people(kind, asked)
        if asked.path == _STATUSES.get(form, f"/repos/team/wine/statuses/{SHA}"):
            return self._status(kind, form, asked)
        if asked.path == _ACTIVITIES:
            return 200, self._activities(asked)
        if asked.path == _THREADS.get(form, "/repos/team/wine/issues/7/comments"):
            return self._thread(kind, form, asked)
        one = re.fullmatch(re.escape(_ONE[form]) + r"/(\d+)", asked.path)
        if one and int(one[1]) in self.comments:
            return self._one(kind, form, int(one[1]), asked)
        return 404, {"message": "Not Found"}

    def _status(self, kind: str, form: str, asked: Asked) -> tuple[int, Any]:
        assert asked.method == "POST"
        assert len(asked.body["description"]) <= _LONGEST.get(form, 255)
        again = self.statuses and self.statuses[-1]["state"] == asked.body["state"] == "pending"
        if form == "gitlab" and again:
            return 400, {"message": "Cannot transition status via :enqueue from :pending"}
        self.statuses.append(asked.body)
        if form == "bitbucket":
            return 204, None
        return 201, self._example(kind, asked) | {"id": len(self.statuses), **asked.body}

    def _thread(self, kind: str, form: str, asked: Asked) -> tuple[int, Any]:
        if asked.method == "GET":
            example = self._example(kind, asked)
            rows = [self._row(form, each, example) for each in sorted(self.comments)]
            return 200, _paged(rows, asked)
        assert asked.method == "POST"
        number = max(self.comments, default=0) + 1
        self.comments[number] = asked.body["text" if form == "bitbucket" else "body"]
        return 201, self._row(form, number, self._example(kind, asked))

    def _one(self, kind: str, form: str, number: int, asked: Asked) -> tuple[int, Any]:
        if form == "bitbucket" and asked.method != "GET":
            given = asked.query["version"][0] if asked.body is None else asked.body["version"]
            if int(given) != self.versions.get(number, 0):
                return 409, {"errors": [{"message": "the comment has changed"}]}
        if asked.method == "DELETE":
            del self.comments[number]
            return 204, None
        if asked.method != "GET":
            assert asked.method == _CHANGE[form]
            self.comments[number] = asked.body["text" if form == "bitbucket" else "body"]
            self.versions[number] = self.versions.get(number, 0) + 1
        return 200, self._row(form, number, self._example(kind, asked))

    def _row(self, form: str, number: int, example: Any = None) -> Any:
        text = self.comments[number]
        if form == "bitbucket":
            return {"id": number, "version": self.versions.get(number, 0), "text": text}
        found = example[0] if isinstance(example, list) else example
        return (found or {}) | {"id": number, "body": text}

    def _activities(self, asked: Asked) -> Any:
        """The newest first, with others among them."""
        said = [self._row("bitbucket", number) for number in sorted(self.comments)]
        rows = [{"action": "COMMENTED", "commentAction": "ADDED", "comment": row} for row in said]
        rows = [*reversed(rows), {"action": "OPENED"}]
        start, size = int(asked.query["start"][0]), int(asked.query["limit"][0])
        last = start + size >= len(rows)
        found = {"values": rows[start : start + size], "isLastPage": last}
        return found | {"nextPageStart": None if last else start + size}

    def _of_people(self, kind: str, asked: Asked) -> tuple[int, Any]:
        held, example = self.people[asked.path], self._example(kind, asked)
        if not isinstance(held, list):
            return 200, (example or {}) | held
        first = example[0] if isinstance(example, list) else {}
        return 200, _paged([first | row for row in held], asked)

    def _example(self, kind: str, asked: Asked) -> Any:
        """What GitHub gives as an answer to such a request, of which a test changes some fields."""
        published = self.published.get(kind)
        found = published.example(asked) if isinstance(published, OpenApi) else None
        return {} if found is None else found


def _paged(rows: list[Any], asked: Asked) -> list[Any]:
    if "page" not in asked.query:
        return rows
    size, page = (int(asked.query[name][0]) for name in ("per_page", "page"))
    assert size <= _PAGE
    return rows[(page - 1) * size : page * size]


@pytest.fixture(scope="session")
def program() -> Iterator[Program | None]:
    """The clients of others, None where they are not here."""
    if missing():
        yield None
        return
    with Program() as found:
        yield found


@pytest.fixture(scope="session")
def published(program: Program | None) -> Mapping[str, Published]:
    """By the kind of host, what is published of its API, as far as this machine can have it."""
    found: dict[str, Published] = {}
    if not octokit.missing():
        found |= {"github": github("api.github.com"), "github-server": github("ghes-3.17")}
    if program is not None:
        found["gitlab"] = Client(program, "gitlab", "/api/v4")
        found["bitbucket"] = Bitbucket(Client(program, "bitbucket", "/rest/api/1.0"))
    return found


@pytest.fixture
def host(published: Mapping[str, Published]) -> Iterator[Host]:
    """A git host at a port of this machine; no test sends it what it does not take."""
    found = Host(published)

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
    assert found.wrong == []
