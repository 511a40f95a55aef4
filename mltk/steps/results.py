"""Results of a step: short texts in the files that the Task names.

All results of a TaskRun share 4,096 bytes on Tekton, so a result is a reference, a verdict or a
few numbers, never a table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from mltk.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

_ROOM = 2000
"""Bytes that metrics may take of those that all results share; several targets have many."""

Requested = Mapping[str, Path]
"""Where to write which result: name -> file."""


def result_option(command: F) -> F:
    """Add `--result NAME=PATH` (repeatable); the command gets `results: Requested`."""
    return click.option(
        "--result",
        "results",
        multiple=True,
        metavar="NAME=PATH",
        callback=_parse,
        help="File for a result, e.g. --result metrics=$(results.metrics.path).",
    )(command)


def write(requested: Requested, values: Mapping[str, str]) -> None:
    """Write those of `values` that were asked for; UsageError for a name that is not there."""
    for name, path in requested.items():
        if name not in values:
            raise UsageError(
                f"this step has no result '{name}'", hint=f"its results: {', '.join(values)}"
            )
        path.write_text(values[name], encoding="utf-8")


def metrics_text(values: Mapping[str, float], room: int = _ROOM) -> str:
    """Give metrics as JSON of at most `room` bytes; of those with no room MLflow tells."""
    told: dict[str, float] = {}
    left = room - len("{}")
    for name, value in values.items():
        rounded = float(f"{value:.6g}")
        left -= len(_compact({name: rounded})) - len("{}") + len(",")
        if left < 0:
            break
        told[name] = rounded
    return _compact(told)


def _compact(value: Mapping[str, float]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _parse(_ctx: click.Context, _param: click.Parameter, items: tuple[str, ...]) -> dict[str, Path]:
    requested: dict[str, Path] = {}
    for item in items:
        name, separator, path = item.partition("=")
        if not (name and separator and path):
            raise click.BadParameter(f"'{item}' is not NAME=PATH")
        requested[name] = Path(path)
    return requested
