"""A version of a table that is built, made what the repository names: `dvc add` and a commit.

The files change one by one, the commit is one: what a killed process left behind is known by its
journal, and is never taken for the user's own work, nor his for ours.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path, PurePosixPath

from mltk.data.arrivals import ledger
from mltk.data.arrivals.building import Built
from mltk.data.arrivals.ledger import Entry, Ledger
from mltk.data.arrivals.wanted import Table
from mltk.data.dvc import Tracked, locate, refuse_changed, tracker
from mltk.data.objects import dvc_project, fetch_object, md5
from mltk.errors import ConfigError, DataError
from mltk.project.changes import SKIP
from mltk.project.git import Repository
from mltk.wording import counted

_MOST_NAMED = 50


@dataclasses.dataclass(frozen=True)
class Standing:
    """What HEAD says of a table: its bytes (None: there are none yet), and what was taken."""

    tracked: Tracked | None
    dvc_file: str
    ledger: Ledger

    @property
    def ledger_file(self) -> str:
        """Where the ledger lies."""
        return ledger.place(self.dvc_file)


@dataclasses.dataclass(frozen=True)
class Journal:
    """Says of a file in the work tree that it was put there by us, before it is."""

    file: Path

    def owns(self, path: str, digest: str) -> bool:
        """Whether these bytes under `path` are ours."""
        try:
            return bool(json.loads(self.file.read_text(encoding="utf-8")).get(path) == digest)
        except (OSError, ValueError, AttributeError):
            return False

    def note(self, path: str, digest: str) -> None:
        """Say so."""
        draft = self.file.with_suffix(".part")
        draft.write_text(json.dumps({path: digest}), encoding="utf-8")
        draft.replace(self.file)


def standing(tree: Repository, objects: Path, table: Table) -> Standing:
    """What HEAD says of a table; ConfigError for one that git tracks, or that dvc.yaml makes."""
    head = tree.head()
    found = tracker(tree, table.path, head)
    if found is None:
        _refuse_untrackable(tree, head, table.path)
        dvc_file, tracked = f"{table.path}.dvc", None
    else:
        dvc_file, output = found
        if PurePosixPath(dvc_file).name == "dvc.lock":
            raise ConfigError(
                f"'{table.path}' is made by dvc.yaml, so nothing can arrive in it",
                where=dvc_file,
                hint="let data arrive in what dvc.yaml reads",
            )
        tracked = _tracked(tree, objects, table.path, head, output)
    taken = ledger.read(tree.read(head, ledger.place(dvc_file)), ledger.place(dvc_file))
    return Standing(tracked, dvc_file, taken)


def base_of(objects: Path, now: Standing) -> Path | None:
    """The table's bytes as HEAD names them."""
    tracked = now.tracked
    if tracked is None:
        return None
    return fetch_object(objects, tracked.digest, tracked.remote, now.dvc_file)


def settle(tree: Repository, objects: Path, table: Table, now: Standing, journal: Journal) -> None:
    """Take back what a killed process left; ConfigError for work of the user's own."""
    _put_back(tree, now.ledger_file)
    _catch_up(tree, now.ledger_file, now.dvc_file)
    file, tracked = tree.root / table.path, now.tracked
    digest = md5(file) if file.is_file() else ""
    if digest and journal.owns(table.path, digest):
        _put_back(tree, now.dvc_file)
        if tracked is None:
            file.unlink()
        elif digest != tracked.digest and (base := base_of(objects, now)):
            _copy(base, file)
        return
    if _differs(tree, now.dvc_file):
        raise ConfigError(
            "is changed and not committed, so it is not known what data are to be added to",
            where=now.dvc_file,
            hint=f"commit it, or type `git checkout {now.dvc_file}` and `dvc checkout`",
        )
    if tracked is not None:
        refuse_changed(tree, tracked)
    elif digest:
        raise ConfigError(
            f"'{table.path}' is there, and tracked neither by DVC nor by git",
            where=table.path,
            hint=f"type `dvc add {table.path}` and commit {table.path}.dvc, or move it away",
        )


