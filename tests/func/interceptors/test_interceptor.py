"""`mltk interceptor`, asked over HTTP as Tekton's sink does, with Secrets in files."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from mlflow.webhooks.delivery import _generate_hmac_signature

from mltk.interceptors.outside import MountedSecrets, PublicKeys
from mltk.listener.calls import call
from mltk.tekton.triggers.interceptors.protocol import Request, Response
from mltk.tekton.triggers.interceptors.remote import Call, answered, asked

MLTK = str(Path(sys.executable).parent / "mltk")
BODY = '{"entity": "model_version"}'


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The address of the server, with the Secret `hook`."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "token").write_text("s3cret")
    words = [MLTK, "interceptor", "--port", "0", "--secrets", str(tmp_path)]
    words += ["--handshake", "hook/token"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        yield process.stderr.readline().split()[2].rstrip(";")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_gateway_sends_handshakes_here(url: str) -> None:
    port = urlsplit(url).port
    assert port
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    for path, status in (("/arrivals?token=s3cret", 200), ("/arrivals?token=wrong", 403)):
        connection.request("OPTIONS", path, headers={"WebHook-Request-Origin": "a.example.org"})
        with connection.getresponse() as found:
            assert found.status == status
            origin = found.getheader("WebHook-Allowed-Origin")
            assert origin == ("a.example.org" if status == 200 else None)
            found.read()
    kind = "Microsoft.EventGrid.SubscriptionValidationEvent"
    event = json.dumps([{"eventType": kind, "data": {"validationCode": "c0de"}}])
    header = {"Aeg-Event-Type": "SubscriptionValidation", "Authorization": "Bearer s3cret"}
    connection.request("POST", "/arrivals", event, header)
    with connection.getresponse() as found:
        assert (found.status, json.loads(found.read())) == (200, {"validationResponse": "c0de"})
    connection.request("OPTIONS", "/arrivals")
    with connection.getresponse() as found:
        assert found.status == 405
        found.read()
    connection.close()


def _ask(url: str, header: dict[str, str], secret: str = "hook") -> Response:
    ref = {"secretRef": {"secretName": secret, "secretKey": "token"}}
    lines = {name: [value] for name, value in header.items()}
    request = Request(BODY, lines, params=ref, trigger_id="namespaces/ml/triggers/t")
    return answered(call(asked({}, f"{url}/mlflow", request)))


def test_a_trigger_asks(url: str) -> None:
    moment = str(int(time.time()))
    header = {
        "X-Mlflow-Delivery-Id": "d",
        "X-Mlflow-Timestamp": moment,
        "X-Mlflow-Signature": _generate_hmac_signature("s3cret", "d", moment, BODY),
    }
    good = _ask(url, header)
    assert good.goes_on
    assert set(good.extensions or {}) == {"event"}
    assert (
        _ask(url, {**header, "X-Mlflow-Delivery-Id": "e"}).message == "the signature is not right"
    )
    assert not _ask(url, header, "../hook").goes_on
    for body, name, status in ((b"{", "mlflow", 400), (b"{}", "else", 404)):
        assert call(Call(f"{url}/{name}", {}, body)).status == status


def test_secrets_as_they_are_mounted(tmp_path: Path) -> None:
    data = tmp_path / "mounted" / "hook" / "..data"
    data.mkdir(parents=True)
    (data / "token").write_text("s3cret")
    (data.parent / "token").symlink_to("..data/token")
    read = MountedSecrets(tmp_path / "mounted")
    assert read("any", "hook") == {"token": b"s3cret"}
    assert read("any", "none") is None
    for name in ("..", "../mounted/hook", "/etc", "."):
        assert read("any", name) is None


def test_keys_are_asked_for_when_they_are_new_and_not_for_each_event(tmp_path: Path) -> None:
    file = tmp_path / "certs"
    now = [0.0]
    keys = PublicKeys(file.as_uri(), lambda: now[0])

    def publish(*kids: str) -> None:
        file.write_text(json.dumps({"keys": [{"kid": kid} for kid in kids]}))

    publish("a")
    assert set(keys("a")) == {"a"}
    publish("a", "b")
    assert set(keys("b")) == {"a"}
    now[0] = 61
    assert set(keys("a")) == {"a"}
    assert set(keys("b")) == {"a", "b"}
    found: Any = file.write_text("{}")
    now[0] = 4000
    with pytest.raises(ConnectionError, match="holds no keys"):
        found = keys("a")
    assert found
