"""Values of CEL as JSON: what cel-go makes of them as a ``google.protobuf.Value``.

Rules: https://protobuf.dev/programming-guides/json/. Whole numbers that a float64 cannot hold, and
times, are strings.
"""

from __future__ import annotations

import base64
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

_LARGEST_EXACT = 2**53 - 1


def to_json(value: Any) -> Any:
    """`value`, a plain one of CEL in Python, with every number a float; ValueError for a type."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return float(value) if abs(value) <= _LARGEST_EXACT else str(value)
        case float():
            return _finite(value)
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case list():
            return [to_json(each) for each in value]
        case dict():
            return {_key(key): to_json(each) for key, each in value.items()}
        case datetime():
            return _timestamp(value)
        case timedelta():
            return f"{_trimmed(Decimal(value // timedelta(microseconds=1)) / 1_000_000)}s"
    raise ValueError("type conversion not supported for 'type'")


def _finite(value: float) -> float:
    if math.isfinite(value):
        return value
    shown = "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    raise ValueError(f"proto: google.protobuf.Value.number_value: invalid {shown} value")


def _key(key: Any) -> str:
    match key:
        case str():
            return key
        case bool():
            raise ValueError("type conversion error from bool to 'string'")
    raise ValueError("unsupported type conversion from 'int' to string")


def _timestamp(value: datetime) -> str:
    text = value.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()
    part = f".{value.microsecond:06}" if value.microsecond else ""
    return f"{text}{part.removesuffix('000')}Z"


def _trimmed(seconds: Decimal) -> str:
    """Three or six digits after the point, or none."""
    if seconds == seconds.to_integral_value():
        return f"{seconds:.0f}"
    text = f"{seconds:.6f}"
    return text.removesuffix("000")