def record(
    tree: Repository, table: Table, now: Standing, built: Built, journal: Journal, who: str
) -> str:
    """Put the draft into place, under DVC, and commit it with what it is made of; the SHA."""
    paths = [now.ledger_file]
    if built.taken:
        target = tree.root / table.path
        target.parent.mkdir(parents=True, exist_ok=True)
        journal.note(table.path, md5(built.draft))
        built.draft.replace(target)
        with dvc_project(tree.root) as repo:
            repo.add([str(target)])
        ignored = (PurePosixPath(table.path).parent / ".gitignore").as_posix()
        new = now.tracked is None and (tree.root / ignored).exists()
        paths += [now.dvc_file, *([ignored] if new else [])]
    more = now.ledger.with_more((*built.entries, *built.repeated))
    draft = built.draft.with_name("ledger")
    draft.write_bytes(more.render())
    draft.replace(tree.root / now.ledger_file)
    return tree.commit_paths(paths, message(table, built), who)


def message(table: Table, built: Built) -> str:
    """The commit's message, which names where the data come from."""
    taken, refused = built.taken, built.refused
    rows = sum(each.rows for each in taken)
    if taken:
        said = f"{counted(rows, 'row')} of {counted(len(taken), 'object')}"
    elif refused:
        said = f"{counted(len(refused), 'object')} refused"
    else:
        said = f"{counted(len(built.repeated), 'object')} written again"
    lines = [_line(each) for each in (*taken, *refused)]
    lines += [_printable(f"{each.uri} {each.version}: as before") for each in built.repeated]
    if left := len(lines[_MOST_NAMED:]):
        lines = [*lines[:_MOST_NAMED], f"and {left} more"]
    return "\n".join((f"{table.path}: {said} {SKIP}", "", *lines, ""))


def _line(entry: Entry) -> str:
    said = f"refused, {entry.refused}" if entry.refused else counted(entry.rows, "row")
    return _printable(f"{entry.uri} {entry.version}: {said}")


def _printable(line: str) -> str:
    """The name of an object may hold anything, a line end too."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _refuse_untrackable(tree: Repository, head: str, path: str) -> None:
    """ConfigError for a table without a .dvc file that cannot get one."""
    if tree.read(head, path) is not None:
        raise ConfigError(
            f"'{path}' is kept in git itself, and data that arrive need DVC",
            where=path,
            hint=f"type `git rm --cached {path}`, `dvc add {path}` and commit",
        )
    if tree.try_git("check-ignore", "--quiet", f"{path}.dvc") is not None:
        raise ConfigError(
            f"git ignores {path}.dvc, which is to say what the data are",
            where=".gitignore",
            hint=f"`git check-ignore -v {path}.dvc` names the line; take it out",
        )


def _tracked(tree: Repository, objects: Path, path: str, head: str, output: str) -> Tracked | None:
    """The table as HEAD names it; None when it is to be new in a folder that DVC tracks."""
    try:
        return locate(tree, path, head, objects)
    except DataError:
        raise
    except ConfigError:
        if output == path:
            raise
        return None


def _differs(tree: Repository, path: str) -> bool:
    """Whether a file is there and not as HEAD has it."""
    file = tree.root / path
    return file.is_file() and file.read_bytes() != tree.read(tree.head(), path)


def _put_back(tree: Repository, path: str) -> None:
    """Let a file that mltk wrote be as HEAD has it, or not be there."""
    if not _differs(tree, path):
        return
    committed = tree.read(tree.head(), path)
    if committed is None:
        (tree.root / path).unlink()
    else:
        (tree.root / path).write_bytes(committed)
    tree.catch_up([path])


def _catch_up(tree: Repository, *paths: str) -> None:
    """Bring the index up to a commit after which a process was killed.

    The next commit of the user's would take our commit back.
    """
    for path in paths:
        staged = tree.try_git("diff", "--cached", "--quiet", "--", path) is None
        if staged and (tree.root / path).is_file() and not _differs(tree, path):
            tree.catch_up([path])


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, draft)
    draft.replace(target)
