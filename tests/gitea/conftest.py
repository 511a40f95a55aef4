"""Gitea at a port of this machine, with a user, a repository, a webhook and who receives it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import gitea

SECRET = "hook-secret"
_SETTINGS = """
RUN_MODE = prod
WORK_PATH = {root}
[server]
HTTP_ADDR = {address}
HTTP_PORT = {port}
ROOT_URL = http://{address}:{port}/
OFFLINE_MODE = true
DISABLE_SSH = true
STATIC_ROOT_PATH = {root}
[database]
DB_TYPE = sqlite3
PATH = {root}/gitea.db
[security]
INSTALL_LOCK = true
[webhook]
ALLOWED_HOST_LIST = loopback
[log]
LEVEL = Error
"""


@dataclass
class Gitea:
    """A running server; `user` is its administrator, bob somebody else."""

    url: str
    token: str
    bob: str
    user: str = "ada"
    events: queue.Queue[tuple[dict[str, str], bytes]] = field(default_factory=queue.Queue)

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"token {token or self.token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from None
        return json.loads(text) if text else None

    def remote(self, path: str, user: str = "", token: str = "") -> str:
        return self.url.replace("//", f"//{user or self.user}:{token or self.token}@") + f"/{path}"


def free_port(address: str = "127.0.0.1") -> int:
    """A port of this machine that nobody has now."""
    with socket.socket() as found:
        found.bind((address, 0))
        return int(found.getsockname()[1])


def _as_nobody() -> dict[str, Any]:
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


@pytest.fixture(scope="session")
def host() -> Iterator[Gitea]:
    """The server, which ends with the tests."""
    with serving() as found:
        yield found


@contextlib.contextmanager
def serving(address: str = "127.0.0.1") -> Iterator[Gitea]:
    """A Gitea at an address of this machine; skipped in words where it cannot be built."""
    if why := gitea.missing():
        pytest.skip(why)
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mltk-gitea-")))
        shutil.copytree(gitea.built(), root, dirs_exist_ok=True)
        port = free_port(address)
        settings = root / "app.ini"
        text = _SETTINGS.format(root=root, address=address, port=port)
        settings.write_text(text, encoding="utf-8")
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "65534:65534", str(root)], check=True)
        env = {"PATH": os.environ["PATH"], "HOME": str(root), "GITEA_WORK_DIR": str(root)}
        gitea_ = [str(root / "gitea"), "--config", str(settings)]

        def admin(*words: str) -> str:
            done = subprocess.run(
                [*gitea_, "admin", "user", *words],
                env=env, cwd=root, capture_output=True, text=True, check=False, **_as_nobody(),
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            return str(done.stdout.strip().splitlines()[-1])

        migrated = subprocess.run(
            [*gitea_, "migrate"], env=env, cwd=root, capture_output=True, text=True, check=False,
            **_as_nobody(),
        )  # fmt: skip
        assert migrated.returncode == 0, migrated.stdout + migrated.stderr
        tokens = {}
        for name in ("ada", "bob"):
            admin(
                "create", "--username", name, "--password", "pass-of-tests", "--email",
                f"{name}@example.org", "--must-change-password=false",
                *(("--admin",) if name == "ada" else ()),
            )  # fmt: skip
            tokens[name] = admin(
                "generate-access-token", "-u", name, "--scopes", "all", "--raw"
            ).split()[-1]
        server = stack.enter_context(
            subprocess.Popen([*gitea_, "web"], env=env, cwd=root, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, **_as_nobody())
        )  # fmt: skip
        stack.callback(server.terminate)
        found = Gitea(f"http://{address}:{port}", tokens["ada"], tokens["bob"])
        _await(found, server)
        yield found


def _await(found: Gitea, server: subprocess.Popen[bytes]) -> None:
    """Until it listens: connections are refused until then."""
    waiting = threading.Event()
    for _ in range(600):
        assert server.poll() is None, "gitea ended"
        try:
            found.ask("GET", "/version")
            return
        except (urllib.error.URLError, ConnectionError, AssertionError):
            waiting.wait(0.1)
    raise AssertionError("gitea does not listen")


@pytest.fixture
def repository(host: Gitea) -> Iterator[Gitea]:
    """The repository ada/plane, whose webhook puts events into `events`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            host.events.put((dict(self.headers.items()), body))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    host.events = queue.Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    host.ask("POST", "/user/repos", {"name": "plane", "default_branch": "main"})
    hook = {"url": f"http://127.0.0.1:{server.server_address[1]}/", "secret": SECRET}
    host.ask(
        "POST",
        "/repos/ada/plane/hooks",
        {
            "type": "gitea",
            "active": True,
            "events": ["push", "pull_request", "pull_request_sync"],
            "config": {**hook, "content_type": "json"},
        },
    )
    yield host
    host.ask("DELETE", "/repos/ada/plane")
    server.shutdown()
    thread.join()
    server.server_close()
