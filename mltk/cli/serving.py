"""The server and the engine, side by side in one process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mltk.errors import Conflict

if TYPE_CHECKING:
    from mltk.apiserver.server import ApiServer
    from mltk.local.backend import LocalBackend


def check_alone(backend: LocalBackend) -> None:
    """Raise Conflict when another process serves this folder, before anything is touched."""
    from mltk.local.ownership import Ownership

    other = Ownership(backend.store.database).controller
    if other is not None:
        raise Conflict(
            f"this folder is served by process {other.pid} already",
            where=str(backend.layout.root),
            hint=f"Use that one (KUBECONFIG={backend.layout.root}/serve/kubeconfig), or end it"
            f" first: kill {other.pid}",
        )


def serve(
    server: ApiServer,
    backend: LocalBackend,
    ready: Callable[[], None],
    *,
    jobs: int | None,
    cache: bool,
) -> None:
    """Serve, and drive all runs, until a signal comes or one of the two cannot go on."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def drive() -> None:
        try:
            _drive(backend, stop, jobs, cache)
        except BaseException as error:
            failures.append(error)
            server.stop()

    engine = threading.Thread(target=drive, name="engine")

    def begin() -> None:
        engine.start()  # it takes a moment to load, and clients need not wait for it
        ready()

    try:
        server.run(begin)
    finally:
        stop.set()
        backend.store.nudge()
        if engine.ident is not None:
            engine.join()
    if failures:
        raise failures[0]


def _drive(backend: LocalBackend, stop: threading.Event, jobs: int | None, cache: bool) -> None:
    from mltk.cli.embedded import default_jobs
    from mltk.cli.warm import WARM
    from mltk.local.engine import Engine
    from mltk.local.process import ProcessRuntime
    from mltk.project.key import environment

    with ProcessRuntime(WARM) as runtime:
        engine = Engine(
            backend.store,
            runtime,
            layout=backend.layout,
            jobs=jobs or default_jobs(),
            environment=environment(),
            cache=cache,
        )
        engine.serve(stop)
