"""What the user is told when the node cannot be: the exit codes are those of mltk."""

from __future__ import annotations


class NodeError(Exception):
    """The node failed (exit 5); ``hint`` is what to type or to look at next."""

    exit_code = 5

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class MachineError(NodeError):
    """This machine cannot hold the node as it is (exit 3)."""

    exit_code = 3


class UnknownComponent(NodeError):
    """A component that the node does not have (exit 2)."""

    exit_code = 2
