"""The server and the engine, side by side in one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltk.apiserver.server import ApiServer
    from mltk.local.backend import LocalBackend


def serve(
    server: ApiServer,
    backend: LocalBackend,  # noqa: ARG001
    ready: Callable[[], None],
    *,
    jobs: int | None,  # noqa: ARG001
    cache: bool,  # noqa: ARG001
) -> None:
    """Serve until a signal comes."""
    server.run(ready)
