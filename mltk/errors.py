"""Every error that mltk raises on purpose, in one tree.

::

    MltkError                 exit
    ├── StepError               1   a step of a Task did not do its work
    ├── UsageError              2   a command was called in a way that it does not know
    ├── ConfigError             3   mltk.yaml, a manifest or the data is not as it must be
    │   ├── DataError           3   the table at hand (row and column named)
    │   └── AdmissionError      3   a Tekton object that the engine would have to misread
    ├── GateRejected            4   the model was judged and did not pass
    └── InfrastructureError     5   git, DVC, MLflow, Node.js, the disk or the store failed
        ├── NotFound            5   an object, a run or a model that is not there
        └── Conflict            5   the object changed, or exists, or is in use by another process

The exit code is part of the interface: a step ends with it, and ``mltk run`` ends with the code of
the step that failed. 130 is the shell's code for an interrupt (Ctrl-C).
"""

from __future__ import annotations

# By name, pip would take whatever a public index has under it: that is not this project.
INSTALL = "install mltk with all extras from its checkout: `make env`, or `pip install '.[all]'`"
"""What to do where a package is missing that only an extra of mltk brings."""


class MltkError(Exception):
    """A failure that the user can do something about.

    ``what`` happened, ``where`` (file and line, object, row and column) and ``hint``, the command
    or the edit that comes next, stay apart, so that ``-o json`` and tests can use them.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n{self.hint}" if self.hint else head

    def describe(self) -> str:
        """What happened, where and what comes next, each on lines of its own."""
        said = (("error", self.what), ("where", self.where), ("hint", self.hint))
        return "\n".join(f"{label}: {text}" for label, text in said if text)


class StepError(MltkError):
    """A step of a Task did not do its work."""


class UsageError(MltkError):
    """A command was called in a way that it does not know."""

    exit_code = 2


class ConfigError(MltkError):
    """mltk.yaml, a manifest or the data is not as it must be."""

    exit_code = 3


class DataError(ConfigError):
    """A table does not hold what the project file says; names row and column."""


class AdmissionError(ConfigError):
    """A Tekton object that is invalid, or that says what this engine does not do yet."""


class GateRejected(MltkError):
    """The model was judged and did not pass."""

    exit_code = 4


class InfrastructureError(MltkError):
    """Something below mltk failed: git, DVC, MLflow, Node.js, the disk, the store."""

    exit_code = 5


class NotFound(InfrastructureError):
    """An object, a run or a model is not there."""


class Conflict(InfrastructureError):
    """An object exists already, changed meanwhile, or is in use by another process."""


def missing_package(error: BaseException) -> InfrastructureError | None:
    """An error that says what to install, when `error` is that a package of others is missing."""
    if not isinstance(error, ModuleNotFoundError) or (error.name or "").startswith("mltk"):
        return None
    return InfrastructureError(f"the Python package '{error.name}' is not installed", hint=INSTALL)
