"""Hostile events for the shipped listener for data, and what that is made of."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mltk.tekton.objects import Obj

from .hostility import WORDS, Hostile, value

_FOLDER = Path(__file__).parents[3] / "tekton" / "arrivals"
# Each sender's own: one that is right for another one is wrong.
TOKENS = {
    "s3": "s3-secret", "azure": "azure-secret", "mlflow": "mlflow-secret", "generic": "our-secret",
    "cloudevents": "cloud-secret",
}  # fmt: skip
_KEYS = {"cloudevents": "authorization"}
_GOOGLE = {
    "iss": "https://accounts.google.com",
    "aud": "https://mltk.example.com/arrivals",
    "email": "mltk-push@project.iam.gserviceaccount.com",
    "email_verified": True,
}
_BODIES: Mapping[str, Any] = {
    "s3": {
        "Records": [
            {
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "cellar"}, "object": {"key": "wine/a.csv"}},
            }
        ]
    },
    "gcs": {
        "message": {
            "attributes": {
                "eventType": "OBJECT_FINALIZE", "bucketId": "cellar", "objectId": "wine/a.csv"
            }
        }
    },
    "azure": [
        {
            "eventType": "Microsoft.Storage.BlobCreated",
            "data": {"url": "https://a.blob.core.windows.net/cellar/wine/a.csv"},
        }
    ],
    "cloudevents": {
        "specversion": "1.0", "id": "1", "source": "/", "type": "t", "data": {"uri": "s3://a/b"}
    },
    "mlflow": {
        "entity": "model_version_tag", "action": "set",
        "data": {"name": "wine", "version": "1", "key": "mltk.refresh", "value": "1"},
    },
    "generic": {"uri": "s3://cellar/wine/a.csv"},
}  # fmt: skip


def arrivals() -> list[Obj]:
    """The shipped EventListener with all that it refers to, and the Secrets of its senders."""
    shipped = [
        {**each, "metadata": {**each["metadata"], "namespace": "default"}}
        for file in sorted(_FOLDER.glob("*.yaml"))
        for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    ]
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"mltk-{name}", "namespace": "default"},
            "stringData": {_KEYS.get(name, "token"): token},
        }
        for name, token in TOKENS.items()
    ]
    return [*shipped, *secrets]


def arrival(chance: random.Random) -> Hostile:
    """A request to it that must make nothing."""
    form = chance.choice(list(_BODIES))
    body = _body(chance, form)
    header, query = _wrong(chance, form, body)
    if form == "azure":
        header["Aeg-Event-Type"] = chance.choice(
            ("Notification", "SubscriptionValidation", *WORDS[3:6])
        )
    if form == "cloudevents" and chance.random() < 0.5:
        names = ("Ce-Specversion", "Ce-Id", "Ce-Source", "Ce-Type", "Ce-Time")
        header |= {name: chance.choice(("1.0", *WORDS[3:])) for name in names}
    if chance.random() < 0.05:
        header["WebHook-Request-Origin"] = chance.choice(("eventgrid.azure.net", *WORDS[3:]))
        return Hostile("OPTIONS", f"/arrivals{query}", header, b"")
    path = "/arrivals" + chance.choice(("", "", "", "/", "/%00", "/../arrivals", "/a#b"))
    return Hostile(chance.choice(("POST", "POST", "POST", "PUT")), path + query, header, body)


def _body(chance: random.Random, form: str) -> bytes:
    good = json.dumps(_BODIES[form]).encode()
    match chance.randrange(4):
        case 0:
            return json.dumps(value(chance, 4)).encode()
        case 1:
            broken = bytearray(good)
            broken[chance.randrange(len(broken))] = chance.randrange(256)
            return bytes(broken)
        case 2:
            return json.dumps(_spoiled(chance, _BODIES[form])).encode()
    return good


def _spoiled(chance: random.Random, good: Any) -> Any:
    """The same with something else somewhere in it."""
    if isinstance(good, dict) and chance.random() < 0.8:
        key = chance.choice(list(good))
        return {**good, key: _spoiled(chance, good[key])}
    if isinstance(good, list) and chance.random() < 0.8:
        return [_spoiled(chance, good[0]), *good[1:]]
    return value(chance, 2)


def _wrong(chance: random.Random, form: str, body: bytes) -> tuple[dict[str, str], str]:
    """Headers and the query of a URL that prove nobody."""
    token = TOKENS.get(form, "x")
    match form:
        case "gcs":
            return {"Authorization": f"Bearer {_jwt(chance)}"}, ""
        case "mlflow":
            return _of_mlflow(chance, token, body), ""
        case "generic":
            right = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
            wrong = (f"sha256={right[:-1]}", f"sha1={right}", right, f"sha256={right.upper()}x", "")
            return {"X-Hub-Signature-256": chance.choice(wrong)}, ""
    near = (token[:-1], token.upper(), f"{token} {token}", token + "\0", "", "Bearer", f"x{token}")
    header = {"Authorization": chance.choice(("", "Bearer ", "Basic ")) + chance.choice(near)}
    query = chance.choice(("", "?token=", f"?token={token[:-1]}", "?token=%00", f"?{token}", "?[",
                           f"#token={token}", f"?Token={token}"))  # fmt: skip
    return header, query


def _of_mlflow(chance: random.Random, token: str, body: bytes) -> dict[str, str]:
    """MLflow's headers, wrong in time, in what is signed or in the secret."""
    moment = str(int(time.time()) - chance.choice((0, 0, 301, 10**6)))
    late = int(time.time()) - int(moment) > 300
    signed = f"d.{moment}.".encode() + body
    key = token if late else chance.choice((f"{token}x", "", "s3-secret"))
    proof = base64.b64encode(hmac.new(key.encode(), signed, hashlib.sha256).digest()).decode()
    return {
        "X-Mlflow-Delivery-Id": "d",
        "X-Mlflow-Timestamp": chance.choice((moment, moment, *WORDS[8:11])),
        "X-Mlflow-Signature": chance.choice((f"v1,{proof}", f"v1,{proof}", "v1,", *WORDS[3:6])),
    }


def _jwt(chance: random.Random) -> str:
    """An identity token that Google has not signed."""
    now = int(time.time())
    claims: dict[str, Any] = {**_GOOGLE, "iat": now, "exp": now + 600}
    if chance.random() < 0.5:
        claims[chance.choice(list(claims))] = value(chance, 1)
    head = {"alg": chance.choice(("none", "HS256", "RS256")), "kid": chance.choice(WORDS)}
    parts = [json.dumps(each).encode() for each in (head, claims)]
    parts.append(chance.randbytes(chance.choice((0, 32, 256))))
    encoded = [base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts]
    return ".".join(encoded[: chance.choice((2, 3, 3, 3, 3))])
