"""Interceptors that are servers."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mltk.apiserver.certificates import ensure_certificate
from mltk.listener.calls import call
from mltk.tekton.objects import Obj
from mltk.tekton.triggers.interceptors.remote import Call

from .conftest import HOOK, MLTK, apply, listener, listening, push

Answer = Callable[[bytes], tuple[int, bytes]]


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that answers each POST; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            status, body = answer(self.rfile.read(length))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def interceptor(url: str) -> Obj:
    return {
        "apiVersion": "triggers.tekton.dev/v1alpha1",
        "kind": "ClusterInterceptor",
        "metadata": {"name": "ours"},
        "spec": {"clientConfig": {"url": url}},
    }


def test_an_interceptor_of_ones_own_decides(tmp_path: Path) -> None:
    asked: list[Obj] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        asked.append(json.loads(body))
        goes_on = json.loads(asked[-1]["body"])["after"].startswith("b")
        return 200, json.dumps({"continue": goes_on, "extensions": {"seen": True}}).encode()

    (tmp_path / ".mltk").mkdir()
    with serving(answer) as port:
        apply(
            tmp_path,
            interceptor(f"http://127.0.0.1:{port}/"),
            listener({"ref": {"name": "ours"}, "params": [{"name": "p", "value": [1]}]}),
        )
        with listening(tmp_path, "--no-run") as ear:
            told = [ear.send(push(letter * 40)).event_id for letter in "ab"]
            ear.settled()
            assert not ear.runs(told[0])
            assert len(ear.runs(told[1])) == 1
    assert asked[0]["interceptor_params"] == {"p": [1]}
    assert asked[0]["context"]["event_id"] == told[0]


def test_one_that_is_not_there_stops_events_and_is_named(tmp_path: Path) -> None:
    (tmp_path / ".mltk").mkdir()
    url = "http://127.0.0.1:1/"
    apply(tmp_path, interceptor(url), listener({"ref": {"name": "ours"}}))
    with listening(tmp_path, "--no-run") as ear:
        ear.send(push())
        ear.settled()
        assert not ear.runs()
    assert f'Post "{url}": [Errno 111] Connection refused' in ear.log.read_text()


def test_a_server_is_known_by_the_certificate_of_its_bundle(tmp_path: Path) -> None:
    certificate, key = ensure_certificate(tmp_path, ("localhost", "127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    bundle = base64.b64encode(certificate.read_bytes()).decode()
    with serving(lambda body: (200, body), context) as port:
        url = f"https://127.0.0.1:{port}/"
        assert call(Call(url, {"X-A": ["1", "2"]}, b"said", bundle)).body == b"said"
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            call(Call(url, {}, b"said"))
        with pytest.raises(OSError, match="the caBundle is no certificate"):
            call(Call(url, {}, b"said", "bm9uc2Vuc2U="))


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://127.0.0.1:x/", "/path", "http://[::1/"]
)
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(OSError, match=r".+"):
        call(Call(url, {}, b""))


def test_an_event_does_not_choose_where_the_token_goes(tmp_path: Path) -> None:
    """The header is in no signature; the host that it names is not even called."""
    files = {"enabled": True, "personalAccessToken": {"secretName": "hook", "secretKey": "token"}}
    asking = {"ref": {"name": "github"}, "params": [{"name": "addChangedFiles", "value": files}]}
    body = json.dumps({"number": 7, "repository": {"full_name": "team/wine"}, "after": "a" * 40})
    (tmp_path / ".mltk").mkdir()
    apply(tmp_path, listener(asking), HOOK)
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        theirs.setblocking(False)
        host = f"127.0.0.1:{theirs.getsockname()[1]}"
        header = {"X-GitHub-Event": "pull_request", "X-GitHub-Enterprise-Host": host}
        with listening(tmp_path, "--no-run", "--github-host", "git.example.org") as ear:
            ear.send(body.encode(), header)
            ear.settled()
            assert f"the GitHub server '{host}', and only git.example.org may be asked" in (
                ear.wait(ear.log.read_text)
            )
            assert ear.runs() == []
        with pytest.raises(BlockingIOError):
            theirs.accept()


def test_what_is_no_host_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".mltk").mkdir()
    words = [MLTK, "listen", "--github-host", "https://git.example.org/"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'https://git.example.org/' is no host" in done.stderr
