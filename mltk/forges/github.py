"""GitHub, and Gitea and Forgejo, whose API is GitHub's in what is asked here.

https://docs.github.com/rest/commits/statuses, https://docs.github.com/rest/issues/comments and
https://docs.gitea.com/api.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mltk.forges.calls import Calls
from mltk.forges.forge import Comment, CommitStatus, shortened

_DESCRIPTION = 140  # GitHub refuses a longer one

GITHUB_SCOPE = (
    "read and write of commit statuses and of pull requests (fine-grained), or the scope"
    " repo (classic)"
)
GITEA_SCOPE = "the scopes write:repository and write:issue, of an account that may write there"


def github_headers(token: str) -> dict[str, str]:
    """The headers of a request to GitHub; without a token it is nobody's."""
    asked = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return asked | ({"Authorization": f"Bearer {token}"} if token else {})


def gitea_headers(token: str) -> dict[str, str]:
    """The headers of a request to Gitea or Forgejo."""
    return {"Accept": "application/json", "Authorization": f"token {token}"}


@dataclasses.dataclass(frozen=True)
class GitHubForge:
    """A repository `path` (OWNER/NAME); `paged` where lists of comments come in pages."""

    calls: Calls
    path: str
    paged: bool = True

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """Say how a check of a commit stands."""
        body = {
            "context": status.context,
            "state": status.state,
            "description": shortened(status.description, _DESCRIPTION),
        } | ({"target_url": status.link} if status.link else {})
        self.calls.call("POST", f"/repos/{self.path}/statuses/{commit}", body)

    def comments(self, pull_request: int) -> Sequence[Comment]:
        """All comments on a pull request, the oldest first."""
        thread = self._thread(pull_request)
        found = self.calls.pages(thread) if self.paged else self.calls.call("GET", thread) or []
        return [_comment(each) for each in found]

    def add_comment(self, pull_request: int, text: str) -> Comment:
        """Write a new comment."""
        return _comment(self.calls.call("POST", self._thread(pull_request), {"body": text}))

    def change_comment(self, pull_request: int, number: int, text: str) -> None:  # noqa: ARG002
        """Replace what a comment says."""
        self.calls.call("PATCH", self._one(number), {"body": text})

    def remove_comment(self, pull_request: int, number: int) -> None:  # noqa: ARG002
        """Take a comment back."""
        self.calls.call("DELETE", self._one(number))

    def _thread(self, pull_request: int) -> str:
        return f"/repos/{self.path}/issues/{pull_request}/comments"

    def _one(self, number: int) -> str:
        return f"/repos/{self.path}/issues/comments/{number}"


def _comment(found: Any) -> Comment:
    return Comment(int(found["id"]), str(found.get("body") or ""))


if TYPE_CHECKING:
    from mltk.forges.forge import Forge

    _: type[Forge] = GitHubForge
