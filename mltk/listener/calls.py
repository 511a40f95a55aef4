"""Asking interceptors that are servers."""

from __future__ import annotations

import base64
import binascii
import http.client
import ssl
from urllib.parse import urlsplit

from mltk.tekton.triggers.interceptors.remote import TIMEOUT, Call, Reply

_MOST_BYTES = 10 << 20
# What a sender says of its connection is not so of this one.
_OF_CONNECTION = ("host", "content-length", "transfer-encoding", "connection", "expect")


def call(asked: Call) -> Reply:
    """What a server answers; raises OSError where none does, also for what is no HTTP."""
    try:
        url = urlsplit(asked.url)
        connection = _connect(asked, url.scheme, url.hostname or "", url.port)
    except ValueError as error:
        raise ConnectionError(str(error)) from None
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        _send(connection, target, asked)
        response = connection.getresponse()
        body = response.read(_MOST_BYTES + 1)
    except (http.client.HTTPException, ValueError) as error:
        raise ConnectionError(str(error) or type(error).__name__) from None
    finally:
        connection.close()
    if len(body) > _MOST_BYTES:
        raise ConnectionError(f"the answer is longer than {_MOST_BYTES} bytes")
    lines: dict[str, list[str]] = {}
    for name, value in response.getheaders():
        lines.setdefault(name, []).append(value)
    return Reply(response.status, lines, body)


def _send(connection: http.client.HTTPConnection, target: str, asked: Call) -> None:
    connection.putrequest("POST", target, skip_accept_encoding=True)
    for name, lines in asked.header.items():
        if name.lower() not in _OF_CONNECTION:
            for line in lines:
                connection.putheader(name, line.encode())
    connection.putheader("Content-Length", str(len(asked.body)))
    connection.endheaders(asked.body)


def _connect(asked: Call, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    if scheme != "https":
        raise ConnectionError(f'unsupported protocol scheme "{scheme}"')
    try:
        bundle = base64.b64decode(asked.ca_bundle, validate=True).decode("ascii")
        context = ssl.create_default_context(cadata=bundle or None)
    except (binascii.Error, ValueError, ssl.SSLError) as error:
        raise ConnectionError(f"the caBundle is no certificate: {error}") from None
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
