"""Which models a push concerns: those whose section, data or named files changed with it.

The key decides in the end what is trained. This spares the question for a model that nothing
changed for; where it is not sure, it asks.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from mltk.data.dvc import tracker
from mltk.errors import ConfigError, MltkError
from mltk.project.checking import SCHEMA_FILE
from mltk.project.git import Repository
from mltk.project.load import FILENAME, parse
from mltk.project.spec import Model, Project

SKIP = "[skip mltk]"
"""Whoever starts runs for pushes leaves out a commit that says so, as those of data that arrived:
their runs are started already."""

_NO_COMMIT = "0" * 40  # what a host names where a branch was not there before


@dataclasses.dataclass(frozen=True)
class Concern:
    """The models that a push concerns, and why it is all of them (empty: it need not be).

    Of those `by_data` nothing but the data changed.
    """

    models: tuple[str, ...]
    all_because: str = ""
    by_data: frozenset[str] = frozenset()


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
    changed = [each for each in listing.split("\0") if each]
    moved = {
        name
        for name, model in project.models.items()
        if _has_other_data(repository, model.data.path, changed, (before, head))
    }
    return touched(old, project, changed, moved)


def touched(
    old: Project, new: Project, changed: Collection[str], moved: Collection[str]
) -> Concern:
    """The models of `new` that changed files, or a change of the project, concern. Pure.

    `moved` names the models that may have other data now.
    """
    if old.model_dump(exclude={"models"}) != new.model_dump(exclude={"models"}):
        return Concern(tuple(new.models))
    themselves = {
        name
        for name, model in new.models.items()
        if old.models.get(name) != model or any(_is_named(model, path) for path in changed)
    }
    found = tuple(name for name in new.models if name in themselves or name in moved)
    return Concern(found, by_data=frozenset(moved) - themselves)


def _is_named(model: Model, path: str) -> bool:
    # What the tables must look like is judged for all models: the policy of each has changed.
    return path == SCHEMA_FILE or any(fnmatch.fnmatchcase(path, each) for each in model.paths)


def _has_other_data(
    repository: Repository, path: str, changed: Collection[str], revisions: Iterable[str]
) -> bool:
    """Whether the file `path`, or what says which version of it is meant, is among `changed`.

    A .dvc file may lie anywhere and have any name: what it tracks stands in it.
    """
    if path in changed or any(map(_is_of_all_data, changed)):
        return True
    if not any(each.endswith(".dvc") or _name(each) == "dvc.lock" for each in changed):
        return False
    try:
        found = [tracker(repository, path, revision) for revision in revisions]
    except ConfigError:  # some .dvc file cannot be read, and may be the one
        return True
    return any(each is not None and each[0] in changed for each in found)


def _is_of_all_data(path: str) -> bool:
    return path.startswith(".dvc/") or _name(path) == "dvc.yaml"


def _name(path: str) -> str:
    return PurePosixPath(path).name
