"""Options of the steps that talk to MLflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def tracking_options(command: F) -> F:
    """Add `--tracking-uri` and `--experiment`, for a `Registry`."""
    uri = click.option("--tracking-uri", required=True, help="MLflow of the project.")
    experiment = click.option("--experiment", required=True, help="MLflow experiment.")
    return uri(experiment(command))


def run_options(command: F) -> F:
    """Add `--run-name` and `--run-uid`, which say whose MLflow run to write."""
    name = click.option("--run-name", required=True, help="Name of the PipelineRun.")
    uid = click.option("--run-uid", required=True, help="UID of the PipelineRun.")
    return name(uid(command))
