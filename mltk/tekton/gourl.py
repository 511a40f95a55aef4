"""URLs and forms as Go's net/url reads them: https://pkg.go.dev/net/url."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv6Address

from mltk.tekton import gojson

_SCHEME = re.compile("([a-zA-Z][a-zA-Z0-9+.-]*):")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_ESCAPE = re.compile("%([0-9a-fA-F]{2})?")
_NOT_IN_HOST = re.compile(r"[^!\"$&'()*+,\-.0-9:;<=>A-Z\[\]_a-z~%\x80-\U0010ffff]")
_NOT_IN_USER = re.compile(r"[^A-Za-z0-9\-._:~!$&'()*+,;=%@]")
_PORT = re.compile("(:[0-9]*)?")
_ASCII = 0x80
_MOST_PARAMS = 10_000


@dataclass(frozen=True)
class Url:
    """The parts of a URL; `user` is a name and a password, None without one."""

    scheme: str = ""
    user: tuple[str, str] | None = None
    host: str = ""
    path: str = ""
    raw_query: str = ""
    fragment: str = ""
    query: dict[str, list[str]] = field(default_factory=dict)


def parse(text: str) -> Url:
    """The parts of `text`; raises ValueError with Go's words for what is no URL."""
    before, _, fragment = text.partition("#")
    try:
        return _parse(before, fragment)
    except ValueError as error:
        raise ValueError(f"parse {gojson.quoted(before)}: {error}") from None


def parse_query(text: str) -> dict[str, list[str]]:
    """The values of each name in a query or form; what is none of it is left out."""
    found: dict[str, list[str]] = {}
    if text.count("&") + 1 > _MOST_PARAMS:
        return found
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if not pair or ";" in pair:
            continue
        try:
            name, value = (_unescaped(each.replace("+", " ")) for each in (name, value))
        except ValueError:
            continue
        found.setdefault(name, []).append(value)
    return found


def _parse(text: str, fragment: str) -> Url:
    if _CONTROL.search(text):
        raise ValueError("net/url: invalid control character in URL")
    scheme = _scheme(text)
    rest, _, raw_query = text[len(scheme) + 1 if scheme else 0 :].partition("?")
    fragment, query = _unescaped(fragment), parse_query(raw_query)
    found = Url(scheme.lower(), raw_query=raw_query, fragment=fragment, query=query)
    if text == "*":
        return Url(path="*", fragment=fragment)
    if not rest.startswith("/") and scheme:
        return found
    if not scheme and ":" in rest.partition("/")[0]:
        raise ValueError("first path segment in URL cannot contain colon")
    user, host = None, ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, rest = rest[2:].partition("/")
        rest = slash + rest
        user, host = _authority(found.scheme, authority)
    return Url(found.scheme, user, host, _unescaped(rest), raw_query, fragment, query)


def _scheme(text: str) -> str:
    if text.startswith(":"):
        raise ValueError("missing protocol scheme")
    found = _SCHEME.match(text)
    return found[1] if found else ""


def _authority(scheme: str, text: str) -> tuple[tuple[str, str] | None, str]:
    user, at, host = text.rpartition("@")
    host = _host(scheme, host)
    if not at:
        return None, host
    if _NOT_IN_USER.search(user):
        raise ValueError("net/url: invalid userinfo")
    name, _, password = user.partition(":")
    return (_unescaped(name), _unescaped(password)), host


def _host(scheme: str, text: str) -> str:
    bracket = text.rfind("[")
    if bracket > 0:
        raise ValueError("invalid IP-literal")
    if bracket == 0:
        return _literal(text)
    colon = text.find(":")
    if colon >= 0:
        _check_port(text[colon if scheme in ("http", "https") else text.rfind(":") :])
    return _unescaped_host(text)


def _literal(text: str) -> str:
    inside, bracket, port = text[1:].rpartition("]")
    if not bracket:
        raise ValueError("missing ']' in host")
    _check_port(port)
    address, percent, zone = inside.partition("%25")
    host = _unescaped_host(address) + (f"%{_unescaped(zone)}" if percent else "")
    try:
        IPv6Address(host)
    except AddressValueError as error:
        raise ValueError(f"invalid host: {error}") from None
    return f"[{host}]{port}"


def _check_port(text: str) -> None:
    if not _PORT.fullmatch(text):
        raise ValueError(f"invalid port {gojson.quoted(text)} after host")


def _unescaped_host(text: str) -> str:
    for escape in _ESCAPE.finditer(text):
        if escape[1] and int(escape[1], 16) < _ASCII and escape[0] != "%25":
            raise ValueError(f"invalid URL escape {gojson.quoted(escape[0])}")
    if wrong := _NOT_IN_HOST.search(text):
        raise ValueError(f"invalid character {gojson.quoted(wrong[0])} in host name")
    return _unescaped(text)


def _unescaped(text: str) -> str:
    for escape in _ESCAPE.finditer(text):
        if not escape[1]:
            wrong = text[escape.start() : escape.start() + 3]
            raise ValueError(f"invalid URL escape {gojson.quoted(wrong)}")
    raw = re.sub(b"%([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return gojson.text(raw)
