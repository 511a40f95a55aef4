"""What is asked of a git host."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal, Protocol

State = Literal["pending", "success", "failure", "error"]


@dataclasses.dataclass(frozen=True)
class CommitStatus:
    """How a check of a commit stands; of one `context` the last status counts."""

    context: str
    state: State
    description: str
    link: str = ""


@dataclasses.dataclass(frozen=True)
class Comment:
    """A comment on a pull request, by the number that its host has given it."""

    number: int
    text: str


class Forge(Protocol):
    """A repository on a git host.

    Each raises ConfigError where the token may not, or where there is no such thing, and
    InfrastructureError where the host does not answer.
    """

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """Say how a check of `commit`, a full SHA, stands."""

    def comments(self, pull_request: int) -> Sequence[Comment]:
        """All comments on a pull request, the oldest first."""

    def add_comment(self, pull_request: int, text: str) -> Comment:
        """Write a new comment."""

    def change_comment(self, pull_request: int, number: int, text: str) -> None:
        """Replace what a comment says."""

    def remove_comment(self, pull_request: int, number: int) -> None:
        """Take a comment back."""


def shortened(text: str, longest: int) -> str:
    """`text` on one line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
