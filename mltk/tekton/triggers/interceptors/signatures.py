"""Whether a sender knows a secret: signatures in the form of GitHub, compared in constant time.

Rules: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries; what is no
signature is told in the words of go-github, which Tekton asks.
"""

from __future__ import annotations

import hmac
import re

from mltk.tekton import gojson

_HASHES = ("sha1", "sha256", "sha512")
_HEX = re.compile("[0-9a-fA-F]*")


def validate(signature: str, body: str, secret: bytes) -> None:
    """Raise ValueError unless `signature`, ``HASH=HEX``, is that of `body` by `secret`."""
    name, equals, digits = signature.partition("=")
    if not equals:
        raise ValueError(f"error parsing signature {gojson.quoted(signature)}")
    if name not in _HASHES:
        raise ValueError(f"unknown hash type prefix: {gojson.quoted(name)}")
    if fault := _fault(digits):
        raise ValueError(
            f"error decoding signature {gojson.quoted(signature)}: encoding/hex: {fault}"
        )
    made = hmac.new(secret, body.encode(), name).digest()
    if not hmac.compare_digest(made, bytes.fromhex(digits)):
        raise ValueError("payload signature check failed")


def _fault(digits: str) -> str:
    """What is wrong with a text in hexadecimal, of which Go looks at bytes."""
    right = _HEX.match(digits)
    if wrong := digits[right.end() if right else 0 :].encode()[:1].decode("latin-1"):
        shown = f" '{wrong}'" if wrong.isprintable() else ""
        return f"invalid byte: U+{ord(wrong):04X}{shown}"
    return "odd length hex string" if len(digits) % 2 else ""
