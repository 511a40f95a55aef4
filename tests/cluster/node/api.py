"""The few requests that bringing the node up makes of its API server."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any

from tests.cluster.node.errors import NodeError
from tests.cluster.node.layout import NODE_IP
from tests.cluster.node.pki import ADMIN, CA, certificate

MERGE = "application/merge-patch+json"


class Unreachable(NodeError):
    """The API server does not answer."""


def request(
    method: str, path: str, body: object = None, *, media: str = "application/json"
) -> tuple[int, Any]:
    """The status and the decoded answer of one request, as administrator.

    Raises:
        Unreachable: nothing answered.
    """
    connection = _connection(timeout=20)
    try:
        response = _send(connection, method, path, body, media)
        text = response.read()
    except OSError as error:
        raise Unreachable(f"the API server does not answer: {error}") from None
    finally:
        connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, text.decode(errors="replace")


def get(path: str) -> Any:
    """The object at a path.

    Raises:
        NodeError: the answer was not 200.
    """
    status, answer = request("GET", path)
    if status != http.client.OK:
        raise NodeError(f"GET {path}: {status} {_message(answer)}")
    return answer


def patch(path: str, change: object) -> None:
    """Merge a change into an object.

    Raises:
        NodeError: it was refused.
    """
    status, answer = request("PATCH", path, change, media=MERGE)
    if status != http.client.OK:
        raise NodeError(f"PATCH {path}: {status} {_message(answer)}")


def watch(path: str) -> Iterator[dict[str, Any]]:
    """The events of a collection, the existing objects first, until the server ends it."""
    connection = _connection(timeout=400)
    try:
        response = _send(connection, "GET", f"{path}?watch=1&timeoutSeconds=300", None, "")
        for line in response:
            yield json.loads(line)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"the API server does not answer: {error}") from None
    finally:
        connection.close()


def ready() -> bool:
    """Whether the API server says that it serves."""
    try:
        return request("GET", "/readyz")[0] == http.client.OK
    except Unreachable:
        return False


def _connection(timeout: float) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(CA))
    context.load_cert_chain(*certificate(ADMIN))
    return http.client.HTTPSConnection(NODE_IP, 6443, timeout=timeout, context=context)


def _send(
    connection: http.client.HTTPSConnection, method: str, path: str, body: object, media: str
) -> http.client.HTTPResponse:
    data = None if body is None else json.dumps(body).encode()
    connection.request(method, path, data, {"Content-Type": media} if data else {})
    return connection.getresponse()


def _message(answer: object) -> str:
    if isinstance(answer, dict):
        return str(answer.get("message", ""))
    return str(answer)[:200]
