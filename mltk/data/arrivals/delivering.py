"""From the arrival of data to a branch: in a clone that is pushed, or in the user's work tree."""

from __future__ import annotations

import dataclasses
import fcntl
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from mltk.data.arrivals.ingest import Open, Outcome, Place, clear, ingest
from mltk.data.arrivals.wanted import Table
from mltk.data.dvc import tracker
from mltk.data.objects import dvc_project
from mltk.errors import ConfigError, Conflict, InfrastructureError
from mltk.project.changes import SKIP
from mltk.project.git import Repository, identity
from mltk.urls import without_password

TRIES = 5
"""How often a version is made anew because somebody else pushed meanwhile."""

_LATEST = 20
"""Commits of data, at the end of a branch, of which one may have been left without its runs."""

_PLAIN = ("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false")
_HEAD = re.compile(r"ref: refs/heads/(\S+)\tHEAD")

Choose = Callable[[Repository], Sequence[Table]]
"""Which tables of the project, as it is checked out, are looked at."""


@dataclasses.dataclass(frozen=True)
class Delivery:
    """What came of it: the commit that has the data, and what is in it.

    `before` is the commit before those of data that the branch ends with; `revision` itself when it
    ends with another. `due` are the models whose data changed since: of what is new, and of what
    an earlier look left behind that could not push it or was killed.
    """

    before: str
    revision: str
    outcomes: tuple[Outcome, ...]
    due: tuple[str, ...]

    @property
    def is_due(self) -> bool:
        """Whether runs may be due: of what is new, or of what a look that was killed had pushed."""
        return self.before != self.revision

    @property
    def models(self) -> tuple[str, ...]:
        """The models whose data have a new version."""
        names = (name for each in self.outcomes if each.taken for name in each.table.models)
        return tuple(dict.fromkeys(names))


def own_tree(url: str) -> Repository | None:
    """The work tree that `url` means when it is a folder of this machine; None for a repository."""
    root = Path(url.removeprefix("file://"))
    return Repository(root.resolve()) if (root / ".git").exists() else None


def in_place(
    tree: Repository,
    choose: Choose,
    open_storage: Open,
    who: str,
    *,
    push: bool = False,
    wait: bool = False,
) -> Delivery:
    """Take what is new into the work tree and the branch that is checked out.

    Nothing else of the user's work is touched. With `push` the data go to the DVC remote, then the
    branch to where it is pushed by default, also when an earlier look could not push them. While
    another process does the same here, `wait` for it to end; otherwise Conflict.
    """
    folder = Path(tree.git("rev-parse", "--absolute-git-dir").strip()) / "mltk-arrivals"
    folder.mkdir(exist_ok=True)
    with _alone(folder, wait):
        place = Place(tree, tree.root, folder, who)
        outcomes = ingest(place, _of_branch(choose(tree), _branch(tree)), open_storage)
        clear(place)
        if push:
            _push_all(tree)
        return _delivery(tree, outcomes)


def in_clone(url: str, folder: Path, choose: Choose, open_storage: Open, who: str) -> Delivery:
    """Take what is new into a clone of `url` in `folder`, and push the data, then the branch.

    When somebody else pushes meanwhile it is done anew, on top of his work. Errors are git's and
    DVC's as InfrastructureError; Conflict when that happens again and again.
    """
    clone = Repository(folder.resolve() / "clone", ours=True)
    place = Place(clone, clone.root, folder.resolve() / "work", who)
    for _ in range(TRIES):
        branch = _clone(clone, url, choose, who)
        outcomes = ingest(place, choose(clone), open_storage)
        if not any(each.commit for each in outcomes):
            return _delivery(clone, outcomes)
        _push_data(clone, outcomes)
        if _push(clone, (url, f"HEAD:refs/heads/{branch}")):
            clear(place)
            return _delivery(clone, outcomes)
    raise Conflict(
        f"others pushed to {branch} {TRIES} times while the data were added to it",
        where=without_password(url),
        hint="run it again; nothing is lost",
    )


def _delivery(tree: Repository, outcomes: tuple[Outcome, ...]) -> Delivery:
    said = tree.git("log", "--first-parent", f"--max-count={_LATEST}", "--format=%H %P\t%s")
    before = revision = tree.head()
    for line in said.splitlines():
        commits, _, subject = line.partition("\t")
        _, *parents = commits.split()
        if not subject.endswith(SKIP) or not parents:
            break
        before = parents[0]
    changed = set(_changed(tree, before, revision))
    found = ((each, tracker(tree, each.table.path, revision)) for each in outcomes)
    due = [one.table.models for one, dvc in found if one.taken or (dvc and dvc[0] in changed)]
    return Delivery(before, revision, outcomes, tuple(dict.fromkeys(chain.from_iterable(due))))


def _changed(tree: Repository, before: str | None, revision: str) -> list[str]:
    """The .dvc files that changed since `before` (None: all of them) and are there."""
    if before is None:
        return [each for each in tree.files(revision) if each.endswith(".dvc")]
    words = ("diff", "--name-only", "--no-renames", "--diff-filter=d", "-z", before, revision)
    return [each for each in tree.git(*words).split("\0") if each.endswith(".dvc")]


