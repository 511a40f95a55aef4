"""Options of the commands that make runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from mltk.cli.runtimes import RUNTIMES
from mltk.cli.where import Where
from mltk.errors import UsageError


def jobs_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-j/--jobs`; the command gets `jobs: int | None`."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        default=None,
        help="TaskRuns at a time; as many as processors (2 to 8) when not given.",
    )(command)


def parallel_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--parallel`; the command gets `parallel: int | None`."""
    return click.option(
        "--parallel",
        type=click.IntRange(min=1),
        default=None,
        help="Runs at a time, in the order of mltk.yaml; all when not given. Says its plan before.",
    )(command)


def refuse_parallel(on: Where, parallel: int | None) -> None:
    """UsageError for a number of runs where the queue of a cluster says it."""
    if on.cluster and parallel is not None:
        raise UsageError(
            "--parallel is for the engine of this machine; on a cluster all runs are made, and the"
            " queue lets them go",
            hint="leave it out, and write `limits: {project: N}` into mltk.yaml (docs/queue.md)",
        )


def cache_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--no-cache`; the command gets `cache: bool`."""
    return click.option(
        "--no-cache",
        "cache",
        flag_value=False,
        default=True,
        help="Do every task again, also those whose inputs are the same.",
    )(command)


def runtime_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--runtime`; the command gets `runtime: str | None`."""
    return click.option(
        "--runtime",
        type=click.Choice(RUNTIMES),
        default=None,
        help="What steps are: processes kept apart where the kernel permits it (process), plain"
        " ones, which see all of this machine (plain), or containers of podman or docker, made from"
        " the images that they name (container).  [default: process]",
    )(command)


def wait_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--no-wait`; the command gets `wait: bool`."""
    return click.option(
        "--no-wait",
        "wait",
        flag_value=False,
        default=True,
        help="Make the runs, print their names and leave them to Tekton, or to `mltk serve`.",
    )(command)


def check_engine(
    on: Where, *, jobs: int | None, cache: bool, runtime: str | None, wait: bool = True
) -> None:
    """Refuse what the chosen engine does not have; UsageError says what to type instead."""
    if on.cluster:
        options = {"--jobs": jobs is not None, "--no-cache": not cache, "--runtime": bool(runtime)}
        for option, given in options.items():
            if given:
                raise UsageError(
                    f"{option} is for the engine of this machine; on a cluster Tekton decides",
                    hint=f"leave {option} out, or type --on local",
                )
    elif not wait:
        raise UsageError(
            "--no-wait is for a cluster: on this machine a run ends with its command",
            hint="type --on cluster, or put an & behind the command and use mltk wait",
        )
