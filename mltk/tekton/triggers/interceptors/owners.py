"""Who may start runs with a pull request of GitHub: members, and those whom OWNERS names.

Rules: https://tekton.dev/docs/triggers/interceptors/#owners-validation-for-pull-requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import yaml

from mltk.tekton.triggers.interceptors.payloads import Repository, Submission

_APPROVED = re.compile(r"(\A|\n)/ok-to-test(\r\n|\r|\n|\Z)")


class GitHub(Protocol):
    """What is asked of GitHub's API; each raises ValueError where GitHub does not answer."""

    def changed_files(self, repository: Repository, number: int) -> Sequence[str]:
        """The files that a pull request changes."""

    def organization_members(self, owner: str) -> Sequence[str]:
        """The public members of an organization, nobody where it is none."""

    def collaborators(self, repository: Repository) -> Sequence[str]:
        """Who can write to a repository."""

    def owners_file(self, repository: Repository) -> str | None:
        """What the file OWNERS says, None where there is none."""


Connect = Callable[[str, str], GitHub]
"""From the host of a GitHub Enterprise ("" for github.com) and a token ("" for none).

Raises ValueError for a host that may not be asked.
"""


def check_owners(github: GitHub, submission: Submission, kind: str, *, pull_request: bool) -> bool:
    """Whether the sender may: with a pull request, or with ``/ok-to-test`` in a comment on it."""
    if not pull_request and not _APPROVED.search(submission.comment):
        return False
    return _is_known(github, submission, kind)


def _is_known(github: GitHub, submission: Submission, kind: str) -> bool:
    repository, sender = submission.repository, submission.sender
    if kind in ("orgMembers", "all") and sender in github.organization_members(repository.owner):
        return True
    if kind in ("repoMembers", "all") and sender in github.collaborators(repository):
        return True
    text = github.owners_file(repository)
    return text is not None and sender.casefold() in map(str.casefold, _listed(text))


def _listed(text: str) -> list[str]:
    try:
        # BaseLoader makes strings of all scalars, and nothing else.
        found = yaml.load(text, Loader=yaml.BaseLoader) or {}  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(f"the file OWNERS is no YAML: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("the file OWNERS is not an object")
    lists = [found.get(key) or [] for key in ("approvers", "reviewers")]
    if not all(isinstance(each, list) for each in lists):
        raise ValueError("approvers and reviewers in the file OWNERS are lists of names")
    return [name for each in lists for name in each if isinstance(name, str)]
