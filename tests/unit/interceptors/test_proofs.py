"""Who is let in: each sender by his own proof, and nobody by another's."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from mlflow.webhooks.delivery import _generate_hmac_signature

from mltk.data.arrivals.forms import TOO_LONG
from mltk.interceptors.answering import NAMES, Interceptors, named
from mltk.tekton.triggers.interceptors.protocol import Request, Response

NOW = 1_795_867_200.0
SECRET = b"s3cret\n"
BODY = '{"entity": "model_version", "action": "created", "data": {"name": "wine"}}'
REF = {"secretRef": {"secretName": "hook", "secretKey": "token"}}
GOOGLE = {"audience": "https://here.example", "email": "push@p.iam.gserviceaccount.com"}
PRIVATE = generate_private_key(65537, 2048)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwk(key: RSAPrivateKey) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    return {
        "kid": "k1",
        "kty": "RSA",
        "e": b64(numbers.e.to_bytes(3)),
        "n": b64(numbers.n.to_bytes(256)),
    }


def jwt(claims: dict[str, Any], key: RSAPrivateKey = PRIVATE, **header: Any) -> str:
    said = {"alg": "RS256", "kid": "k1", "typ": "JWT", **header}
    content = f"{b64(json.dumps(said).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{content}.{b64(key.sign(content.encode(), PKCS1v15(), SHA256()))}"


CLAIMS: dict[str, Any] = {
    "iss": "https://accounts.google.com",
    "aud": GOOGLE["audience"],
    "email": GOOGLE["email"],
    "email_verified": True,
    "iat": NOW - 10,
    "exp": NOW + 3590,
}


def ask(
    name: str, header: dict[str, str], params: Any, url: str = "/", body: str = BODY
) -> Response:
    secrets = {"hook": {"token": SECRET, "empty": b"\n"}}
    ours = Interceptors(
        lambda namespace, name: secrets.get(name), lambda kid: {"k1": jwk(PRIVATE)}, lambda: NOW
    )
    lines = {key: [value] for key, value in header.items()}
    request = Request(
        body, lines, params=params, event_url=url, trigger_id="namespaces/ml/triggers/t"
    )
    return ours.process(name, request)


def mlflow(delivery: str = "d-1", moment: str = f"{NOW:.0f}", body: str = BODY) -> dict[str, str]:
    """Headers as MLflow's own code makes them."""
    signature = _generate_hmac_signature("s3cret", delivery, moment, body)
    return {
        "X-Mlflow-Delivery-Id": delivery,
        "X-Mlflow-Timestamp": moment,
        "X-Mlflow-Signature": signature,
    }


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ({"Authorization": "Bearer s3cret"}, "/"),
        ({"Authorization": "s3cret"}, "/"),
        ({}, "/default/mltk-arrivals?token=s3cret"),
        ({"Authorization": "Bearer other"}, "/?a=b&token=s3cret"),
    ],
)
def test_who_knows_the_token_comes_in(header: dict[str, str], url: str) -> None:
    found = ask("token", header, REF, url)
    assert found.goes_on
    assert found.extensions == {"event": base64.b64encode(BODY.encode()).decode()}


def test_an_event_too_long_for_a_command_is_a_reason_to_look_everywhere() -> None:
    """Linux runs no command with an argument beyond 128 KiB; the run could not begin."""
    header = {"Authorization": "Bearer s3cret"}
    found = ask("token", header, REF, body="x" * 90_000)
    assert len((found.extensions or {})["event"]) == 120_000
    assert ask("token", header, REF, body="x" * 90_001).extensions == {"event": TOO_LONG}


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ({}, "/"),
        ({"Authorization": "Bearer "}, "/?token="),
        ({"Authorization": "Bearer s3cre"}, "/?tok=s3cret"),
        ({"X-Token": "s3cret"}, "/#token=s3cret"),
        ({}, "//[?token=s3cret"),
        ({"Authorization": "\udcff"}, "/"),
    ],
)
def test_who_does_not_know_it_stays_out(header: dict[str, str], url: str) -> None:
    found = ask("token", header, REF, url)
    assert not found.goes_on
    assert "s3cret" not in found.message


def test_another_header_may_hold_the_token() -> None:
    params = {**REF, "header": "Aeg-Key", "query": "code"}
    assert ask("token", {"Aeg-Key": "s3cret"}, params).goes_on
    assert ask("token", {}, params, "/?code=s3cret").goes_on
    assert not ask("token", {"Authorization": "s3cret"}, params).goes_on


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "secretRef is needed"),
        ({"secretRef": {"secretName": 1, "secretKey": "token"}}, "secretRef is needed"),
        ({"secretRef": {"secretName": "none", "secretKey": "token"}}, 'secrets "none" not found'),
        ({"secretRef": {"secretName": "hook", "secretKey": "none"}}, "cannot find none key"),
        ({"secretRef": {"secretName": "hook", "secretKey": "empty"}}, "the secret is empty"),
        ({**REF, "header": ["a"]}, "param header is no text"),
    ],
)
def test_a_trigger_that_is_not_set_up_lets_nobody_in(params: Any, said: str) -> None:
    found = ask("token", {"Authorization": "Bearer "}, params)
    assert not found.goes_on
    assert said in found.message


