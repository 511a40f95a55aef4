"""Who may ask, and how the command that opens the door is called."""

from __future__ import annotations

import http.client
import socket
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from mltk.local.backend import LocalBackend
from mltk.tekton.objects import is_done

from .objects import CONFIGS, config, task_run
from .serving import MLTK, Http, served, serving

TOKEN = "a-token-of-the-tests"


def test_token_opens_the_door(tmp_path: Path) -> None:
    with serving(tmp_path, TOKEN) as http:
        assert http.get(CONFIGS)["items"] == []
        for header in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \xe4"):
            stranger = Http(http.backend, http.port)
            status = stranger.refused(401, "GET", CONFIGS, Authorization=header)
            assert status["reason"] == "Unauthorized"
        assert Http(http.backend, http.port).ask("GET", "/readyz").code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "attacker.example:80"},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_pages_of_other_sites_are_kept_out(http: Http, headers: dict[str, str]) -> None:
    http.refused(403, "GET", CONFIGS, **headers)


def test_pages_of_this_machine_come_in(http: Http) -> None:
    for origin in ("http://localhost:9097", "http://127.0.0.1:9097"):
        assert http.ask("GET", CONFIGS, Origin=origin).code == 200


def test_form_of_a_page_is_no_object(http: Http) -> None:
    body = b'{"metadata": {"name": "a"}}'
    for media in ("text/plain", "application/x-www-form-urlencoded"):
        http.refused(415, "POST", CONFIGS, body, media=media)


def test_failure_of_the_server_shows_nothing_of_it(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("mltk.apiserver.app.read_list", broken)
    assert "secret" not in str(http.refused(500, "GET", CONFIGS))


def test_socket_is_for_its_owner_alone(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path / "api.sock"
    process = subprocess.Popen(
        [MLTK, "serve", "--socket", str(path)], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert f"serving unix://{path}" in process.stderr.readline()
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(str(path))
        connection.request("GET", CONFIGS)
        assert connection.getresponse().status == 200
        connection.close()
        second = _serve(tmp_path_factory.mktemp("other"), "--socket", str(path))
        assert (second.returncode, "cannot listen" in second.stderr) == (5, True)
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert not path.exists()


def test_files_with_the_token_are_for_their_owner_alone(tmp_path: Path) -> None:
    with served(tmp_path, "--kubeconfig", "mine") as found:
        assert found.kubeconfig == tmp_path / "mine"
        content = yaml.safe_load(found.kubeconfig.read_text(encoding="utf-8"))
        token = content["users"][0]["user"]["token"]
        assert content["clusters"][0]["cluster"]["server"].startswith("https://127.0.0.1:")
    folder = tmp_path / ".mltk" / "serve"
    for path in (tmp_path / "mine", folder / "token", folder / "tls.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with served(tmp_path, "--kubeconfig", "mine") as again:
        content = yaml.safe_load(again.kubeconfig.read_text(encoding="utf-8"))
        assert content["users"][0]["user"]["token"] == token


def _serve(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MLTK, "serve", *options], cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--no-tls", "--host", "0.0.0.0"], 2, "let everybody run commands"),
        (["--no-tls", "--token-file", "long"], 2, "--no-tls takes no certificate"),
        (["--tls-cert", "long"], 2, "go together"),
        (["--token-file", "short"], 3, "a token is one word of 16 characters"),
        (["--kubeconfig", "other", "--port", "0"], 3, "of other clusters"),
        (["--host", "203.0.113.1"], 5, "cannot listen there"),
    ],
)
def test_doors_that_are_not_opened(
    tmp_path: Path, options: list[str], code: int, words: str
) -> None:
    (tmp_path / "short").write_text("abc", encoding="ascii")
    (tmp_path / "long").write_text("a" * 32, encoding="ascii")
    (tmp_path / "other").write_text("contexts: [{name: production}]", encoding="ascii")
    done = _serve(tmp_path, *options)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_second_server_of_a_folder_is_told_of_the_first(tmp_path: Path) -> None:
    with served(tmp_path) as first, LocalBackend(tmp_path / ".mltk", serves=True) as backend:
        run = task_run("r", "true")
        backend.create({**run, "metadata": {"name": "r", "namespace": "default"}})
        # The first one has begun to drive runs when it has driven one.
        assert any(is_done(event.obj) for event in backend.watch("tr", name="r", timeout=60))
        kubeconfig = first.kubeconfig.read_bytes()
        second = _serve(tmp_path, "--port", "0")
        assert second.returncode == 5
        assert "this folder is served by process" in second.stderr
        assert first.kubeconfig.read_bytes() == kubeconfig


def test_server_that_is_ended_leaves_its_objects(tmp_path: Path) -> None:
    with serving(tmp_path) as http:
        http.make(CONFIGS, config("a"))
    with serving(tmp_path) as http:
        assert http.get(f"{CONFIGS}/a")["data"] == {"k": "v"}
