"""Which models a push concerns: those whose section, data or named files changed with it.

The key decides in the end what is trained. This spares the question for a model that nothing
changed for; where it is not sure, it asks.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Collection
from pathlib import PurePosixPath

from mltk.errors import MltkError
from mltk.project.git import Repository
from mltk.project.load import FILENAME, parse
from mltk.project.spec import Model, Project

SKIP = "[skip mltk]"
_NO_COMMIT = "0" * 40  # what a host names where a branch was not there before


@dataclasses.dataclass(frozen=True)
class Concern:
    """The models that a push concerns, and why it is all of them (empty: it need not be)."""

    models: tuple[str, ...]
    all_because: str = ""


def concerned(
    project: Project, repository: Repository, before: str, now: str | None = None
) -> Concern:
    """The models that changed from commit `before` to `now` (default: HEAD).

    The two are compared as they are, whatever lies between them. All models where that cannot be
    told: a new branch, history that was rewritten so that a clone does not hold `before`, a project
    file that could not be read then.
    """
    everything = tuple(project.models)
    if before in ("", _NO_COMMIT):
        return Concern(everything, "nothing was there before")
    head = now or repository.head()
    # What starts with a dash would be read as an option.
    known = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{before}^{{commit}}")
    if repository.try_git(*known) is None:
        return Concern(
            everything, f"the commit before, {before[:12]}, is not there: history was rewritten"
        )
    if SKIP in repository.git("show", "--no-patch", "--format=%B", before):
        return Concern(everything, f"{before[:12]} was skipped by {SKIP}")
    text = repository.read(before, FILENAME)
    try:
        old = parse((text or b"").decode("utf-8-sig"))
    except (MltkError, UnicodeDecodeError):
        return Concern(everything, f"{FILENAME} of {before[:12]} cannot be read")
    listing = repository.git("diff", "--name-only", "--no-renames", "-z", before, head)
    return Concern(touched(old, project, [each for each in listing.split("\0") if each]))


def touched(old: Project, new: Project, changed: Collection[str]) -> tuple[str, ...]:
    """The models of `new` that changed files, or a change of the project, concern. Pure."""
    if old.model_dump(exclude={"models"}) != new.model_dump(exclude={"models"}):
        return tuple(new.models)
    return tuple(
        name
        for name, model in new.models.items()
        if old.models.get(name) != model or any(_is_of(model, path) for path in changed)
    )


def _is_of(model: Model, path: str) -> bool:
    # What DVC tracks may lie elsewhere than its file does, so any of its files may mean any data.
    by_dvc = path.endswith(".dvc") and not _is_of_others(model, path)
    if by_dvc or path.startswith(".dvc/") or PurePosixPath(path).name in ("dvc.lock", "dvc.yaml"):
        return True
    return path == model.data.path or any(fnmatch.fnmatchcase(path, each) for each in model.paths)


def _is_of_others(model: Model, dvc_file: str) -> bool:
    """Whether a .dvc file lies where `dvc add` puts that of another file in the same folder."""
    tracked, own = PurePosixPath(dvc_file.removesuffix(".dvc")), PurePosixPath(model.data.path)
    return tracked.parent == own.parent and tracked != own and bool(tracked.suffix)
