"""A server for the tests: in this process, or as people start it, with the clients they use."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mltk.apiserver.server import ApiServer
from mltk.local.backend import LocalBackend
from mltk.sockets import Listening
from mltk.tekton.objects import Obj

MLTK = str(Path(sys.executable).parent / "mltk")
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_LIMIT = 60.0


@dataclass
class Reply:
    """An answer, read whole."""

    code: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def reason(self) -> str:
        return str(self.json["reason"])


@dataclass
class Http:
    """Plain requests to a server of this process."""

    backend: LocalBackend
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        media: str = "application/json",
        **headers: str,
    ) -> Reply:
        """Send a request; names of headers have _ for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_LIMIT)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Content-Type": media} if body is not None else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, content, {**sent, **self.headers})
            response = connection.getresponse()
            found = {key.lower(): value for key, value in response.getheaders()}
            return Reply(response.status, found, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Any:
        """The object that answers a GET."""
        reply = self.ask("GET", path, **headers)
        assert reply.code == 200, reply.text
        return reply.json

    def make(self, path: str, obj: Obj) -> Any:
        """The object that a POST makes."""
        reply = self.ask("POST", path, obj)
        assert reply.code == 201, reply.text
        return reply.json

    def refused(self, code: int, method: str, path: str, body: Any = None, **more: str) -> Any:
        """The Status that answers a request that must be refused."""
        reply = self.ask(method, path, body, **more)
        assert reply.code == code, reply.text
        status = reply.json
        assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", code)
        return status

    @contextmanager
    def watching(self, path: str, **headers: str) -> Iterator[Iterator[Any]]:
        """The events of a watch."""
        with self.reading(path, **headers) as lines:
            yield map(json.loads, lines)

    @contextmanager
    def reading(self, path: str, **headers: str) -> Iterator[Iterator[bytes]]:
        """The lines of an answer, as they come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_LIMIT)
        connection.request("GET", path, headers={**self.headers, **headers})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        try:
            yield iter(response)
        finally:
            # A blocked reader would hold the connection open.
            if connection.sock is not None:
                connection.sock.close()
            response.close()


@contextmanager
def serving(folder: Path, token: str | None = None) -> Iterator[Http]:
    """A server of this process over an empty store."""
    with LocalBackend(folder / ".mltk") as backend:
        server = ApiServer(backend, Listening(), token)
        ready = threading.Event()
        thread = threading.Thread(target=server.run, args=(ready.set,))
        thread.start()
        try:
            assert ready.wait(_LIMIT)
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            yield Http(backend, int(server.url.rpartition(":")[2]), headers)
        finally:
            server.stop()
            thread.join(_LIMIT)
        assert not thread.is_alive()


@dataclass
class Served:
    """`mltk serve` in a process of its own, and the programs that people use on it."""

    folder: Path
    kubeconfig: Path

    def kubectl(
        self, *words: str, code: int | None = 0, stdin: str | None = None, editor: str = ""
    ) -> str:
        """What kubectl says; stdout, and stderr when it must fail."""
        return self._run("kubectl", words, code, stdin, EDITOR=editor)

    def tkn(self, *words: str, code: int | None = 0, stdin: str | None = None) -> str:
        """What tkn says."""
        return self._run("tkn", words, code, stdin)

    def start(self, program: str, *words: str) -> subprocess.Popen[str]:
        """A program that goes on while the test does something."""
        return subprocess.Popen(
            [require(program), *words],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def _environment(self) -> dict[str, str]:
        home = {"HOME": str(self.folder), "NO_COLOR": "1"}
        return {**os.environ, **home, "KUBECONFIG": str(self.kubeconfig)}

    def _run(
        self,
        program: str,
        words: tuple[str, ...],
        code: int | None,
        text: str | None,
        **variables: str,
    ) -> str:
        done = subprocess.run(
            [require(program), *words],
            env={**self._environment, **variables},
            input=text,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
        )
        said = f"{program} {' '.join(words)} ended {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert code is None or done.returncode == code, said
        return done.stdout if code == 0 else done.stdout + done.stderr


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    """`mltk serve` until the end of the context, when it must end well."""
    process = subprocess.Popen(
        [MLTK, "serve", "--port", "0", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        name, _, kubeconfig = line.partition("=")
        assert name == "export KUBECONFIG", process.communicate(timeout=_LIMIT)
        yield Served(folder, Path(kubeconfig))
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=_LIMIT)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors, errors


def require(program: str) -> str:
    """The path of a program; the test says in words when it is missing."""
    cache = os.environ.get("MLTK_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mltk"
    )
    found = shutil.which(program) or shutil.which(program, path=f"{cache}/cluster/tools")
    if found is None:
        pytest.skip(f"{program.upper()} IS NOT CHECKED: it is not here; `make cluster` builds it")
    return found
