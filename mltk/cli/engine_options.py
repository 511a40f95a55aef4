"""Options of the commands that run the embedded engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def jobs_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-j/--jobs`; the command gets `jobs: int | None`."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        default=None,
        help="TaskRuns at a time; as many as processors (2 to 8) when not given.",
    )(command)


def cache_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--no-cache`; the command gets `cache: bool`."""
    return click.option(
        "--no-cache",
        "cache",
        flag_value=False,
        default=True,
        help="Do every task again, also those whose inputs are the same.",
    )(command)
