"""Kubeconfigs as they are found, and servers that are silent, busy or not to be trusted."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.cluster.access import open_access
from mltk.cluster.backend import ClusterBackend
from mltk.cluster.call import Call
from mltk.cluster.errors import Unreachable
from mltk.cluster.server import Server
from mltk.errors import ConfigError, InfrastructureError
from mltk.tekton.kinds import find_kind

LIST = Call("list", find_kind("cm"), "default")
EMPTY = {"kind": "ConfigMapList", "metadata": {"resourceVersion": "1"}, "items": []}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(
        server: str = "http://127.0.0.1:1",
        *,
        user: dict[str, Any] | None = None,
        cluster: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Path:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "u", "user": user or {}}],
            "contexts": [
                {"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": "ours"}},
                {"name": "bare", "context": {"cluster": "c", "user": "u"}},
            ],
            "current-context": "lab",
            **changes,
        }
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    return write


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's `answers` say, one after the other; the last one again and again."""

    server: Answering

    def do_GET(self) -> None:
        answers = self.server.answers
        code, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.server.requests.append(self)
        text = json.dumps(body).encode()
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *words: Any) -> None:
        pass


class Answering(ThreadingHTTPServer):
    answers: list[tuple[int, dict[str, str], Any]]
    requests: list[Handler]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def answering(*answers: tuple[int, dict[str, str], Any]) -> Iterator[Answering]:
    with Answering(("127.0.0.1", 0), Handler) as server:
        server.answers, server.requests = list(answers), []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_namespace_is_the_one_given_else_of_the_context_else_default(
    write: Callable[..., Path],
) -> None:
    path = write()
    assert ClusterBackend("lab", "mine", path).namespace == "mine"
    assert ClusterBackend(None, None, path).namespace == "ours"
    assert ClusterBackend("bare", None, path).namespace == "default"
    assert ClusterBackend(None, None, path).context == "lab"


def test_no_kubeconfig_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no kubeconfig") as failure:
        open_access(environ={"KUBECONFIG": str(tmp_path / "none")})
    assert "kubectl config get-contexts" in str(failure.value.hint)
    assert failure.value.where == str(tmp_path / "none")


def test_unknown_context_names_the_nearest(write: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match=r"no context 'lap'; did you mean 'lab'\?"):
        open_access("lap", kubeconfig=write())


def test_no_current_context_says_how_to_choose(write: Callable[..., Path]) -> None:
    path = write(**{"current-context": ""})
    with pytest.raises(ConfigError, match="--on cluster:lab"):
        open_access(kubeconfig=path)
    assert open_access("bare", kubeconfig=path).context == "bare"


@pytest.mark.parametrize(
    "text",
    ["", "{", "- a\n- list", "contexts: [{}]\n", "contexts: [{name: lab}]\ncurrent-context: lab"],
)
def test_broken_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as failure:
        open_access(kubeconfig=path)
    assert failure.value.where == str(path)


def test_missing_certificate_file_is_a_mistake_of_the_kubeconfig(
    write: Callable[..., Path],
) -> None:
    path = write("https://127.0.0.1:1", cluster={"certificate-authority": "gone.crt"})
    with pytest.raises(ConfigError, match=r"gone\.crt"):
        open_access(kubeconfig=path)


def test_several_kubeconfigs_are_merged(write: Callable[..., Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    context = {"name": "far", "context": {"cluster": "c", "user": "u", "namespace": "away"}}
    other.write_text(yaml.safe_dump({"contexts": [context]}), encoding="utf-8")
    environ = {"KUBECONFIG": f"{tmp_path / 'none'}{os.pathsep}{write()}{os.pathsep}{other}"}
    assert open_access("far", environ=environ).namespace == "away"


def test_token_comes_from_the_login_command(write: Callable[..., Path]) -> None:
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "from-plugin"},
    }
    code = f"print({json.dumps(json.dumps(credential))})"
    command = {"apiVersion": credential["apiVersion"], "command": sys.executable}
    path = write(user={"exec": {**command, "args": ["-c", code]}})
    assert open_access(kubeconfig=path).authorization() == {"authorization": "Bearer from-plugin"}
    path = write(user={"exec": {**command, "args": ["-c", "import sys; sys.exit('logged out')"]}})
    with pytest.raises(ConfigError, match=r"login command failed: .*logged out") as failure:
        open_access(kubeconfig=path)
    assert "Log in" in str(failure.value.hint)


