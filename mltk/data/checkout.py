"""A project at one revision, in a folder of its own, with the one data file that a model needs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from mltk.data.dvc import Tracked, locate
from mltk.data.objects import fetch_object, md5
from mltk.errors import ConfigError, DataError, InfrastructureError, NotFound, UsageError
from mltk.project.git import Repository
from mltk.urls import without_password

# Hooks of the user's git (`dvc install` writes one) have no business in a clone of ours, and a
# file that git rewrites for the platform would have another digest.
_PLAIN = ("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false")


def check_out(url: str, revision: str, folder: Path) -> Repository:
    """Clone `url` (anything that git takes) at `revision`, a full SHA, into `folder`.

    Only that commit is fetched where the server permits it. A folder that is at the revision
    already is put in order and kept; anything else in its place is replaced, also what a process
    left that was killed at work in it. UsageError for a
    branch or an abbreviation, InfrastructureError when the repository cannot be read, NotFound
    when it lacks the commit.
    """
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", revision):
        raise UsageError(
            f"'{revision}' is no full commit SHA", hint="`git rev-parse HEAD` prints one"
        )
    clone = Repository(folder.resolve(), ours=True)
    checkout = (*_PLAIN, "checkout", "--quiet", "--force", "--detach", revision)
    # A checkout that fails in a clone at hand fails for what a kill left there, a lock for one.
    if not _is_at(clone, revision) or clone.try_git(*checkout) is None:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        clone.git("init", "--quiet")
        _fetch(clone, str(Path(url).resolve()) if Path(url).is_dir() else url, revision)
        clone.git(*checkout)
    return clone


def objects_of(url: str, clone: Repository) -> Path:
    """The DVC project to take data from: the one at `url` when it is a folder of this machine.

    Its cache holds what was added and not pushed, and its remotes may be relative to it.
    """
    local = Path(url.removeprefix("file://"))
    return local.resolve() if (local / ".dvc").is_dir() else clone.root


def materialise(clone: Repository, path: str, revision: str, objects: Path) -> Tracked:
    """Put the data file `path` of `revision` into the clone and prove that its bytes are right.

    Errors are those of ``mltk.data.dvc.locate`` and ``mltk.data.objects.fetch_object``, and
    DataError when the bytes are not those that the revision names.
    """
    tracked = locate(clone, path, revision, objects)
    target = _target(clone, path)
    if target.is_file() and md5(target) == tracked.digest:
        return tracked
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    source = f"git at {revision[:12]}"
    if tracked.dvc_file is None:
        draft.write_bytes(clone.read(revision, path) or b"")
    else:
        present = fetch_object(objects, tracked.digest, tracked.remote, tracked.dvc_file)
        source = str(present)
        shutil.copyfile(present, draft)
    _refuse_other_bytes(draft, tracked, source)
    draft.replace(target)
    return tracked


def _is_at(clone: Repository, revision: str) -> bool:
    if not (clone.root / ".git").exists():
        return False
    return (clone.try_git("rev-parse", "--verify", "HEAD") or "").strip() == revision


def _fetch(clone: Repository, url: str, revision: str) -> None:
    shallow = ("fetch", "--quiet", "--depth=1", "--no-tags", "--", url, revision)
    if clone.try_git(*shallow) is not None:
        return
    # A server may refuse to be asked for a commit that no branch points at.
    everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/mltk/*:refs/mltk/*")
    try:
        clone.git("fetch", "--quiet", "--tags", "--", url, *everything)
    except InfrastructureError as error:
        if "dubious ownership" in error.what:
            raise InfrastructureError(
                "the repository is a folder of another user, which git does not read from",
                where=url,
                hint=f"name a git server's URL, or type"
                f" `git config --global --add safe.directory {url}`",
            ) from None
        raise InfrastructureError(
            f"the repository cannot be fetched: {error.what}",
            where=without_password(url),
            hint="`git ls-remote URL` tells whether the URL and the credentials are right",
        ) from None
    if clone.try_git("cat-file", "-e", f"{revision}^{{commit}}") is None:
        raise NotFound(
            f"the repository has no commit {revision}",
            where=without_password(url),
            hint="push the commit there, then run again",
        )


def _target(clone: Repository, path: str) -> Path:
    target = clone.root / path
    # A symbolic link in the project could lead out of the run's workspace.
    if not target.parent.resolve().is_relative_to(clone.root) or target.is_symlink():
        raise ConfigError(
            f"'{path}' leads out of the project by a symbolic link",
            where=path,
            hint="let data.path in mltk.yaml name the file itself",
        )
    return target


def _refuse_other_bytes(file: Path, tracked: Tracked, source: str) -> None:
    found = md5(file)
    if found == tracked.digest:
        return
    file.unlink()
    raise DataError(
        f"'{tracked.path}' holds other bytes (md5:{found}) than {tracked.dvc_file or 'git'} records"
        f" ({tracked.version})",
        where=source,
        hint=f"the copy is damaged: delete {source}, then type `dvc fetch {tracked.dvc_file}`",
    )
