"""Metrics over HTTP, on a socket of their own: whoever sends events need not see them."""

from __future__ import annotations

from typing import Any

from mltk.listener.metrics import Metrics
from mltk.sockets import live, respond


class MetricsApp:
    """An ASGI application that answers every GET with the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] == "http":
            known = scope["method"] in ("GET", "HEAD") and scope["path"] in ("/", "/metrics")
            body = self._metrics.text() if known else b""
            header = {"Content-Type": self._metrics.media}
            await respond(send, 200 if known else 404, header, body)

    def close(self) -> None:
        """Nothing is held open."""
