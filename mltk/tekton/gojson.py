"""JSON as Go's encoding/json reads and writes it, where its bytes are inserted or shown.

Rules: https://pkg.go.dev/encoding/json. Every number of an event is a float64 there, keys are
written in order, and what HTML would misread is escaped.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_MANY_BRACKETS = 500
_ESCAPED = re.compile("[<>&\u2028\u2029]")
_QUOTED = {each: f"\\{name}" for each, name in zip('\a\b\f\n\r\t\v\\"', 'abfnrtv\\"', strict=True)}
_SMALLEST_PLAIN, _SMALLEST_SCIENTIFIC = 1e-6, 1e21
_SMALLEST_PLAIN_SHOWN, _SMALLEST_SCIENTIFIC_SHOWN = 1e-4, 1e6


class Struct(dict[str, Any]):
    """A Go struct: its fields keep their order, and each is found by its Go name as well."""

    def __init__(self, kind: str, fields: dict[str, tuple[str, Any]]) -> None:
        super().__init__({name: value for name, (_, value) in fields.items()})
        self.kind = kind
        self.in_go = {go: name for name, (go, _) in fields.items()}


class StringMap(dict[str, Any]):
    """A Go map whose values are all strings."""


class NilMap(dict[str, Any]):
    """A Go map that nobody made: empty to those who look into it, ``null`` in JSON."""


def text(sent: bytes) -> str:
    """`sent` as a string of JSON has it: each byte that is not UTF-8 becomes U+FFFD."""
    return valid(sent.decode("utf-8", "surrogateescape"))


def valid(text: str) -> str:
    """`text` with U+FFFD for each half of a surrogate pair, which no JSON can hold."""
    # Most is ASCII, and to look is slow.
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def decode(text: bytes) -> Any:
    """The value that `text` holds; ValueError for what Go refuses too.

    Each byte that is not UTF-8, and each half of a surrogate pair, becomes U+FFFD.
    """
    try:
        plain = text.decode("utf-8", "surrogateescape")
        found = json.loads(plain, parse_int=_number, parse_float=_number, parse_constant=_constant)
        return _valid(found) if _is_suspect(plain) else found
    except RecursionError:
        raise ValueError("exceeded max depth") from None


def decode_object(text: bytes, other: str) -> dict[str, Any]:
    """The object that `text` holds, nothing in it for a null; ValueError, `other` for a list."""
    found = decode(text)
    if found is not None and not isinstance(found, dict):
        raise ValueError(other)
    return found or {}


def _is_suspect(text: str) -> bool:
    """Whether there may be halves of surrogate pairs in it, or depths that are to be looked into.

    To look at every value takes as long as all the rest.
    """
    if not text.isascii() and _SURROGATE.search(text):
        return True
    brackets = text.count("[") + text.count("{")
    return brackets > _MANY_BRACKETS or "\\ud" in text or "\\uD" in text


def encode(value: Any) -> str:
    """`value` as compact JSON."""
    if isinstance(value, str):
        return _ESCAPED.sub(_escape, json.dumps(value, ensure_ascii=False))
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, list):
        return f"[{','.join(map(encode, value))}]"
    if isinstance(value, NilMap):
        return "null"
    if isinstance(value, dict):
        members = value.items() if isinstance(value, Struct) else _by_key(value)
        return "{" + ",".join(f"{encode(key)}:{encode(each)}" for key, each in members) + "}"
    return json.dumps(value)


def shown(value: Any) -> str:
    """`value` as Go's ``%v`` puts it into messages."""
    if value is None:
        return "<nil>"
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(shown, value))}]"
    if isinstance(value, Struct):
        return "{" + " ".join(map(shown, value.values())) + "}"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{shown(each)}' for key, each in _by_key(value))}]"
    if isinstance(value, float) and value:
        return _shown_float(value)
    return encode(value)


def quoted(value: str) -> str:
    """`value` as Go's ``%q`` puts it into messages."""
    return '"' + "".join(map(_quoted, value)) + '"'


def _quoted(character: str) -> str:
    if character in _QUOTED:
        return _QUOTED[character]
    if character.isprintable():
        return character
    point = ord(character)
    if point < 0x80:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _by_key(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(value.items(), key=lambda member: member[0].encode())


def _number(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return number


def _constant(text: str) -> float:
    raise ValueError(f"invalid character '{text.lstrip('-')[0]}' looking for beginning of value")


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, list):
        return [_valid(each) for each in value]
    if isinstance(value, dict):
        return {_valid(key): _valid(each) for key, each in value.items()}
    return value


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _shown_float(value: float) -> str:
    if _SMALLEST_PLAIN_SHOWN <= abs(value) < _SMALLEST_SCIENTIFIC_SHOWN:
        return _float(value)
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{mantissa}e{int(exponent):+03d}"


def _float(value: float) -> str:
    if value == 0 or _SMALLEST_PLAIN <= abs(value) < _SMALLEST_SCIENTIFIC:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return repr(value).replace("e-0", "e-")
