"""What the annotations of a run ask for; what cannot be read is said, and taken in the safe way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TypeVar

from mltk.queueing.annotations import (
    LONGEST_WAIT,
    NEWEST_WINS,
    PROJECT_LIMIT,
    QUEUE,
    QUEUE_LIMIT,
    QUIET_PERIOD,
)
from mltk.tekton.durations import parse_duration

_SAFE_LIMIT = 1
_LONGEST_IN_QUIETS = 10
_LONGEST_TEXT = 40
_NONE = timedelta(0)

T = TypeVar("T")


@dataclass(frozen=True)
class Rules:
    """How a run waits. A limit of None is none; `longest` counts only with a `quiet` period."""

    queue_limit: int | None = None
    project_limit: int | None = None
    newest_wins: bool = False
    quiet: timedelta = _NONE
    longest: timedelta = _NONE


def read_rules(annotations: Mapping[str, str]) -> tuple[Rules, tuple[str, ...]]:
    """The rules, and what is wrong with their text.

    A limit that is none is taken as 1, `newest-wins` that is neither as false, so that nothing is
    cancelled; a duration that is none is left out.
    """
    said = (QUEUE, QUEUE_LIMIT, PROJECT_LIMIT, NEWEST_WINS, QUIET_PERIOD, LONGEST_WAIT)
    return _read(tuple(annotations.get(name) for name in said))


@lru_cache(maxsize=1024)  # all runs of a queue say the same
def _read(said: tuple[str | None, ...]) -> tuple[Rules, tuple[str, ...]]:
    queue, queue_limit, project_limit, newest_wins, quiet_period, longest_wait = said
    problems: list[str] = []

    def value(name: str, text: str | None, read: Callable[[str], T], safe: T, absent: T) -> T:
        if text is None:
            return absent
        try:
            return read(text)
        except ValueError as error:
            problems.append(f"annotation {name}: {error}")
            return safe

    if queue is not None and not queue.strip():
        problems.append(f"annotation {QUEUE}: the queue has no name")
    quiet = value(QUIET_PERIOD, quiet_period, _period, _NONE, _NONE)
    usual = _LONGEST_IN_QUIETS * quiet
    rules = Rules(
        value(QUEUE_LIMIT, queue_limit, _limit, _SAFE_LIMIT, None),
        value(PROJECT_LIMIT, project_limit, _limit, _SAFE_LIMIT, None),
        value(NEWEST_WINS, newest_wins, _truth, False, False),
        quiet,
        value(LONGEST_WAIT, longest_wait, _period, usual, usual),
    )
    if longest_wait is not None and not quiet:
        problems.append(f"annotation {LONGEST_WAIT}: means nothing without {QUIET_PERIOD}")
    return rules, tuple(problems)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text)):
        raise ValueError(f"'{_cut(text)}' is not a number from 1 on; 1 is taken")
    return int(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"'{_cut(text)}' is neither true nor false; false is taken")
    return text == "true"


def _period(text: str) -> timedelta:
    try:
        # What is longer may take long to read.
        found = parse_duration(text if len(text) <= _LONGEST_TEXT else "")
    except (ValueError, OverflowError):
        raise ValueError(f"'{_cut(text)}' is not a duration such as 30s; it is left out") from None
    if not _NONE <= found <= timedelta(days=3650):
        raise ValueError(f"'{text}' is no time to wait; it is left out")
    return found


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
