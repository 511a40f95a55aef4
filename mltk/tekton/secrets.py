"""Secrets as an API server of Kubernetes keeps them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from mltk.tekton.objects import Obj

OPAQUE = "Opaque"


def as_kept(secret: Obj) -> Obj:
    """The Secret `encoded`, and of a type; raises ValueError as that does."""
    return {**encoded(secret), "type": secret.get("type") or OPAQUE}


def encoded(secret: Obj) -> Obj:
    """The Secret with its ``stringData`` in its ``data``, as base64.

    Clients of Kubernetes write ``stringData`` and never read it. Raises ValueError, which names the
    key, for data that is not base64.
    """
    kept = {key: value for key, value in secret.items() if key != "stringData"}
    data = texts(secret.get("data"))
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise ValueError(key) from None
    for key, text in texts(secret.get("stringData")).items():
        data[key] = base64.b64encode(str(text).encode()).decode()
    return {**kept, "data": data} if data else kept


def texts(found: Mapping[str, Any] | None) -> dict[str, str]:
    """What a map to texts holds; null is empty, as Go reads it."""
    return {key: "" if value is None else value for key, value in (found or {}).items()}
