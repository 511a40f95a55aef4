"""One document over HTTP: bounded in time, in bytes and in redirects, and of no other scheme."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

from mltk.local.resolvers.base import MAX_BYTES
from mltk.local.resolvers.bounds import Deadline, TimedOut
from mltk.tekton.remote import Unresolved

_PART = 1 << 16
_OK = 200


class NotThere(Unresolved):
    """The server answers, but not with the document."""


def download(url: str, deadline: Deadline, headers: Mapping[str, str] | None = None) -> bytes:
    """Return what is at an address; raises NotThere, Unresolved and TimedOut."""
    if not is_address(url):
        raise Unresolved(f"url {url} is not a valid http(s) url")
    request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310  (see _OPENER)
    try:
        with _OPENER.open(request, timeout=deadline.left()) as response:
            if response.status != _OK:
                raise NotThere(f"requested URL '{url}' is not found")
            return _read(response, deadline)
    except urllib.error.HTTPError as error:
        error.close()
        raise NotThere(f"requested URL '{url}' is not found") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, TimeoutError) or deadline.passed:
            raise TimedOut from None
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise TimedOut from None
        raise Unresolved(f'error fetching URL: Get "{url}": {reason}') from None


def is_address(text: str) -> bool:
    """Whether a text is an address of HTTP with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _read(response: http.client.HTTPResponse, deadline: Deadline) -> bytes:
    found = bytearray()
    # A server that sends a byte now and then would never reach the limit of a single read.
    while part := response.read1(_PART):
        deadline.left()
        found += part
        if len(found) > MAX_BYTES:
            raise Unresolved(f"response body exceeds maximum allowed size of {MAX_BYTES} bytes")
    return bytes(found)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Ten redirects at most, none to another scheme; a password stays with the host it is for."""

    max_redirections = 10

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request that follows a redirect."""
        if not is_address(newurl):
            raise Unresolved(f'error fetching URL: "{newurl}" is not a valid http(s) url')
        made = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if made is not None and _place(newurl) != _place(req.full_url):
            made.remove_header("Authorization")
        return made


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _opener() -> urllib.request.OpenerDirector:
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        made.add_handler(handler)
    return made


_OPENER = _opener()
