"""URLs as they may be shown and recorded."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s]+@")


def without_password(text: str) -> str:
    """`text` with user and password cut out of the URLs in it."""
    return _CREDENTIALS.sub("", text)
