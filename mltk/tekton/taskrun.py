"""A TaskRun -> the steps to start, everything in them substituted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mltk.tekton.objects import Obj


class TaskRunRejected(Exception):
    """The TaskRun cannot run, or its results cannot be taken: Tekton's reason and message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class TaskPaths:
    """Where things lie for the steps of one TaskRun; `workspaces` holds only the bound ones.

    Results go to ``<results>/<name>``, exit codes to ``<steps>/step-<name>/exitCode``.
    """

    results: str
    steps: str
    workspaces: Mapping[str, str]
    home: str


@dataclass(frozen=True)
class KeyRef:
    """One key of a Secret or a ConfigMap."""

    kind: Literal["Secret", "ConfigMap"]
    name: str
    key: str
    optional: bool = False


@dataclass(frozen=True)
class EnvVar:
    """An environment variable: a `value`, or `source` to read it from.

    `value` may still hold ``$(OTHER)`` of variables that come from a Secret or ConfigMap: the
    engine expands with `expand_env` once it knows them.
    """

    name: str
    value: str | None = None
    source: KeyRef | None = None


@dataclass(frozen=True)
class EnvFrom:
    """All keys of a Secret or ConfigMap as variables, each name behind `prefix`."""

    kind: Literal["Secret", "ConfigMap"]
    name: str
    prefix: str = ""
    optional: bool = False


@dataclass(frozen=True)
class ResultSpec:
    """A declared result; `type` is string, array or object, `properties` the keys of an object."""

    name: str
    type: str = "string"
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResolvedStep:
    """A step as it is to be started. `timeout` in seconds; either `script` or `command`/`args`.

    `command` and `args` still hold Kubernetes' own ``$(VAR)``, which `expand_env` replaces.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    script: str | None = None
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    working_dir: str | None = None
    timeout: float | None = None
    on_error: Literal["stopAndFail", "continue"] = "stopAndFail"
    results_dir: str = ""


@dataclass(frozen=True)
class ResolvedTask:
    """A Task with the params and workspaces of one TaskRun."""

    steps: tuple[ResolvedStep, ...]
    results: tuple[ResultSpec, ...]


def resolve(task_run: Obj, task_spec: Obj, paths: TaskPaths) -> ResolvedTask:
    """What a TaskRun runs; raises TaskRunRejected for params or workspaces that do not fit."""
    raise NotImplementedError


def fixed_paths(task_spec: Obj) -> list[str]:
    """Fields that hold a literal ``/workspace`` or ``/tekton/``, e.g. ``steps[0].script``."""
    raise NotImplementedError


def collect_results(specs: Sequence[ResultSpec], raw: Mapping[str, str]) -> list[Obj]:
    """Results as they go into the status; `raw` is what the files hold, by result name.

    Raises TaskRunRejected for a wrong type and for more than 4,096 bytes in all.
    """
    raise NotImplementedError


def expand_env(text: str, env: Mapping[str, str]) -> str:
    """Kubernetes' expansion of command, args and env: ``$(VAR)``, and ``$$(`` for ``$(``."""
    raise NotImplementedError
