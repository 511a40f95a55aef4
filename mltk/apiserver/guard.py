"""Who may ask: a bearer token, or whoever reaches a socket that only this machine has.

Without a token a page in a browser of this machine must not get through: it could send requests to
a port of 127.0.0.1 under a name of its own (DNS rebinding) or of another site.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from mltk.apiserver.statuses import ApiError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Kubernetes' probes, which tell nothing.
_OPEN = ("/healthz", "/livez", "/readyz")


def check(headers: Mapping[str, str], path: str, token: str | None, socket: bool) -> None:
    """Raise the refusal of a request that may not come in."""
    if token is not None:
        if path not in _OPEN:
            _check_token(headers.get("authorization", ""), token)
    elif not socket:
        _check_browser(headers)


def _check_token(given: str, token: str) -> None:
    scheme, _, credentials = given.partition(" ")
    right = hmac.compare_digest(credentials.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not right:
        raise ApiError(401, "Unauthorized", "Unauthorized")


def _check_browser(headers: Mapping[str, str]) -> None:
    host = urlsplit(f"//{headers.get('host', '')}").hostname
    origin = headers.get("origin", "")
    foreign = bool(origin) and urlsplit(origin).hostname not in _LOOPBACK
    if host not in _LOOPBACK or foreign or headers.get("sec-fetch-site") == "cross-site":
        raise ApiError(403, "Forbidden", "forbidden: this server is for its own machine alone")
