"""The cases: files of objects, of which the last is the run.

What a user does while a run goes on stands in its annotations: ``parity/patch`` is a merge patch,
``parity/once`` says when it comes: when a step runs (TASK/STEP, or /STEP in a TaskRun) or when the
run has a reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mltk.tekton.manifest import parse
from mltk.tekton.objects import Obj, annotations_of, name_of

FOLDER = Path(__file__).parent / "cases"
ONCE, PATCH = "parity/once", "parity/patch"


@dataclass(frozen=True)
class Act:
    """A patch that comes `once` a step runs (TASK/STEP), or the run has that reason."""

    once: str
    patch: Obj


@dataclass(frozen=True)
class Case:
    """Objects to be there, and the run to be made."""

    name: str
    given: Sequence[Obj]
    run: Obj

    @property
    def act(self) -> Act | None:
        """What a user does meanwhile."""
        found = annotations_of(self.run)
        return Act(found[ONCE], json.loads(found[PATCH])) if ONCE in found else None


def cases() -> list[Case]:
    """The runs to compare, those that take longest first."""
    return sorted(map(_read, FOLDER.glob("*.yaml")), key=lambda case: "timeout" not in case.name)


def refused() -> list[Case]:
    """Objects that neither engine takes."""
    return [_read(path) for path in sorted((FOLDER / "refused").glob("*.yaml"))]


def _read(path: Path) -> Case:
    *given, run = (each.obj for each in parse(path.read_text(encoding="utf-8"), path.name))
    assert name_of(run) == path.stem, f"{path}: the run is to be called {path.stem}"
    return Case(path.stem, given, run)