def test_pod_without_a_kubeconfig_uses_its_service_account(tmp_path: Path) -> None:
    for name, text in (("token", "t0ken"), ("namespace", "lab"), ("ca.crt", authority(tmp_path))):
        (tmp_path / name).write_text(text, encoding="utf-8")
    environ = {
        "KUBECONFIG": str(tmp_path / "none"),
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
    }
    access = open_access(environ=environ, service_account=tmp_path)
    assert (access.url, access.namespace) == ("https://10.0.0.1:443", "lab")
    assert access.authorization() == {"authorization": "bearer t0ken"}


def test_refused_connection_names_the_server(write: Callable[..., Path]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with (
            ClusterBackend(kubeconfig=write(url)) as backend,
            pytest.raises(Unreachable, match="does not answer: connection refused") as failure,
        ):
            backend.list("cm", "default")
    assert failure.value.where == url
    assert failure.value.exit_code == 5


def test_unknown_host_is_told(write: Callable[..., Path]) -> None:
    path = write("https://nowhere.invalid:6443")
    with (
        ClusterBackend(kubeconfig=path) as backend,
        pytest.raises(Unreachable, match="its name is not known"),
    ):
        backend.list("cm", "default")


def test_server_with_a_foreign_certificate_is_not_trusted(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
        authority(tmp_path / name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "theirs" / "crt", tmp_path / "theirs" / "key")
    with answering((200, {}, EMPTY)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        ours = base64.b64encode((tmp_path / "ours" / "crt").read_bytes()).decode()
        url = server.url.replace("http:", "https:")
        path = write(url, cluster={"certificate-authority-data": ours})
        with (
            ClusterBackend(kubeconfig=path) as backend,
            pytest.raises(InfrastructureError, match="certificate is not trusted") as failure,
        ):
            backend.list("cm", "default")
    assert failure.value.where == url
    assert not isinstance(failure.value, Unreachable)


def test_busy_server_is_asked_again_when_it_says_so(write: Callable[..., Path]) -> None:
    busy = (429, {"Retry-After": "3"}, {"kind": "Status", "message": "slow down"})
    pauses: list[float] = []
    with answering(busy, busy, (200, {}, EMPTY)) as real:
        server = Server(open_access(kubeconfig=write(real.url)), sleep=pauses.append)
        assert server.send(LIST) == EMPTY
        server.close()
    assert pauses == [3, 3]


def test_server_that_stays_busy_is_given_up(write: Callable[..., Path]) -> None:
    busy = (503, {}, {"kind": "Status", "message": "shutting down"})
    pauses: list[float] = []
    with answering(busy) as real:
        server = Server(open_access(kubeconfig=write(real.url)), sleep=pauses.append)
        with pytest.raises(Unreachable, match="cannot answer now \\(503\\): shutting down"):
            server.send(LIST)
        server.close()
    assert pauses == [0.5, 1, 2, 4]


def test_only_what_is_needed_of_the_package_is_imported(write: Callable[..., Path]) -> None:
    code = (
        "import sys; from pathlib import Path; from mltk.cluster import ClusterBackend\n"
        "ClusterBackend(kubeconfig=Path(sys.argv[1]))\n"
        "assert not [name for name in sys.modules if name.startswith('kubernetes')]\n"
        "import kubernetes\n"
        "assert kubernetes.client.V1Pod and kubernetes.client.ApiClient.call_api\n"
        "assert ClusterBackend(kubeconfig=Path(sys.argv[1])).context == 'lab'\n"
    )
    subprocess.run([sys.executable, "-c", code, write()], check=True)


def authority(folder: Path) -> str:
    """A certificate that signs itself, with its key, in a folder."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "key", "-out", folder / "crt"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return (folder / "crt").read_text(encoding="utf-8")


def test_what_a_server_warns_of_is_heard(write: Callable[..., Path]) -> None:
    made = {"kind": "ConfigMap", "metadata": {"name": "a", "namespace": "ours"}}
    said = {"Warning": r'299 - "unknown field \"spec.x\""'}
    heard: list[str] = []
    with answering((201, said, made)) as real, ClusterBackend(None, None, write(real.url)) as held:
        held.create({"apiVersion": "v1", **made}, heard.append)
    assert heard == ['unknown field "spec.x"']
