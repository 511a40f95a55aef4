"""The listener, its metrics and the engine, side by side in one process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.clockwork import ticking
from mltk.cli.serving import serve
from mltk.errors import ConfigError, missing_package
from mltk.sockets import HttpServer, Listening

if TYPE_CHECKING:
    from mltk.cli.engine import Effort
    from mltk.listener.listener import Listener
    from mltk.local.backend import LocalBackend
    from mltk.project.arriving import Arrival


SHIPPED = ("default", "mltk")
"""Namespace and name of the EventListener that ships with mltk."""


def bring_shipped(backend: LocalBackend, root: Path) -> None:
    """Put the shipped triggers into the store of a project, unless it has others instead."""
    from mltk.cli.folder import PROJECT_FILE
    from mltk.cli.shipped import install_arrivals, install_triggers, remove_arrivals

    namespace, name = SHIPPED
    there = {each["metadata"]["name"] for each in backend.list("EventListener")}
    if (root / PROJECT_FILE).is_file() and (not there or name in there):
        install_triggers(backend, namespace)
        settings = _arrivals(root / PROJECT_FILE)
        if settings:
            install_arrivals(backend, namespace, root.resolve(), settings)
        elif settings is not None:
            remove_arrivals(backend, namespace)


def _arrivals(project_file: Path) -> Sequence[Arrival] | None:
    """What mltk.yaml says of data that arrive; None for one that cannot be read."""
    from mltk.project.load import load

    try:
        models = load(project_file).models.values()
    except ConfigError as error:
        # No reason to end, or to forget what there is: pushes are listened for all the same.
        click.echo(f"warning: data that arrive are not listened for\n{error.describe()}", err=True)
        return None
    return [each.arrival for each in models if each.arrival]


def listen(
    listener: Listener,
    server: HttpServer,
    backend: LocalBackend,
    effort: Effort | None,
    metrics_port: int | None,
    ready: Callable[[], None],
) -> None:
    """Listen until a signal comes; without `effort`, runs are left to others."""

    def begin() -> None:
        listener.begin()
        ready()

    with _telling(listener, metrics_port), ticking(backend):
        if effort is None:
            server.run(begin)
        else:
            serve(server, backend, begin, effort)


def protocol() -> type[asyncio.Protocol]:
    """HTTP as a listener speaks it."""
    try:
        from mltk.listener.patience import ImpatientProtocol
    except ModuleNotFoundError as error:
        raise missing_package(error) or error from None
    return ImpatientProtocol


def announce(listener: Listener, server: HttpServer) -> None:
    """Say where events go, and what keeps triggers from making anything of them."""
    from mltk.listener.lacking import briefly

    for each in listener.doors.all():
        metadata = each["metadata"]
        place = f"{metadata['namespace']}/{metadata['name']}"
        path = listener.doors.path(each)
        click.echo(f"listening at {server.url}{path} for EventListener {place}", err=True)
        for lack in briefly(each, listener.doors.known):
            click.echo(f"warning: {lack}", err=True)
    click.echo("Ctrl-C ends it", err=True)


@contextmanager
def _telling(listener: Listener, port: int | None) -> Iterator[None]:
    """Let Prometheus read the metrics meanwhile, at a port of this machine."""
    if port is None:
        yield
        return
    from mltk.listener.telling import MetricsApp

    server = HttpServer(lambda: MetricsApp(listener.metrics), Listening(port=port))
    thread = threading.Thread(target=server.run, name="metrics")
    thread.start()
    click.echo(f"metrics at {server.url}/metrics", err=True)
    try:
        yield
    finally:
        server.stop()
        thread.join()
