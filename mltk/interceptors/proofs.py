"""Whether a sender is the one he says: tokens, MLflow's signature, Google's identity tokens. Pure.

Each raises Refusal for one who is not. What proves somebody is compared in constant time, and is
neither in a message nor in what goes on.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mltk.tekton.triggers.interceptors.protocol import (
    Code,
    Refusal,
    Request,
    Secrets,
    first_value,
    secret_value,
)

Keys = Mapping[str, Mapping[str, Any]]
"""Public keys (JSON Web Keys) by their `kid`."""

_WINDOW_SECONDS = 300
_LEEWAY_SECONDS = 60
_MOST_DIGITS = 16
_LONGEST_TOKEN = 16_384
_ISSUERS = ("https://accounts.google.com", "accounts.google.com")


def check_token(request: Request, secrets: Secrets) -> None:
    """A secret in a header (param `header`, default Authorization) or in the URL (`query`, token).

    For senders that only have a fixed header or address: Azure Event Grid, S3 servers. The param
    `needs` names a header (`NAME`, or `NAME=VALUE`) that tells them from others who know the same
    secret. The secret may say `Bearer` before the token, and who sends it may, too.
    """
    secret = _secret(request, secrets).removeprefix(b"Bearer ").strip()
    header = _param(request, "header", "Authorization")
    query = _param(request, "query", "token")
    needed, _, value = (needs := _param(request, "needs", "")).partition("=")
    there = first_value(request.header, needed) if needed else ""
    if needed and (not there or (value and there != value)):
        raise Refusal(Code.FAILED_PRECONDITION, f"there is no header {needs}")
    given = [first_value(request.header, header).removeprefix("Bearer ").strip()]
    with contextlib.suppress(ValueError):  # what is no URL holds no secret
        given += parse_qs(urlsplit(request.event_url).query).get(query, [])
    if not any(hmac.compare_digest(_bytes(each), secret) for each in given if each):
        raise Refusal(
            Code.FAILED_PRECONDITION, f"neither {header} nor ?{query}= of the URL is the secret"
        )


def check_mlflow(request: Request, secrets: Secrets, now: float) -> None:
    """MLflow's HMAC over delivery, time and body; a delivery older than five minutes is refused.

    https://mlflow.org/docs/latest/ml/webhooks/#webhook-security
    """
    secret = _secret(request, secrets)
    delivery = first_value(request.header, "X-Mlflow-Delivery-Id")
    moment = first_value(request.header, "X-Mlflow-Timestamp")
    proofs = first_value(request.header, "X-Mlflow-Signature")
    if not (delivery and moment and proofs):
        raise Refusal(Code.INVALID_ARGUMENT, "the headers X-MLflow-* are not there")
    signed = _bytes(f"{delivery}.{moment}.{request.body}")
    right = b"v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
    if not any(hmac.compare_digest(_bytes(each), right) for each in proofs.split(" ")):
        raise Refusal(Code.FAILED_PRECONDITION, "the signature is not right")
    is_time = moment.isascii() and moment.isdecimal() and len(moment) < _MOST_DIGITS
    if not is_time or abs(now - int(moment)) > _WINDOW_SECONDS:
        raise Refusal(Code.FAILED_PRECONDITION, "the delivery is too old, or of a wrong clock")


def check_google(request: Request, keys: Callable[[str], Keys], now: float) -> None:
    """An identity token of Google's for `audience`, of the service account `email`.

    `keys` is asked for the one of a `kid`, last: nobody has us ask Google by a token that is not
    meant for us. https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
    """
    audience, email = _param(request, "audience", ""), _param(request, "email", "")
    if not audience or not email:
        raise Refusal(Code.INVALID_ARGUMENT, "the params audience and email are needed")
    token = _bearer(request)
    header, body, _ = _parts(token)
    said, claims = _json(header), _json(body)
    # Never the algorithm that the token would like.
    if said.get("alg") != "RS256":
        raise Refusal(Code.FAILED_PRECONDITION, "the token is not signed by RS256")
    if claims.get("iss") not in _ISSUERS:
        raise Refusal(Code.FAILED_PRECONDITION, "the token is not Google's")
    if claims.get("aud") != audience:
        raise Refusal(Code.FAILED_PRECONDITION, "the token is for another audience")
    if claims.get("email") != email or claims.get("email_verified") is not True:
        raise Refusal(Code.FAILED_PRECONDITION, "the token is of another account")
    begins, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(begins, int | float) or not isinstance(ends, int | float):
        raise Refusal(Code.FAILED_PRECONDITION, "the token does not say when it holds")
    if not begins - _LEEWAY_SECONDS <= now <= ends + _LEEWAY_SECONDS:
        raise Refusal(Code.FAILED_PRECONDITION, "the token holds at another time")
    kid = str(said.get("kid", ""))
    _check_signature(token, keys(kid).get(kid))


def _check_signature(token: str, key: Mapping[str, Any] | None) -> None:
    header, body, signature = _parts(token)
    if key is None:
        raise Refusal(Code.FAILED_PRECONDITION, "the key of the token is none of Google's")
    if not _is_signed(_bytes(f"{header}.{body}"), _raw(signature), key):
        raise Refusal(Code.FAILED_PRECONDITION, "the signature of the token is not right")


def _is_signed(content: bytes, signature: bytes, key: Mapping[str, Any]) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256

    numbers = (int.from_bytes(_raw(str(key.get(name, "")))) for name in ("e", "n"))
    try:
        RSAPublicNumbers(*numbers).public_key().verify(signature, content, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _bearer(request: Request) -> str:
    kind, _, token = first_value(request.header, "Authorization").partition(" ")
    if kind.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        raise Refusal(Code.INVALID_ARGUMENT, "there is no bearer token")
    return token


def _parts(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise Refusal(Code.INVALID_ARGUMENT, "the bearer token is no JSON Web Token")
    return parts[0], parts[1], parts[2]


def _json(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(_raw(part))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refusal(Code.INVALID_ARGUMENT, "the bearer token is no JSON Web Token")
    return found


def _raw(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise Refusal(Code.INVALID_ARGUMENT, "the bearer token is no JSON Web Token") from None


def _bytes(text: str) -> bytes:
    """Text as it was sent; what is no text in it is nobody's secret."""
    return text.encode("utf-8", "surrogatepass")


def _param(request: Request, name: str, default: str) -> str:
    value = request.params.get(name, default)
    if not isinstance(value, str):
        raise Refusal(Code.INVALID_ARGUMENT, f"the param {name} is no text")
    return value


def _secret(request: Request, secrets: Secrets) -> bytes:
    """The secret of the param `secretRef`; one that is empty would let everybody in."""
    ref = request.params.get("secretRef")
    if not isinstance(ref, dict) or not all(
        isinstance(ref.get(each), str) for each in ("secretName", "secretKey")
    ):
        raise Refusal(Code.INVALID_ARGUMENT, "the param secretRef is needed")
    try:
        found = secret_value(secrets, request.namespace, ref).strip()
    except LookupError as error:
        raise Refusal(Code.FAILED_PRECONDITION, f"error getting secret: {error.args[0]}") from None
    if not found:
        raise Refusal(Code.FAILED_PRECONDITION, "the secret is empty")
    return found
