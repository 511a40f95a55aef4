"""The kinds of problem, found by the entry point group `mltk.problems`."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

from mltk.errors import ConfigError

if TYPE_CHECKING:
    from mltk.problems.base import Problem

GROUP = "mltk.problems"


def installed() -> dict[str, importlib.metadata.EntryPoint]:
    """Give the kinds of problem of the installed packages, by name, none of them imported."""
    return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}


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
