"""The resolver ``http``, on a real server of this machine."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from mltk.local.resolvers.bounds import Deadline, TimedOut
from mltk.local.resolvers.http import Http
from mltk.tekton.remote import Unresolved

from .conftest import DATA, Bench, Handler

HTTP = Http()


def test_a_document_is_found_with_its_digest(bench: Bench, base: str) -> None:
    found = bench.find(HTTP, url=f"{base}/task.yaml")
    digest = hashlib.sha256(DATA).hexdigest()
    assert found.data == DATA
    assert found.source == {"uri": f"{base}/task.yaml", "digest": {"sha256": digest}}


def test_redirects_are_followed_but_not_to_files_and_not_for_ever(bench: Bench, base: str) -> None:
    assert bench.find(HTTP, url=f"{base}/moved").data == DATA
    with pytest.raises(Unresolved, match="not a valid http"):
        bench.find(HTTP, url=f"{base}/ftp")
    for path in ("file", "loop"):
        with pytest.raises(Unresolved, match="is not found"):
            bench.find(HTTP, url=f"{base}/{path}")


def test_name_and_password_come_from_a_secret_and_stay_with_their_host(
    bench: Bench, base: str
) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "door", "namespace": "default"},
        "data": {
            "password": base64.b64encode(b"pass").decode(),
            "token": base64.b64encode(b"token").decode(),
        },
    }
    bench.store.create(secret)
    params = {"http-username": "me", "http-password-secret": "door"}
    bench.find(HTTP, url=f"{base}/moved", **params)
    bench.find(HTTP, url=f"{base}/task.yaml", **params, **{"http-password-secret-key": "token"})
    bench.find(HTTP, url=f"{base}/elsewhere", **params)
    with_pass, with_token = (
        "Basic " + base64.b64encode(pair).decode() for pair in (b"me:pass", b"me:token")
    )
    assert Handler.seen == [with_pass, with_pass, with_token, with_pass, None]
    gone = {**params, "http-password-secret": "gone"}
    with pytest.raises(Unresolved, match="secret gone not found in namespace default"):
        bench.find(HTTP, url=f"{base}/task.yaml", **gone)
    with pytest.raises(Unresolved, match="key x not found in secret door in namespace default"):
        bench.find(HTTP, url=base, **params, **{"http-password-secret-key": "x"})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "missing required http resolver params: url"),
        ({"url": ""}, 'cannot parse url : parse "": empty url'),
        ({"url": "x"}, 'cannot parse url x: parse "x": invalid URI for request'),
        ({"url": "file:///etc/passwd"}, "is not a valid http"),
        ({"url": "ftp://host/x"}, "is not a valid http"),
        ({"url": "http://[x"}, "is not a valid http"),
        ({"url": "http://h", "http-username": "u"}, "missing required param http-password-secret"),
        ({"url": "http://h", "http-password-secret": "s"}, "required param http-username when"),
        (
            {"url": "http://h", "http-username": "", "http-password-secret": "s"},
            "value http-username cannot be empty",
        ),
        (
            {"url": "http://h", "http-username": "u", "http-password-secret": ""},
            "value http-password-secret cannot be empty",
        ),
        ({"url": "http://127.0.0.1:1/x"}, 'error fetching URL: Get "http://127.0.0.1:1/x": '),
    ],
)
def test_params_are_checked(bench: Bench, params: dict[str, Any], message: str) -> None:
    with pytest.raises(Unresolved, match=message):
        bench.find(HTTP, **params)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/gone", "requested URL '.*' is not found"),
        ("/empty", "requested URL '.*' is not found"),
        ("/big", "response body exceeds maximum allowed size of 1048576 bytes"),
    ],
)
def test_answers_are_checked(bench: Bench, base: str, path: str, message: str) -> None:
    with pytest.raises(Unresolved, match=message):
        bench.find(HTTP, url=base + path)


def test_a_document_of_a_mebibyte_is_taken(bench: Bench, base: str) -> None:
    assert len(bench.find(HTTP, url=f"{base}/just").data) == 1 << 20


def test_a_server_that_takes_its_time_is_left(bench: Bench, base: str) -> None:
    errand = bench.errand(HTTP, url=f"{base}/slow").timed(Deadline(0.3))
    with pytest.raises(TimedOut):
        HTTP.resolve(errand)


@pytest.mark.parametrize(
    ("digest", "message"),
    [
        (f"sha256:{hashlib.sha256(DATA).hexdigest()}", ""),
        (f"sha512:{hashlib.sha512(DATA).hexdigest()}", ""),
        ("sha256", "invalid digest format: sha256"),
        ("sha1:ab", "invalid digest algorithm: sha1"),
        ("sha256:ab", "invalid sha256 digest value, expected length: 64, got: 2"),
        (f"sha256:{'a' * 64}", "SHA mismatch, expected a+, got [0-9a-f]{64}"),
        (f"sha256:{'x' * 64}", "error decoding expected SHA string"),
    ],
)
def test_the_digest_that_was_asked_for_counts(
    bench: Bench, base: str, digest: str, message: str
) -> None:
    params = {"url": f"{base}/task.yaml", "digest": digest}
    if not message:
        assert bench.find(HTTP, **params).data == DATA
        return
    with pytest.raises(Unresolved, match=f"error validating digest: {message}"):
        bench.find(HTTP, **params)
