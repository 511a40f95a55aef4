"""Requests to an API server: sent, repeated where that is safe, and answered with our errors."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mltk.cluster.access import Access
from mltk.cluster.call import METHODS, Call
from mltk.cluster.errors import Broken, Refusal, error_of
from mltk.cluster.failures import unreachable
from mltk.tekton.api import Warn, ignore
from mltk.tekton.objects import Obj
from mltk.version import __version__

Query = Mapping[str, str]

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"  # JSON is YAML

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_BUSY = (429, 503)
_TRIES = 5
_LONGEST_PAUSE = 10.0
_CHUNK = 1 << 16


class Server:
    """An API server. Raises the errors that `mltk.cluster.errors` makes of what it refuses."""

    def __init__(self, access: Access, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.access = access
        self._sleep = sleep

    def send(
        self,
        call: Call,
        query: Query | None = None,
        body: Obj | None = None,
        content_type: str = "application/json",
        warn: Warn = ignore,
    ) -> Obj:
        """Send a request; return the object that answers it."""
        return self.answer(call, query, body, content_type, warn)[1]

    def answer(
        self,
        call: Call,
        query: Query | None = None,
        body: Obj | None = None,
        content_type: str = "application/json",
        warn: Warn = ignore,
    ) -> tuple[int, Obj]:
        """Send a request; return the code, which tells what was new, and the object."""
        response = self._patiently(call, query, body, content_type)
        if response.status >= 400:
            raise error_of(Refusal.read(call, response.status, response.data))
        try:
            answer: Obj = json.loads(response.data)
        except ValueError:
            raise error_of(Refusal.read(call, 404, response.data)) from None
        for each in response.headers.getlist("Warning"):
            warn(_warning(each))
        return response.status, answer

    @contextmanager
    def stream(
        self, call: Call, query: Query | None = None, *, seconds: float | None = None
    ) -> Iterator[Iterator[bytes]]:
        """The lines of an answer as they come; Unreachable when nothing came for `seconds`."""
        import urllib3

        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=seconds)
        response = self._request(call, query, None, "", timeout=timeout, preload_content=False)
        try:
            if response.status >= 400:
                raise error_of(Refusal.read(call, response.status, response.read()))
            yield self._lines(response)
        finally:
            response.close()

    def close(self) -> None:
        """Close the connections."""
        self.access.pool.clear()

    def _lines(self, response: Any) -> Iterator[bytes]:
        import urllib3

        rest = b""
        try:
            for chunk in response.stream(_CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, self.access.url) from None
        if rest:
            yield rest

    def _patiently(self, call: Call, query: Query | None, body: Obj | None, kind: str) -> Any:
        for attempt in range(_TRIES):
            try:
                response = self._request(call, query, body, kind)
            except Broken:
                # Kept open from an earlier request and closed by the server since: once more.
                if attempt or call.verb == "create":
                    raise
                continue
            if response.status not in _BUSY or attempt == _TRIES - 1:
                break
            self._sleep(_pause(response.headers.get("Retry-After", ""), attempt))
        return response

    def _request(
        self, call: Call, query: Query | None, body: Obj | None, kind: str, **options: Any
    ) -> Any:
        import urllib3

        headers = {
            "Accept": "application/json, */*",
            "User-Agent": f"mltk/{__version__}",
            **self.access.authorization(),
        }
        if body is not None:
            headers["Content-Type"] = kind
        options.setdefault("timeout", urllib3.Timeout(_CONNECT_SECONDS, _ANSWER_SECONDS))
        try:
            return self.access.pool.request(
                METHODS[call.verb],
                self.access.url + call.path + _encoded(query),
                body=None if body is None else json.dumps(body).encode(),
                headers=headers,
                **options,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, self.access.url) from None


def _encoded(query: Query | None) -> str:
    from urllib.parse import urlencode

    return f"?{urlencode(query)}" if query else ""


def _warning(header: str) -> str:
    r"""The text of `299 - "text"`, where `\"` stands for a quotation mark (RFC 7234, 5.5)."""
    text = header.encode("latin-1", "replace").decode("utf-8", "replace").partition('"')[2]
    return re.sub(r"\\(.)", r"\1", text.rpartition('"')[0])


def _pause(retry_after: str, attempt: int) -> float:
    """Seconds until a busy server may be asked again: its own word, within bounds."""
    asked = float(retry_after) if retry_after.isdigit() else 0.5 * 2**attempt
    return min(asked, _LONGEST_PAUSE)