def test_the_signature_of_mlflow() -> None:
    assert ask("mlflow", mlflow(), REF).goes_on


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({}, "are not there"),
        (mlflow(body=BODY + " "), "not right"),
        ({**mlflow(), "X-Mlflow-Delivery-Id": "d-2"}, "not right"),
        ({**mlflow(), "X-Mlflow-Signature": "v1,"}, "not right"),
        (mlflow(moment=f"{NOW - 301:.0f}"), "too old"),
        (mlflow(moment=f"{NOW + 301:.0f}"), "wrong clock"),
        (mlflow(moment="9" * 5000), "wrong clock"),
        (mlflow(moment="now"), "wrong clock"),
    ],
)
def test_a_signature_that_is_none(header: dict[str, str], said: str) -> None:
    found = ask("mlflow", header, REF)
    assert not found.goes_on
    assert said in found.message


def test_an_identity_token_of_google() -> None:
    assert ask("google", {"Authorization": f"Bearer {jwt(CLAIMS)}"}, GOOGLE).goes_on


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "no bearer token"),
        ("a.b", "no JSON Web Token"),
        ("a.b.c", "no JSON Web Token"),
        (jwt(CLAIMS, generate_private_key(65537, 2048)), "signature of the token is not right"),
        (jwt(CLAIMS, kid="k2"), "none of Google's"),
        (jwt(CLAIMS, alg="none"), "not signed by RS256"),
        (jwt(CLAIMS, alg="HS256"), "not signed by RS256"),
        (jwt({**CLAIMS, "iss": "https://evil.example"}), "not Google's"),
        (jwt({**CLAIMS, "aud": "https://there.example"}), "another audience"),
        (jwt({**CLAIMS, "aud": [GOOGLE["audience"]]}), "another audience"),
        (jwt({**CLAIMS, "email": "eve@p.iam.gserviceaccount.com"}), "another account"),
        (jwt({**CLAIMS, "email_verified": "true"}), "another account"),
        (jwt({**CLAIMS, "exp": NOW - 61}), "another time"),
        (jwt({**CLAIMS, "iat": NOW + 61}), "another time"),
        (jwt({**CLAIMS, "exp": float("nan")}), "another time"),
        (jwt({key: CLAIMS[key] for key in CLAIMS if key != "exp"}), "when it holds"),
    ],
    ids=itertools.count(),
)
def test_a_token_that_is_not_for_us(token: str, said: str) -> None:
    found = ask("google", {"Authorization": f"Bearer {token}"}, GOOGLE)
    assert not found.goes_on
    assert said in found.message


def test_without_an_account_every_token_of_google_would_do() -> None:
    header = {"Authorization": f"Bearer {jwt(CLAIMS)}"}
    assert not ask("google", header, {"audience": GOOGLE["audience"]}).goes_on


def test_keys_that_cannot_be_had() -> None:
    def none(kid: str) -> Any:
        raise ConnectionError("no route")

    header = {"Authorization": [f"Bearer {jwt(CLAIMS)}"]}
    found = Interceptors(lambda *_: None, none, lambda: NOW).process(
        "google", Request(BODY, header, params=GOOGLE)
    )
    assert (found.goes_on, found.message) == (False, "Google's keys cannot be had: no route")


TEXT = st.text() | st.sampled_from(["Authorization", "X-Mlflow-Timestamp", "secretRef", "a.b.c"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "body": JSON,
        "header": JSON | st.dictionaries(TEXT, st.lists(TEXT)),
        "extensions": JSON,
        "interceptor_params": JSON,
        "context": JSON,
    },
)


@given(st.sampled_from(NAMES), ASKED | JSON)
def test_whatever_is_asked_has_an_answer_and_lets_nobody_in(name: str, asked: Any) -> None:
    ours = Interceptors(lambda *_: {"token": SECRET}, lambda kid: {"k1": jwk(PRIVATE)})
    reply = ours.answer(name, json.dumps(asked).encode())
    assert reply.status in (200, 400)
    assert reply.status == 400 or json.loads(reply.body)["continue"] is False


def test_nobody_has_google_asked_by_a_token_that_is_for_another() -> None:
    def asked(kid: str) -> Any:
        raise AssertionError(kid)

    ours = Interceptors(lambda *_: None, asked, lambda: NOW)
    for claims in ({**CLAIMS, "aud": "other"}, {**CLAIMS, "exp": NOW - 61}, {}):
        header = {"Authorization": [f"Bearer {jwt(claims)}"]}
        assert not ours.process("google", Request(BODY, header, params=GOOGLE)).goes_on


def test_which_address_is_ours() -> None:
    assert named("http://mltk-interceptor.ml.svc:80/mlflow") == "mlflow"
    assert named("http://mltk-interceptor.ml.svc/else") == "else"
    assert named("http://other.ml.svc/mlflow") is None
    ours = Interceptors(lambda *_: None, lambda kid: {})
    assert ours.answer("else", b"{}").status == 404
