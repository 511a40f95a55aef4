"""The server and the engine, side by side in one process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mltk.errors import Conflict

if TYPE_CHECKING:
    from mltk.cli.engine import Effort
    from mltk.local.backend import LocalBackend
    from mltk.sockets import HttpServer
    from mltk.tekton.objects import Obj

_SWITCH_SECONDS = 0.0005  # a tenth of what Python does by itself


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
    server: HttpServer,
    backend: LocalBackend,
    ready: Callable[[], None],
    effort: Effort,
) -> None:
    """Serve, and drive all runs, until a signal comes or one of the two cannot go on."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def drive() -> None:
        try:
            _drive(backend, stop, effort)
        except BaseException as error:
            failures.append(error)
            server.stop()

    # A request passes through several threads, and each time waits so long for an engine at work.
    sys.setswitchinterval(_SWITCH_SECONDS)
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


def _drive(backend: LocalBackend, stop: threading.Event, effort: Effort) -> None:
    from mltk.cli.embedded import default_jobs
    from mltk.cli.engine import note
    from mltk.cli.runtimes import serving_runtime, warn_of
    from mltk.local.engine import Engine
    from mltk.project.key import environment
    from mltk.queueing.attendant import Attendant

    with (
        serving_runtime(backend, effort.runtime) as runtime,
        Attendant(backend, note) as attendant,
    ):
        warn_of(runtime, effort.runtime)
        engine = Engine(
            backend.store,
            runtime,
            layout=backend.layout,
            jobs=effort.jobs or default_jobs(),
            observer=attendant.observe,
            environment=environment(),
            cache=effort.cache,
        )
        attendant.observe_all(_under_way(backend))
        engine.serve(stop)


def _under_way(backend: LocalBackend) -> Iterator[Obj]:
    """The PipelineRuns that a server finds; those that wait changed long ago."""
    for found in backend.store.under_way():
        if found.kind == "PipelineRun" and (run := backend.store.by_uid(found.uid)) is not None:
            yield run
