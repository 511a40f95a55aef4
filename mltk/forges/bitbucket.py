"""Bitbucket Server and Data Center: https://developer.atlassian.com/server/bitbucket/rest/.

Builds of a commit (since 7.4) and comments on a pull request, which are listed among its activities
and are changed by their version.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mltk.forges.calls import PAGE, Calls
from mltk.forges.forge import Comment, CommitStatus, shortened

_DESCRIPTION = 255
_STATES = {
    "pending": "INPROGRESS",
    "success": "SUCCESSFUL",
    "failure": "FAILED",
    "error": "FAILED",
}

# It shows HTML comments to the reader, and not this, which is a link that nothing refers to.
_MARK = re.compile(r"<!-- (?P<said>/?mltk[-:a-z0-9]*) -->")
_LINK = re.compile(r"\n?\[//\]: # \((?P<said>/?mltk[-:a-z0-9]*)\)\n?")

SCOPE = "the permission to read the repository (an HTTP access token)"


def headers(token: str) -> dict[str, str]:
    """The headers of a request."""
    return {"Accept": "application/json", "Authorization": f"Bearer {token}"}


@dataclasses.dataclass(frozen=True)
class BitbucketForge:
    """A repository `path` (KEY/SLUG) of the server at `site`."""

    calls: Calls
    path: str
    site: str

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """Say how a build of a commit stands; it has a link, if only to the commit."""
        body = {
            "key": status.context,
            "name": status.context,
            "state": _STATES[status.state],
            "description": shortened(status.description, _DESCRIPTION),
            "url": status.link or f"{self.site}{self._repository}/commits/{commit}",
        }
        self.calls.call("POST", f"{self._repository}/commits/{commit}/builds", body)

    def comments(self, pull_request: int) -> Sequence[Comment]:
        """All comments on a pull request but answers to them, the oldest first."""
        found: list[Comment] = []
        start: int | None = 0
        while start is not None:
            query = f"?limit={PAGE}&start={start}"
            page = self.calls.call("GET", f"{self._pull(pull_request)}/activities{query}") or {}
            values = page.get("values", ())
            found += [_comment(each["comment"]) for each in values if _is_comment(each)]
            start = None if page.get("isLastPage", True) else page.get("nextPageStart")
        return sorted(found, key=lambda each: each.number)

    def add_comment(self, pull_request: int, text: str) -> Comment:
        """Write a new comment."""
        place = f"{self._pull(pull_request)}/comments"
        return _comment(self.calls.call("POST", place, {"text": hidden(text)}))

    def change_comment(self, pull_request: int, number: int, text: str) -> None:
        """Replace what a comment says, unless somebody else does so at this moment."""
        place = f"{self._pull(pull_request)}/comments/{number}"
        body = {"text": hidden(text), "version": self._version(place)}
        self.calls.call("PUT", place, body, may_clash=True)

    def remove_comment(self, pull_request: int, number: int) -> None:
        """Take a comment back; one that has answers stays."""
        place = f"{self._pull(pull_request)}/comments/{number}"
        self.calls.call("DELETE", f"{place}?version={self._version(place)}", may_clash=True)

    def _version(self, place: str) -> int:
        return int(self.calls.call("GET", place)["version"])

    def _pull(self, number: int) -> str:
        return f"{self._repository}/pull-requests/{number}"

    @property
    def _repository(self) -> str:
        key, _, slug = self.path.partition("/")
        return f"/projects/{key}/repos/{slug}"


def hidden(text: str) -> str:
    """`text` with the marks of a comment of ours as Bitbucket does not show them."""
    return _MARK.sub(r"\n[//]: # (\g<said>)\n", text).strip("\n")


def shown(text: str) -> str:
    """`text` with these marks as they were."""
    return _LINK.sub(r"<!-- \g<said> -->", text.replace("\r\n", "\n"))


def _is_comment(activity: Any) -> bool:
    return (activity.get("action"), activity.get("commentAction")) == ("COMMENTED", "ADDED")


def _comment(found: Any) -> Comment:
    return Comment(int(found["id"]), shown(str(found.get("text") or "")))


if TYPE_CHECKING:
    from mltk.forges.forge import Forge

    _: type[Forge] = BitbucketForge
