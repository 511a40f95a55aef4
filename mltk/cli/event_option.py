"""`--event-id`: the event that runs are made for, from a trigger's label to the model's tags."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

PARAM = "event-id"
"""The param of the Pipeline that carries it."""

RULE = "is no id of an event: it becomes a label, of at most 63 letters, digits, '-', '_' and '.'"
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def event_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--event-id`; the command gets `event_id: str`, empty where a person asks."""
    return click.option(
        "--event-id",
        default="",
        envvar="MLTK_EVENT_ID",
        show_envvar=True,
        metavar="ID",
        callback=_checked,
        help="Event that asks for the runs; they and the versions that they register name it.",
    )(command)


def is_event_id(text: str) -> bool:
    """Whether a label can have it as value."""
    return _LABEL.fullmatch(text) is not None


def _checked(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value and not is_event_id(value):
        raise click.BadParameter(f"'{value}' {RULE}")
    return value
