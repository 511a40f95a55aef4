"""What the interceptors of mltk need from outside: Google's public keys, secrets in files."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mltk.interceptors.proofs import Keys

GOOGLE = "https://www.googleapis.com/oauth2/v3/certs"

_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
_SECONDS = 5
_MOST_BYTES = 1 << 20


@dataclass
class PublicKeys:
    """The keys at `url`, which are kept for an hour.

    For a key that is not among them they are asked for again, but once a minute at most, since
    anybody may send a token with any `kid`. Where they cannot be had, that is so for ten seconds.
    """

    url: str = GOOGLE
    clock: Callable[[], float] = time.monotonic
    _kept: Keys | None = None
    _since: float = 0.0
    _failed: float | None = None

    def __call__(self, kid: str) -> Keys:
        """The keys; raises OSError when they cannot be had."""
        age = self.clock() - self._since
        if self._kept is None or age > 3600 or (kid not in self._kept and age > 60):
            if self._failed is not None and self.clock() - self._failed < 10:
                raise ConnectionError(f"{self.url} did not answer a moment ago")
            try:
                self._kept, self._since = self._read(), self.clock()
            except OSError:
                self._failed = self.clock()
                raise
        return self._kept

    def _read(self) -> Keys:
        try:
            with urllib.request.urlopen(self.url, timeout=_SECONDS) as answer:  # noqa: S310 - ours
                found = json.loads(answer.read(_MOST_BYTES))
            return {str(each["kid"]): each for each in found["keys"]}
        except (ValueError, KeyError, TypeError, http.client.HTTPException):
            raise ConnectionError(f"{self.url} holds no keys") from None


@dataclass(frozen=True)
class MountedSecrets:
    """Secrets as Kubernetes mounts them: `folder`/NAME/KEY."""

    folder: Path

    def __call__(self, _namespace: str, name: str) -> Mapping[str, bytes] | None:
        """What the Secret `name` holds, None where there is none."""
        place = self.folder / name
        # The name comes with a Trigger, and must not lead elsewhere.
        if not _NAME.fullmatch(name) or not place.is_dir():
            return None
        files = (each for each in place.iterdir() if not each.name.startswith("."))
        return {each.name: each.read_bytes() for each in files if each.is_file()}
