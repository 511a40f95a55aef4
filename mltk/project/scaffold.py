"""`mltk init`: a table of the user's own becomes a project that runs as it is."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mltk.data.objects import dvc_library
from mltk.data.reader import TextTable, read_file
from mltk.data.table import read_table
from mltk.errors import ConfigError, DataError, UsageError
from mltk.problems import load_problem
from mltk.project.git import Repository
from mltk.project.infer import Inference, delimiter_of, infer
from mltk.project.load import FILENAME, parse
from mltk.project.spec import Project
from mltk.project.templates import render

if TYPE_CHECKING:
    from mltk.problems.base import Problem

REMOTE = "dvc-remote"
_IGNORED = ("/data", f"/{REMOTE}", ".mltk/")


@dataclasses.dataclass(frozen=True)
class Scaffold:
    """What `init` made: the folder, the model's name, what was inferred, and the commit.

    `around` is the top of another git repository that the folder lies in, `anonymous` whether the
    commit is in the name of `mltk.project.git.SOMEONE`, because git knows nobody.
    """

    folder: Path
    model: str
    inference: Inference
    revision: str
    around: Path | None
    anonymous: bool


def init(
    folder: Path,
    csv: Path,
    target: str | None,
    problem: str | None = None,
    name: str | None = None,
    git: str = "git",
) -> Scaffold:
    """Start a project in `folder` (new or empty) that learns column `target` of the file `csv`.

    A `problem` that learns the rows themselves takes no target; else it is inferred from the
    target when it is None. `name` of the project comes from the folder when it is None.
    Nothing is written unless the table can be learnt from: the checks of the `validate` step run
    first. Raises UsageError for a folder in use, DataError for the table.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "the folder is not empty", where=str(folder), hint="give `mltk init` a new folder"
        )
    kind = load_problem(problem) if problem else None
    _refuse_target(target, kind)
    table, delimiter = _read(csv)
    texts = kind is None or "categorical" in kind.feature_types
    found = infer(table, target, problem, csv.name, texts=texts)
    project, model = _slug(name or folder.name), _slug(csv.stem)
    path = f"data/{csv.name}"
    names = {"project": project, "model": model, "found": found, "path": path}
    trivial = "majority class" if found.classes else "mean" if found.target else "simplest one"
    text = render("project.yaml.j2", **names, delimiter=delimiter, trivial=trivial)
    _check(parse(text), csv, found)
    existed = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILENAME).write_text(text, encoding="utf-8")
        (folder / "README.md").write_text(render("readme.md.j2", **names), encoding="utf-8")
        repository = _track(folder, csv, path, git)
        revision = repository.commit_all("Start the project")
    except BaseException:
        _undo(folder, existed)
        raise
    anonymous = not repository.knows_committer()
    return Scaffold(folder, model, found, revision, repository.around(), anonymous)


def _refuse_target(target: str | None, kind: Problem | None) -> None:
    """Refuse a target that is named for no use, and one that is missing."""
    alone = kind is not None and kind.target_kind == "rows"
    if target is None and not alone:
        raise UsageError(
            "no target is named",
            hint="name the column to learn with --target, or with --problem a kind that learns the"
            " rows themselves: density, reduction, generative",
        )
    if kind is not None and kind.target_kind == "labels":
        raise UsageError(
            f"{kind.name} learns several columns, and `mltk init` names one",
            hint="leave --problem out, then write `problem:` and `targets:` into mltk.yaml",
        )
    if kind is not None and target is not None and alone:
        raise UsageError(
            f"{kind.name} learns the rows themselves, and takes no target",
            hint="leave --target out; the column may be a feature",
        )


def _read(csv: Path) -> tuple[TextTable, str]:
    try:
        with csv.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            delimiter = delimiter_of(stream.read(65536))
    except FileNotFoundError:
        raise DataError(
            "there is no such file", where=str(csv), hint="give --data the path of a CSV file"
        ) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(csv)) from None
    return read_file(csv, csv.name, delimiter), delimiter


def _check(project: Project, csv: Path, found: Inference) -> None:
    """What the `validate` step would say on the first run is better said now."""
    (model,) = project.models.values()
    read_table(csv, model, load_problem(found.problem).target_kind)


def _track(folder: Path, csv: Path, path: str, program: str) -> Repository:
    """Put the data under DVC, in a new git repository that has no commit yet."""
    repository = Repository(folder, program)
    repository.git("-c", "init.defaultBranch=main", "init", "--quiet")
    (folder / path).parent.mkdir()
    shutil.copyfile(csv, folder / path)
    (folder / ".gitignore").write_text("".join(f"{line}\n" for line in _IGNORED))
    _add_to_dvc(folder)
    return repository


def _add_to_dvc(folder: Path) -> None:
    with dvc_library() as library:
        with library.init(str(folder)) as repo, repo.config.edit("repo") as config:
            config["core"] |= {"remote": "storage", "analytics": False}
            # What is relative to the current folder, DVC writes relative to .dvc/, so that the
            # project may be moved.
            config["remote"]["storage"] = {"url": os.path.relpath(folder / REMOTE)}
        # Opened anew, because the one above does not know its remote.
        with library(str(folder)) as repo:
            repo.add([str(folder / "data")])
            repo.push()


def _undo(folder: Path, existed: bool) -> None:
    """Leave the folder as it was: absent or empty."""
    shutil.rmtree(folder, ignore_errors=True)
    if existed:
        folder.mkdir(exist_ok=True)


def _slug(text: str) -> str:
    """`text` as a name for Kubernetes: lower-case letters, digits and dashes, at most 40."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not slug:
        raise ConfigError(f"'{text}' gives no name", hint="type --name NAME")
    return (slug if slug[0].isalpha() else f"m-{slug}")[:40].rstrip("-")