def _clone(clone: Repository, url: str, choose: Choose, who: str) -> str:
    """Check out the branch that gets the data, with the main one in it; its name."""
    shutil.rmtree(clone.root, ignore_errors=True)
    clone.root.mkdir(parents=True)
    clone.git("init", "--quiet")
    try:
        listing = clone.git("ls-remote", "--symref", "--", url, "HEAD")
        clone.git("fetch", "--quiet", "--no-tags", "--", url, "+refs/heads/*:refs/remotes/origin/*")
    except InfrastructureError as error:
        raise InfrastructureError(
            f"the repository cannot be fetched: {error.what}",
            where=without_password(url),
            hint="`git ls-remote URL` tells whether the URL and the credentials are right",
        ) from None
    found = _HEAD.search(listing)
    if found is None:
        raise ConfigError("the repository has no commit yet", where=without_password(url))
    main = found[1]
    clone.git(*_PLAIN, "checkout", "--quiet", "--force", "-B", main, f"refs/remotes/origin/{main}")
    # mltk.yaml names one branch for all.
    branch = next((each.setting.branch for each in choose(clone)), None) or main
    if branch != main and clone.try_git("rev-parse", "--verify", f"refs/remotes/origin/{branch}"):
        clone.git(*_PLAIN, "checkout", "--quiet", "--force", "-B", branch, f"origin/{branch}")
        _merge(clone, branch, main, who)
    return branch


def _merge(clone: Repository, branch: str, main: str, who: str) -> None:
    words = ("merge", "--quiet", "--no-verify", "--no-gpg-sign")
    said = ("-m", f"Take {main} into {branch} {SKIP}", f"refs/remotes/origin/{main}")
    if clone.try_git(*_PLAIN, *words, *said, env=identity(who)) is None:
        raise ConfigError(
            f"the branches {branch} and {main} do not merge by themselves",
            where="git",
            hint=f"type `git switch {branch}` and `git merge {main}`, mend what it names (a .dvc"
            " file and its .arrivals from the same side: `git checkout --ours FILES`, or --theirs),"
            " then `git commit --all` and `git push`",
        )


def _of_branch(tables: Sequence[Table], branch: str | None) -> Sequence[Table]:
    """The tables, when what is checked out is the branch that they want."""
    for table in tables:
        if table.setting.branch not in (None, branch):
            raise ConfigError(
                f"data for {table.path} go to the branch {table.setting.branch}, and checked out is"
                f" {branch or 'none'}",
                where="mltk.yaml",
                hint=f"type `git switch {table.setting.branch}`, or name a bare repository",
            )
    return tables


def _branch(tree: Repository) -> str | None:
    found = tree.try_git("symbolic-ref", "--quiet", "--short", "HEAD")
    return found.strip() if found else None


def _push_data(tree: Repository, outcomes: Sequence[Outcome]) -> None:
    head = tree.head()
    found = [tracker(tree, each.table.path, head) for each in outcomes if each.taken]
    _send(tree, {each[0] for each in found if each})


def _push_all(tree: Repository) -> None:
    """Push what HEAD has and the place that it is pushed to has not: the data, then the branch."""
    head, there = tree.head(), tree.try_git("rev-parse", "--verify", "--quiet", "@{push}^{commit}")
    pushed = there.strip() if there else None  # None: git says what it lacks, or makes the branch
    if pushed and not tree.git("rev-list", "--max-count=1", f"{pushed}..{head}").strip():
        return
    _send(tree, _changed(tree, pushed, head))
    if not _push(tree, ()):
        raise Conflict(
            "the branch has commits that are not here, so it was not pushed",
            where=str(tree.root),
            hint="type `git pull --rebase` and `git push`; the data are pushed",
        )


def _send(tree: Repository, dvc_files: Iterable[str]) -> None:
    """Send what .dvc files name to the DVC remote."""
    targets = sorted(str(tree.root / each) for each in dvc_files if (tree.root / each).is_file())
    if not targets:
        return
    with dvc_project(tree.root) as repo:
        if not repo.config["core"].get("remote"):
            raise ConfigError(
                "the project has no DVC remote, so the data would be on this machine alone",
                where=".dvc/config",
                hint="type `dvc remote add -d storage URL`, commit, and push",
            )
        repo.push(targets)


def _push(tree: Repository, words: Sequence[str]) -> bool:
    """Push; False when somebody else was faster."""
    try:
        tree.git(*_PLAIN, "push", "--quiet", *words)
    except InfrastructureError as error:
        if any(word in error.what for word in ("fetch first", "non-fast-forward", "cannot lock")):
            return False
        declined = "declined" in error.what or "protected" in error.what
        raise InfrastructureError(
            f"the branch cannot be pushed: {error.what}",
            where=str(tree.root),
            hint="let this account push to the branch, or name another in arrival.branch"
            if declined
            else "see that the credentials may write to the repository",
        ) from None
    return True


@contextmanager
def _alone(folder: Path, wait: bool) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            raise Conflict(
                "another process is taking data into this project",
                where=str(folder.parent.parent),
                hint="it takes what is there; look again when it is done",
            ) from None
        yield
