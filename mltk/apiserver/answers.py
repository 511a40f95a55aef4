"""Answers to requests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from mltk.apiserver.request import JSON
from mltk.apiserver.statuses import ApiError


@dataclass(frozen=True)
class Answer:
    """A body that is there; `warnings` reach the user of kubectl."""

    body: bytes
    code: int = 200
    media: str = JSON
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Stream:
    """A body that comes bit by bit."""

    chunks: AsyncIterator[bytes]
    media: str = JSON


def of(value: Any, code: int = 200, warnings: Sequence[str] = (), media: str = JSON) -> Answer:
    """The answer that is a value as JSON."""
    return Answer(encode(value), code, media, warnings)


def refusal(error: ApiError) -> Answer:
    """The answer that is a refusal."""
    return of(error.status(), error.code)


def encode(value: Any) -> bytes:
    """A value as JSON, a line of its own."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"
