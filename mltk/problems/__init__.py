"""The kinds of problem, found by the entry point group `mltk.problems`."""

from __future__ import annotations

import functools
import importlib.metadata
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mltk.errors import ConfigError

if TYPE_CHECKING:
    from mltk.problems.base import Problem

GROUP = "mltk.problems"


def installed() -> dict[str, importlib.metadata.EntryPoint]:
    """Give the kinds of problem of the installed packages, by name, none of them imported."""
    return dict(_installed(tuple((place, _changed(place)) for place in sys.path)))


@functools.lru_cache(maxsize=1)
def _installed(
    _places: tuple[tuple[str, int], ...],
) -> Mapping[str, importlib.metadata.EntryPoint]:
    """Look through all packages, which takes a moment, once for the places as they are."""
    return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}


def _changed(place: str) -> int:
    """When something came to a place of packages or went; 0 where it is not there."""
    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return 0


def load_problem(name: str) -> Problem:
    """Give the kind of problem called `name`; ConfigError that lists the kinds for another name."""
    from mltk.wording import did_you_mean

    points = installed()
    if name not in points:
        raise ConfigError(
            f"no kind of problem '{name}'{did_you_mean(name, points)}",
            hint=f"kinds of problem: {', '.join(sorted(points))}",
        )
    problem: Problem = points[name].load()()
    return problem
