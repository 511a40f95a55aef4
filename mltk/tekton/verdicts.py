"""Why Tekton ends a run before, or instead of, running what it asks for."""

from __future__ import annotations

from collections.abc import Iterable

USER_ERROR = "[User error]"
"""What marks a failure that the user can repair (Tekton's docs/pipelineruns.md)."""

_MISTAKES = frozenset(
    {"CouldntGetPipelineResult", "InvalidPipelineResultReference", "InvalidTaskResultReference"}
)


class RunRejected(Exception):
    """A PipelineRun that cannot go on: Tekton's reason and message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class TaskRunRejected(Exception):
    """A TaskRun that cannot run, or whose results cannot be taken: Tekton's reason and message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


def user_error(message: str) -> str:
    """Mark what the user can repair, as Tekton does."""
    return f"{USER_ERROR} {message}"


def is_mistake(reason: str, message: str) -> bool:
    """Whether a run has failed by what it, or its Pipeline, says, so that it would fail again.

    Tekton marks most of it.
    """
    return USER_ERROR in message or reason in _MISTAKES


def listed(names: Iterable[str]) -> str:
    """A list as Go prints it: ``[a b]``."""
    return f"[{' '.join(names)}]"
