"""A clone that is looked into and thrown away: no work tree, no hooks, no filters, no prompts."""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from typing import Self

from mltk.closing import Closing
from mltk.local.resolvers.base import MAX_BYTES
from mltk.local.resolvers.bounds import Deadline

_BIGGEST_FILE = 1 << 30  # bytes that git may write into one file, a pack of the clone above all
_BLOCK = 512  # bytes that `ulimit -f` counts by
_LIMITED = f'ulimit -f {_BIGGEST_FILE // _BLOCK}; exec "$0" "$@"'
_SETTINGS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "fetch.recurseSubmodules=false",
    "-c", "gc.auto=0",
)  # fmt: skip
# Anonymous: what the user has set for git, helpers for credentials above all, does not count.
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_ASKPASS": "/bin/false",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_WHY = {
    "symlink": 'path "{}" attempts to escape the repository directory '
    "(possible path traversal attack)",
    "tree": "is a directory",
    "commit": "is a submodule",
    "missing": "file does not exist",
}


class Failed(Exception):
    """Git did not do it: what it said."""


class Repository(Closing):
    """A clone in a folder of its own, which goes with the context."""

    def __init__(self, deadline: Deadline, token: str = "") -> None:
        self._deadline = deadline
        self._token = token
        self._folder = ""

    def __enter__(self) -> Self:
        self._folder = tempfile.mkdtemp(prefix="mltk-git-")
        return self

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def clone(self, url: str) -> None:
        """Get the newest commit of a repository."""
        shallow = ("--quiet", "--depth=1", "--bare", "--no-tags", "--template=")
        try:
            self._git("clone", *shallow, "--", url, self._folder)
        except Failed as error:
            why = str(error)
            if "could not read Username" in why:
                why = "clone error: authentication required"
            raise Failed(f"error resolving repository: {why}") from None

    def fetch(self, revision: str) -> str:
        """Get a revision; return its commit."""
        self._git("fetch", "--quiet", "origin", "--depth=1", "--no-tags", "--", revision)
        return self._git("rev-list", "-n1", "FETCH_HEAD").decode().strip()

    def read(self, commit: str, path: str) -> bytes:
        """Return a file of a commit; links are followed while they stay in the repository."""
        name, kind, size = self._look(commit, path)
        if kind != "blob":
            raise Failed(f'error opening file "{path}": {_WHY.get(name, _WHY[kind])}'.format(path))
        if size > MAX_BYTES:
            raise Failed(f'error opening file "{path}": exceeds {MAX_BYTES} bytes')
        return self._git("cat-file", "blob", name)

    def _look(self, commit: str, path: str) -> tuple[str, str, int]:
        """Name, type and size of what is at a path; for a link that leads nowhere, its kind."""
        if "\n" in path:  # would be a second question
            return "dangling", "missing", 0
        asked = f"{commit}:{path}\n".encode()
        said = self._git("cat-file", "--batch-check", "--follow-symlinks", given=asked)
        words = said.decode("utf-8", "replace").splitlines()[0].rsplit(" ", 2)
        if len(words) == 3 and words[1] in ("blob", "tree", "commit"):
            return words[0], words[1], int(words[2])
        return words[0], "missing", 0

    def _git(self, verb: str, *arguments: str, given: bytes = b"") -> bytes:
        command = ["git", *_SETTINGS]
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        env |= _ENVIRONMENT
        if self._token:
            pair = base64.b64encode(f"git:{self._token}".encode()).decode()
            env["GIT_AUTH_HEADER"] = f"Authorization: Basic {pair}"
            command.append("--config-env=http.extraHeader=GIT_AUTH_HEADER")
        if verb != "clone":
            command.append(f"--git-dir={self._folder}")
        try:
            done = self._deadline.run(
                ["/bin/sh", "-c", _LIMITED, *command, verb, *arguments], env, given
            )
        except OSError as error:
            raise Failed(f"git {verb} error: {error}") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise Failed(f"git {verb} error: {said}: exit status {done.returncode}")
        return done.stdout
