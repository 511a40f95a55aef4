"""The cases: files of objects, of which the last is the run.

What a user does while a run goes on stands in its annotations: ``parity/patch`` is a merge patch,
``parity/once`` says when it comes: when a step runs (TASK/STEP, or /STEP in a TaskRun) or when the
run has a reason. ``parity/flags`` are feature flags that Tekton has meanwhile, as JSON.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mltk.tekton.manifest import parse
from mltk.tekton.objects import Obj, annotations_of, name_of

FOLDER = Path(__file__).parent / "cases"
_USER = {"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532}
ONCE, PATCH, FLAGS = "parity/once", "parity/patch", "parity/flags"


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

    @property
    def flags(self) -> dict[str, str]:
        """The feature flags that it needs beside those that Tekton is installed with."""
        return dict(json.loads(annotations_of(self.run).get(FLAGS, "{}")))


def cases() -> list[Case]:
    """The runs to compare, those that take longest first."""
    found = [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]
    found.sort(key=lambda case: "timeout" not in case.name)
    return [replace(case, run=unprivileged(case.run)) for case in found]


def refused() -> list[Case]:
    """Objects that neither engine takes."""
    return [_read(path) for path in sorted((FOLDER / "refused").glob("*.yaml"))]


def _read(path: Path) -> Case:
    *given, run = (each.obj for each in parse(path.read_text(encoding="utf-8"), path.name))
    assert name_of(run) == path.stem, f"{path}: the run is to be called {path.stem}"
    return Case(path.stem, given, run)


def unprivileged(run: Obj) -> Obj:
    """The run with a podTemplate that names a user: the image has none, and root may not be."""
    spec = copy.deepcopy(run["spec"])
    holder = spec.setdefault("taskRunTemplate", {}) if run["kind"] == "PipelineRun" else spec
    holder.setdefault("podTemplate", {}).setdefault("securityContext", dict(_USER))
    return {**run, "spec": spec}
