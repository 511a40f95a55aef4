"""What the interceptor ``github`` reads in the payloads of GitHub.

https://docs.github.com/webhooks/webhook-events-and-payloads. A value of another kind than GitHub
sends makes Tekton's server fall over the request; here it is refused in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mltk.tekton import gojson

PULL_REQUEST, PUSH, COMMENT = "pull_request", "push", "issue_comment"


@dataclass(frozen=True)
class Repository:
    """A repository and who it belongs to."""

    owner: str
    name: str


@dataclass(frozen=True)
class Submission:
    """A pull request or a comment on one: what its approval depends on."""

    repository: Repository
    number: int
    sender: str
    comment: str


def payload(body: str, empty: str) -> dict[str, Any]:
    """The object in `body`; raises ValueError, with the text `empty` for none at all."""
    if not body:
        raise ValueError(empty)
    return gojson.decode_object(body.encode(), "the body is not a JSON object")


def pull_request_number(found: Mapping[str, Any]) -> int:
    """The number of the pull request; raises ValueError without one."""
    if "number" not in found:
        raise ValueError("pull_request body missing 'number' field")
    return _whole(found["number"])


def repository(found: Mapping[str, Any]) -> Repository:
    """The repository that the event is of; raises ValueError without one."""
    full = _object(found, "repository", "payload body missing 'repository' field").get("full_name")
    if not isinstance(full, str):
        raise ValueError("payload body missing 'repository.full_name' field")
    owner, slash, rest = full.partition("/")
    if not slash:
        raise ValueError(f"'repository.full_name' is not OWNER/NAME: {full}")
    return Repository(owner, rest.partition("/")[0])


def pushed_files(found: Mapping[str, Any]) -> list[str]:
    """Files of each commit of a push: added, then modified, then removed."""
    commits = found.get("commits")
    if not isinstance(commits, list):
        return []
    return [file for commit in commits for file in _files(commit)]


def submission(found: Mapping[str, Any], event: str) -> Submission:
    """What an event of kind `event` submits; raises ValueError where something is missing."""
    number, comment = -1, ""
    if event == PULL_REQUEST:
        number = pull_request_number(found)
    elif event == COMMENT:
        number, comment = _comment(found)
    named = repository(found)
    sender = _object(found, "sender", "payload body missing 'sender' field").get("login")
    return Submission(named, number, sender if isinstance(sender, str) else "", comment)


def _comment(found: Mapping[str, Any]) -> tuple[int, str]:
    issue = _object(found, "issue", "issue_comment body missing 'issue' section")
    if "number" not in issue:
        raise ValueError("'number' field missing in the issue section of issue_comment body")
    number = _whole(issue["number"])
    comment = _object(found, "comment", "issue_comment body missing 'comment' section")
    if "body" not in comment:
        raise ValueError("'body' field missing in the comment section of issue_comment body")
    if not isinstance(comment["body"], str):
        raise ValueError("'body' in the comment section is not a string")
    return number, comment["body"]


def _files(commit: Any) -> Iterator[str]:
    if not isinstance(commit, dict):
        raise ValueError("a commit is not an object")
    for kind in ("added", "modified", "removed"):
        if not isinstance(commit.get(kind), list):
            raise ValueError(f"payload body missing 'commits.*.{kind}' field")
    for kind in ("added", "modified", "removed"):
        yield from map(gojson.shown, commit[kind])


def _object(found: Mapping[str, Any], key: str, missing: str) -> dict[str, Any]:
    value = found.get(key)
    if not isinstance(value, dict):
        raise ValueError(missing)
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, float):
        raise ValueError("'number' is not a number")
    return int(value)
