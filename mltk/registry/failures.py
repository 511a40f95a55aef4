"""MLflow's exceptions, mapped to mltk's: what failed, where, and what to type next."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from mltk.errors import Conflict, InfrastructureError, NotFound


class Connected(Protocol):
    """What talks to MLflow; the text of its connection says where that is."""

    connection: Any


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=Connected)


class AlreadyThere(Conflict):
    """MLflow holds a thing of that name."""


@contextlib.contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise the errors of MLflow, of the database below it and of its artifact store as mltk's."""
    try:
        yield
    except Exception as error:
        # By name, because what fails before MLflow is imported must not import it.
        origin = type(error).__module__.partition(".")[0]
        if origin in ("mlflow", "sqlalchemy", "requests", "urllib3"):
            raise _mapped(str(getattr(error, "error_code", "")), str(error), where) from error
        if isinstance(error, OSError):
            raise InfrastructureError(
                f"MLflow's artifacts could not be read or written: {error}",
                where=where,
                hint="check the owner of the artifacts and the space on their disk",
            ) from error
        raise


def translating(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Let a method of something connected raise only errors of mltk (see `translated`)."""

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with translated(str(self.connection)):
            return method(self, *args, **kwargs)

    return call


def _mapped(code: str, message: str, where: str) -> InfrastructureError:
    said = (message.strip() or "no reason given").splitlines()[0]
    if code == "RESOURCE_ALREADY_EXISTS":
        return AlreadyThere(said, where=where)
    if code == "RESOURCE_DOES_NOT_EXIST":
        return NotFound(said, where=where, hint="mltk models list")
    for sign, what, hint in _KNOWN:
        if sign in message:
            return InfrastructureError(what, where=where, hint=hint.format(where=where))
    return InfrastructureError(f"MLflow failed: {said}", where=where)


# A sign in MLflow's message, what it means, and what to do about it.
_KNOWN = (
    (
        "database is locked",
        "the MLflow database is locked by another process",
        "let the other process finish, then run again",
    ),
    (
        "out-of-date database schema",
        "the MLflow database was made by another release of MLflow",
        "back it up, then: mlflow db upgrade {where}",
    ),
    (
        "Can't locate revision",
        "the MLflow database was made by a newer release of MLflow",
        "pip install --upgrade 'mlflow>=3.17,<4'",
    ),
    (
        "error code 401",
        "MLflow wants credentials",
        "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    ),
    (
        "error code 403",
        "MLflow refuses the access",
        "check the user's permissions, and --allowed-hosts of the server",
    ),
    (
        "Max retries exceeded",
        "MLflow stopped answering",
        "check that {where} is up, then run again",
    ),
    ("disk is full", "the disk of the MLflow database is full", "make room, then run again"),
)
