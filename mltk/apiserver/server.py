"""The Kubernetes API on its socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltk.apiserver.app import App
from mltk.sockets import HttpServer, Listening

if TYPE_CHECKING:
    from mltk.local.backend import LocalBackend


class ApiServer(HttpServer):
    """Serves the objects of a backend; who has no `token` is not served, if there is one."""

    def __init__(
        self, backend: LocalBackend, listening: Listening, token: str | None = None
    ) -> None:
        by_file = listening.path is not None
        super().__init__(lambda: App(backend, token=token, socket=by_file), listening)
