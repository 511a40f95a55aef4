"""URLs as they may be shown and recorded, and hosts that hold on this machine alone."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s]+@")
_PASSWORD = re.compile(r"(?<=://)(?P<user>[^/?#:@\s]*):[^/?#\s]*@")
_THIS_MACHINE = re.compile(r"localhost|.*\.localhost|127\.[0-9.]+|0\.0\.0\.0|::1?", re.IGNORECASE)


def without_password(text: str) -> str:
    """`text` with user and password cut out of the URLs in it."""
    return _CREDENTIALS.sub("", text)


def with_user_alone(url: str) -> str:
    """`url` without the password; the user, who is part of an address of ssh, stays."""
    return _PASSWORD.sub(r"\g<user>@", url)


def is_this_machine(host: str) -> bool:
    """Whether `host` means the machine that asks, and so another one in a pod."""
    return _THIS_MACHINE.fullmatch(host) is not None
