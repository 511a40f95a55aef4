"""GitLab: https://docs.gitlab.com/api/commits/ and https://docs.gitlab.com/api/notes/."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mltk.errors import ConfigError
from mltk.forges.calls import Calls
from mltk.forges.forge import Comment, CommitStatus, shortened

_DESCRIPTION = 255
_STATES = {"pending": "pending", "success": "success", "failure": "failed", "error": "failed"}

SCOPE = "the scope api, and the role Developer in the project"


def headers(token: str) -> dict[str, str]:
    """The headers of a request."""
    return {"Accept": "application/json", "PRIVATE-TOKEN": token}


@dataclasses.dataclass(frozen=True)
class GitLabForge:
    """A project, by its path as one word of an address."""

    calls: Calls
    path: str

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """Say how a check of a commit stands."""
        body = {
            "name": status.context,
            "state": _STATES[status.state],
            "description": shortened(status.description, _DESCRIPTION),
        } | ({"target_url": status.link} if status.link else {})
        try:
            self.calls.call("POST", f"/projects/{self.path}/statuses/{commit}", body)
        except ConfigError as error:
            # What stands so already cannot be set again: gitlab-org/gitlab issue 19902.
            if "Cannot transition status" not in error.what:
                raise

    def comments(self, pull_request: int) -> Sequence[Comment]:
        """All notes on a merge request, the oldest first."""
        found = self.calls.pages(self._thread(pull_request), "sort=asc&order_by=created_at&")
        return [_comment(each) for each in found]

    def add_comment(self, pull_request: int, text: str) -> Comment:
        """Write a new note."""
        return _comment(self.calls.call("POST", self._thread(pull_request), {"body": text}))

    def change_comment(self, pull_request: int, number: int, text: str) -> None:
        """Replace what a note says."""
        self.calls.call("PUT", f"{self._thread(pull_request)}/{number}", {"body": text})

    def remove_comment(self, pull_request: int, number: int) -> None:
        """Take a note back."""
        self.calls.call("DELETE", f"{self._thread(pull_request)}/{number}")

    def _thread(self, pull_request: int) -> str:
        return f"/projects/{self.path}/merge_requests/{pull_request}/notes"


def _comment(found: Any) -> Comment:
    return Comment(int(found["id"]), str(found.get("body") or ""))


if TYPE_CHECKING:
    from mltk.forges.forge import Forge

    _: type[Forge] = GitLabForge
