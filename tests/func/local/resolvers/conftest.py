from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mltk.local.resolvers.base import Errand, Found, Resolver
from mltk.local.resolvers.bounds import Deadline
from mltk.local.resolvers.requests import Requests
from mltk.local.store import Store
from mltk.tekton.objects import Obj
from mltk.tekton.remote import Answer, Request, StillResolving
from tests.func.local.conftest import Local


def text_of(kind: str, name: str, spec: Obj, version: str = "tekton.dev/v1") -> str:
    """An object as a file holds it."""
    return json.dumps(
        {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
    )


def greeter(name: str = "greeter", word: str = "hello") -> str:
    """A Task that says a word, and for whom by its param."""
    step = {
        "name": "s0",
        "image": "none",
        "env": [{"name": "WHO", "value": "$(params.who)"}],
        "script": f'echo "{word} $WHO"',
    }
    params = [{"name": "who", "default": "world"}]
    return text_of("Task", name, {"params": params, "steps": [step]})


def listed(params: Mapping[str, Any]) -> list[Obj]:
    """Params as objects hold them."""
    return [{"name": name, "value": value} for name, value in params.items()]


def ref(resolver: str, **params: Any) -> Obj:
    """A reference; `path_in_repo` and the like are written as Tekton does."""
    names = {name: value for name, value in params.items() if value is not None}
    return {"resolver": resolver, "params": listed(names)}


def task_run(name: str, reference: Obj, **spec: Any) -> Obj:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"taskRef": reference, **spec},
    }


def config_map(name: str, data: Mapping[str, str], namespace: str = "") -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace or "tekton-pipelines-resolvers"},
        "data": dict(data),
    }


@dataclass
class Bench:
    """A resolver by itself, on the store and in the folder of a test."""

    store: Store
    local: Local

    def errand(self, resolver: Resolver, seconds: float = 20, **params: Any) -> Errand:
        """The question of a TaskRun ``asker``."""
        values = {name.replace("_", "-"): value for name, value in params.items()}
        request = Request(resolver.type, listed(values), "asker", "default")
        from mltk.local.resolvers import settings

        found = settings.of(resolver, self.store)
        return Errand(request, found, self.store, self.local.root.parent, Deadline(seconds))

    def find(self, resolver: Resolver, **params: Any) -> Found:
        """Check the params and resolve."""
        errand = self.errand(resolver, **params)
        resolver.check(errand)
        return resolver.resolve(errand)

    def ask(self, resolver: str, kind: str = "Task", **params: Any) -> Answer:
        """Ask as a run does, until there is an answer."""
        requests = Requests(self.store, self.local.root.parent, lambda: datetime.now(UTC))
        asker = {"kind": "TaskRun", "metadata": {"name": "asker", "uid": "u-1"}}
        request = Request(resolver, listed(params), "asker", "default")
        mark = self.store.mark()
        while True:
            with suppress(StillResolving):
                return requests.ask(request, asker, kind)
            mark = self.store.wait(mark, 5)


@pytest.fixture
def bench(local: Local) -> Iterator[Bench]:
    return Bench(local.backend.store, local)


DATA = greeter().encode()


class Handler(BaseHTTPRequestHandler):
    """Answers by path; `seen` are the credentials that came."""

    seen: list[str | None]
    released: threading.Event
    answers: dict[str, Callable[[Handler], None]]

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        self.answers.get(self.path, Handler.missing)(self)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def send(self, data: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def missing(self) -> None:
        self.send(b"no", 404)

    def trickle(self) -> None:
        """Send a byte, and the others when the test is over."""
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x")
        self.wfile.flush()
        self.released.wait(20)


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        other = f"http://localhost:{found.server_port}/task.yaml"
        Handler.seen, Handler.released = [], threading.Event()
        Handler.answers = {
            "/task.yaml": lambda each: each.send(DATA),
            "/moved": lambda each: each.send(b"", 302, Location="/task.yaml"),
            "/elsewhere": lambda each: each.send(b"", 302, Location=other),
            "/loop": lambda each: each.send(b"", 302, Location="/loop"),
            "/file": lambda each: each.send(b"", 302, Location="file:///etc/passwd"),
            "/ftp": lambda each: each.send(b"", 302, Location="ftp://127.0.0.1/task.yaml"),
            "/big": lambda each: each.send(b"x" * ((1 << 20) + 1)),
            "/just": lambda each: each.send(b"x" * (1 << 20)),
            "/empty": lambda each: each.send(b"", 204),
            "/slow": Handler.trickle,
        }
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found
        Handler.released.set()
        found.shutdown()


@pytest.fixture
def base(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"
