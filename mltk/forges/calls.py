"""Requests to the API of a git host, tried again where that helps.

A token goes to one address alone: redirects are not followed.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from mltk.errors import ConfigError, InfrastructureError, MltkError
from mltk.urls import without_password
from mltk.version import __version__

_SECONDS = 20.0
_TRIES = 6
_LONGEST_PAUSE = 60.0
_LARGEST = 32 * 1024 * 1024
PAGE = 100
"""What the hosts give at most of a list."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a server says; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[urllib.request.Request], Answer]
"""Sends a request; raises OSError when nobody answers."""


@dataclasses.dataclass(frozen=True)
class Calls:
    """The API at `base`; `scope` says in words what its token must be allowed to do."""

    base: str
    headers: Mapping[str, str]
    scope: str
    send: Send = dataclasses.field(default_factory=lambda: send)
    sleep: Callable[[float], None] = time.sleep

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        may_lack: bool = False,
        may_clash: bool = False,
    ) -> Any:
        """The JSON that `path` below `base` answers, None where it answers nothing.

        None also for what is not there, where that `may_lack`, and for what others have changed
        meanwhile, where that `may_clash`.

        Raises ConfigError for what the caller must mend (token, repository, request) and
        InfrastructureError when the server did not answer, or only with errors, all the time.
        """
        answer = self._answer(method, path, body)
        if may_lack and answer.status == 404:
            return None
        if may_clash and answer.status == 409:
            return None
        if answer.status >= 300:
            raise self._refusal(answer, method, path)
        try:
            return json.loads(answer.body) if answer.body.strip() else None
        except ValueError:
            raise InfrastructureError(
                "what answers is no API: it says something other than JSON",
                where=self._address(path),
                hint="set MLTK_FORGE_API to the address of the API",
            ) from None

    def pages(self, path: str, query: str = "", *, may_lack: bool = False) -> list[Any]:
        """All that the list at `path` has, which comes in pages; raises as `call`."""
        found: list[Any] = []
        page = 1
        while True:
            address = f"{path}?{query}per_page={PAGE}&page={page}"
            part = self.call("GET", address, may_lack=may_lack) or []
            if not isinstance(part, list):
                raise InfrastructureError(
                    "the git host answers no list where one is asked for", where=self._address(path)
                )
            found += part
            if len(part) < PAGE:
                return found
            page += 1

    def _answer(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "User-Agent": f"mltk/{__version__}"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self.base}{path}"
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
            try:
                answer = self.send(request)
            except (OSError, http.client.HTTPException) as error:
                if last:
                    raise InfrastructureError(
                        f"the git host does not answer: {_words(error)}", where=self._address(path)
                    ) from None
                self.sleep(2.0**attempt)
                continue
            if last or not _passes(answer):
                return answer
            self.sleep(_pause(answer, attempt))
        raise AssertionError("the last attempt returns or raises")

    def _refusal(self, answer: Answer, method: str, path: str) -> MltkError:
        where = f"{method} {self._address(path)}"
        said = _message(answer)
        match answer.status:
            case 401:
                return ConfigError(
                    f"the git host does not know the token{said}",
                    where=where,
                    hint=f"put a valid one into MLTK_FORGE_TOKEN; it needs {self.scope}",
                )
            case 403:
                return ConfigError(
                    f"the token may not do that{said}", where=where, hint=f"it needs {self.scope}"
                )
            case 404:
                return ConfigError(
                    f"the git host shows this token no such thing{said}",
                    where=where,
                    hint=f"see that the repository is right, and that the token has {self.scope}",
                )
            case status if status >= 500 or status == 429:
                return InfrastructureError(f"the git host answers {status}{said}", where=where)
            case status if status < 400:
                return ConfigError(
                    f"the git host answers {status}: its API has moved",
                    where=where,
                    hint="set MLTK_FORGE_API to where it is; a token is not sent on",
                )
            case status:
                return ConfigError(
                    f"the git host refuses the request ({status}){said}", where=where
                )

    def _address(self, path: str) -> str:
        return without_password(self.base) + path.partition("?")[0]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nowhere: the token is for one address."""


def send(request: urllib.request.Request) -> Answer:
    """Send over HTTP or HTTPS, as the proxy settings of the environment say."""
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(request, timeout=_SECONDS) as found:
            return _read(found.status, found.headers, found.read(_LARGEST))
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error.headers, error.read(_LARGEST))


def _read(status: int, headers: Any, body: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)


def _passes(answer: Answer) -> bool:
    """Whether what was refused may be taken a little later."""
    if answer.status in (429, 500, 502, 503, 504):
        return True
    # GitHub's limits: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    limited = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status == 403 and limited


def _pause(answer: Answer, attempt: int) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked) if asked.isdigit() else 2.0**attempt, _LONGEST_PAUSE)


def _message(answer: Answer) -> str:
    """What the server says of it; each host has its own field."""
    try:
        found = json.loads(answer.body)
        said = found.get("message") or found.get("error") or found["errors"][0]["message"]
    except (ValueError, AttributeError, LookupError, TypeError):
        return ""
    return f": {' '.join(str(said).split())[:200]}" if said else ""


def _words(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__
