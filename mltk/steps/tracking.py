"""Options of the steps that talk to MLflow, and the registry that they open."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mltk.errors import InfrastructureError
from mltk.registry import Registry
from mltk.registry.connection import Connection

F = TypeVar("F", bound=Callable[..., Any])

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0


def tracking_options(command: F) -> F:
    """Add `--tracking-uri`, `--experiment` and `--patience`, for `open_registry`."""
    uri = click.option("--tracking-uri", required=True, help="MLflow of the project.")
    experiment = click.option("--experiment", required=True, help="MLflow experiment.")
    patience = click.option(
        "--patience",
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        help="How long to wait for a server that does not answer, as one that is restarted.",
    )
    return uri(experiment(patience(command)))


def run_options(command: F) -> F:
    """Add `--run-name`, `--run-uid` and `--event-id`: whose MLflow run, and who asked for it."""
    name = click.option("--run-name", required=True, help="Name of the PipelineRun.")
    uid = click.option("--run-uid", required=True, help="UID of the PipelineRun.")
    event = click.option("--event-id", default="", help="Event that asked for the run.")
    return name(uid(event(command)))


def open_registry(uri: str, experiment: str, patience: float) -> Registry:
    """The registry, once its server answers; InfrastructureError after `patience` seconds.

    A database of this machine that another program holds is not waited for: nobody restarts it.
    """
    connection = Connection(uri, experiment)
    await_answer(connection.reach, patience if connection.database is None else 0)
    return Registry(uri, experiment)


def await_answer(
    reach: Callable[[], None],
    patience: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Call `reach` until it raises nothing; what it raised last after `patience` seconds."""
    deadline, pause = clock() + patience, _FIRST_PAUSE
    while True:
        try:
            return reach()
        except InfrastructureError as error:
            left = deadline - clock()
            if left <= 0:
                raise
            if pause == _FIRST_PAUSE:
                click.echo(f"waiting up to {patience:.0f} s: {error.what}", err=True)
            sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
