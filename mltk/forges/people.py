"""What Tekton's interceptor `github` asks of GitHub: changed files, members, the file OWNERS."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError
from mltk.forges.calls import Calls, Send, send
from mltk.forges.github import github_headers

if TYPE_CHECKING:
    from mltk.tekton.triggers.interceptors.owners import Connect, GitHub
    from mltk.tekton.triggers.interceptors.payloads import Repository

PUBLIC = "github.com"

_SCOPE = "read of the repository's contents and pull requests, and of the organization's members"


@dataclasses.dataclass(frozen=True)
class GitHubPeople:
    """`mltk.tekton.triggers.interceptors.owners.GitHub` over GitHub's API."""

    calls: Calls

    def changed_files(self, repository: Repository, number: int) -> Sequence[str]:
        """The files that a pull request changes."""
        path = f"/repos/{repository.owner}/{repository.name}/pulls/{number}/files"
        return [str(each["filename"]) for each in self._list(path)]

    def organization_members(self, owner: str) -> Sequence[str]:
        """The public members of an organization, nobody where it is none."""
        return [str(each["login"]) for each in self._list(f"/orgs/{owner}/public_members")]

    def collaborators(self, repository: Repository) -> Sequence[str]:
        """Who can write to a repository."""
        found = self._list(f"/repos/{repository.owner}/{repository.name}/collaborators")
        return [str(each["login"]) for each in found]

    def owners_file(self, repository: Repository) -> str | None:
        """What the file OWNERS says, None where there is none."""
        path = f"/repos/{repository.owner}/{repository.name}/contents/OWNERS"
        with _told():
            found = self.calls.call("GET", path, may_lack=True)
        if found is None:
            return None
        if not isinstance(found, dict) or found.get("encoding") != "base64":
            # A folder is a list; of a file of more than 1 MB GitHub says no content.
            raise ValueError("OWNERS is no file of at most 1 MB")
        return base64.b64decode(found["content"]).decode("utf-8", "replace")

    def _list(self, path: str) -> list[Any]:
        with _told():
            return self.calls.pages(path, may_lack=True)


@contextmanager
def _told() -> Iterator[None]:
    """Errors as those of whom the interceptor asks."""
    try:
        yield
    except MltkError as error:
        raise ValueError(error.what) from None


def connect(host: str, token: str, *, send: Send = send) -> GitHub:
    """GitHub at the `host` of an Enterprise server ("" for github.com), with a token or none.

    `mltk.tekton.triggers.interceptors.owners.Connect`.
    """
    base = f"https://{host}/api/v3" if host else "https://api.github.com"
    return GitHubPeople(Calls(base, github_headers(token), _SCOPE, send))


def connecting(hosts: Collection[str], *, send: Send = send) -> Connect:
    """`connect` to some `hosts` alone (`PUBLIC`, and those of Enterprise servers).

    The host is a header of the event, which no signature covers: without this, a sender chooses who
    gets the token, and where this machine connects to. It raises ValueError for any other host.
    """
    allowed = {each.casefold() for each in hosts}

    def connected(host: str, token: str) -> GitHub:
        if (host or PUBLIC).casefold() not in allowed:
            raise ValueError(
                f"the event is of the GitHub server '{host or PUBLIC}', and only"
                f" {', '.join(sorted(allowed))} may be asked: see --github-host of mltk listen"
            )
        return connect("" if host.casefold() == PUBLIC else host, token, send=send)

    return connected
