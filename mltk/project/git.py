"""What mltk asks of git: which commit, what it holds, and a commit of what is not committed yet.

A run names a commit, never a folder, so that it can be repeated. Work that is not committed is
therefore kept as a commit of its own (a snapshot), which no branch shows and no command of the
user's touches.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mltk.errors import ConfigError, Conflict, InfrastructureError, NotFound
from mltk.urls import without_password

SNAPSHOTS = "refs/mltk/snapshots"
# State of the local engine; the user's .gitignore may not know of it yet.
_WORK = (".", ":(exclude).mltk")
SOMEONE = "mltk <mltk@localhost>"
"""Who commits where git knows nobody who does."""


@dataclasses.dataclass(frozen=True)
class Repository:
    """A git repository with a work tree; `root` is its top folder, `program` the git command.

    `ours` is one that mltk made itself. Git refuses to work in a repository of another user, and on
    a volume that gives all files one owner (NFS, SMB) a clone never belongs to the one who made it.
    """

    root: Path
    program: str = "git"
    ours: bool = False

    @classmethod
    def at(cls, folder: Path, program: str = "git") -> Repository:
        """The repository whose top folder is `folder`, the one that holds mltk.yaml.

        ConfigError when there is none, or when its top is elsewhere: a Task clones the repository
        and looks for mltk.yaml at its top.
        """
        repository = cls(folder.resolve(), program)
        try:
            top = Path(repository.git("rev-parse", "--show-toplevel").strip())
        except InfrastructureError as error:
            if "not a git repository" not in error.what:
                raise
            raise ConfigError(
                "the project is not a git repository, so nothing says which version was trained",
                where=str(folder),
                hint="type `git init && git add . && git commit -m 'Start'` in it",
            ) from None
        if top.resolve() != repository.root:
            raise ConfigError(
                f"the project is a folder inside the git repository {top}",
                where=str(folder),
                hint="mltk.yaml must lie at the top of its repository: move it there",
            )
        return repository

    def head(self) -> str:
        """Full SHA of the commit that is checked out; ConfigError when there is no commit."""
        found = self.try_git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if found is None:
            raise ConfigError(
                "the repository has no commit yet",
                where=str(self.root),
                hint="type `git add . && git commit -m 'Start'`",
            )
        return found.strip()

    def resolve(self, revision: str) -> str:
        """Full SHA of the commit that `revision` names (SHA, branch, tag); NotFound otherwise."""
        # What starts with a dash would be read as an option.
        name = f"{revision}^{{commit}}"
        found = self.try_git("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        if found is None:
            raise NotFound(
                f"no commit '{revision}' in the repository",
                where=str(self.root),
                hint="`git log --oneline` lists the commits; `git fetch` gets newer ones",
            )
        return found.strip().splitlines()[-1]

    def is_dirty(self) -> bool:
        """Whether the work tree differs from HEAD; files that git ignores do not count."""
        return bool(self.git("status", "--porcelain", "--untracked-files=normal", "--", *_WORK))

    def snapshot(self) -> str:
        """Commit SHA of the work tree as it is, kept under refs/mltk/snapshots/<sha>.

        Index, branches and files stay as they are. The same files on the same HEAD give the same
        SHA: author and date are HEAD's own, not the moment's.
        """
        head = self.head()
        with tempfile.TemporaryDirectory(prefix="mltk-index-") as folder:
            index = Path(folder, "index")
            present = self.root / self.git("rev-parse", "--git-path", "index").strip()
            if present.exists():
                shutil.copyfile(present, index)
            env = {"GIT_INDEX_FILE": str(index)}
            # Where .mltk is ignored, git takes naming it for a wish to add it, and refuses.
            ignored = self.try_git("check-ignore", "--quiet", ".mltk") is not None
            self.git("add", "--all", "--", *(_WORK[:1] if ignored else _WORK), env=env)
            tree = self.git("write-tree", env=env).strip()
        date = self.git("show", "--no-patch", "--format=%cI", head).strip()
        message = f"Snapshot of work that is not committed, on {head[:12]}"
        sha = self.git(
            "commit-tree", tree, "-p", head, "-m", message, env=identity(SOMEONE, date)
        ).strip()
        self.git("update-ref", f"{SNAPSHOTS}/{sha}", sha)
        return sha

    def read(self, revision: str, path: str) -> bytes | None:
        """Bytes of `path` (relative, with slashes) at `revision`; None when it is not there."""
        done = self._run("cat-file", "blob", f"{revision}:{path}")
        return done.stdout if done.returncode == 0 else None

    def files(self, revision: str) -> Iterator[str]:
        """Paths of all files at `revision`."""
        listing = self.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", revision)
        yield from filter(None, listing.split("\0"))

    def knows_committer(self) -> bool:
        """Whether git is told, or can guess, in whose name it commits; else it is `SOMEONE`."""
        return self.try_git("var", "GIT_COMMITTER_IDENT") is not None

    def around(self) -> Path | None:
        """Top folder of another repository that this one lies in, unless it is ignored there."""
        outer = Repository(self.root.parent, self.program)
        top = (outer.try_git("rev-parse", "--show-toplevel") or "").strip()
        if not top or outer.try_git("check-ignore", "--quiet", str(self.root)) is not None:
            return None
        return Path(top)

    def commit_all(self, message: str) -> str:
        """Commit every file of the work tree, past hooks and signing, and return the SHA."""
        self.git("add", "--all")
        known = self.knows_committer()
        flags = ("--quiet", "--no-verify", "--no-gpg-sign")
        self.git("commit", *flags, "-m", message, env={} if known else identity(SOMEONE))
        return self.head()

    def commit_paths(self, paths: Sequence[str], message: str, who: str) -> str:
        """Commit the files `paths` as they lie in the work tree, and nothing else; the SHA.

        `who` is `NAME <EMAIL>`. What else is changed or staged stays so, and a kill leaves either
        no commit or all of it. Conflict when HEAD moved meanwhile.
        """
        head = self.head()
        inside = self.git("rev-parse", "--absolute-git-dir").strip()
        with tempfile.TemporaryDirectory(prefix="mltk-index-", dir=inside) as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            self.git("read-tree", head, env=env)
            self.git("add", "--force", "--", *paths, env=env)
            tree = self.git("write-tree", env=env).strip()
        sha = self.git("commit-tree", tree, "-p", head, "-m", message, env=identity(who)).strip()
        reason = message.partition("\n")[0]
        if self.try_git("update-ref", "-m", f"commit: {reason}", "HEAD", sha, head) is None:
            raise Conflict("the branch moved while mltk was at work on it", where=str(self.root))
        self.catch_up(paths)
        return sha

    def catch_up(self, paths: Sequence[str]) -> None:
        """Let the index have `paths` as HEAD has them, unless another git is at work on it."""
        self.try_git("reset", "--quiet", "--", *paths)

    def git(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """What a git command prints; InfrastructureError with git's own words if it fails."""
        done = self._run(*arguments, env=env)
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
            raise InfrastructureError(
                f"git {arguments[0]} failed: {without_password(words) or done.returncode}",
                where=str(self.root),
            )
        return done.stdout.decode(errors="surrogateescape")

    def try_git(self, *arguments: str, env: Mapping[str, str] | None = None) -> str | None:
        """Like `git`, with None for a command that fails."""
        done = self._run(*arguments, env=env)
        return done.stdout.decode(errors="surrogateescape") if done.returncode == 0 else None

    def _run(
        self, *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        trust = ("-c", f"safe.directory={self.root}") if self.ours else ()
        try:
            return subprocess.run(
                [self.program, *trust, *arguments],
                cwd=self.root,
                env={**_clean_environment(), **(env or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            if not self.root.is_dir():
                raise NotFound("no such folder", where=str(self.root)) from None
            raise InfrastructureError(
                f"the command '{self.program}' was not found",
                hint="install git (https://git-scm.com) and see that it is on PATH",
            ) from None


def _clean_environment() -> dict[str, str]:
    # A git hook (and so `mltk run` in one) sets GIT_DIR and GIT_INDEX_FILE of its own repository.
    kept = {k: v for k, v in os.environ.items() if k not in ("GIT_DIR", "GIT_INDEX_FILE")}
    kept.pop("GIT_WORK_TREE", None)
    # Messages are matched and shown, and a step must never wait for somebody to type a password.
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def identity(who: str, date: str | None = None) -> dict[str, str]:
    """The environment in which git commits in the name of `who`, `NAME <EMAIL>`."""
    name, _, address = who.rstrip("> ").partition(" <")
    given = {"NAME": name, "EMAIL": address, **({"DATE": date} if date else {})}
    return {f"GIT_{role}_{key}": given[key] for role in ("AUTHOR", "COMMITTER") for key in given}
