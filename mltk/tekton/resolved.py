"""What is to be run of a TaskRun: steps and sidecars in which everything is in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mltk.tekton import pod
from mltk.tekton.downward import Resources
from mltk.tekton.environment import EnvFrom, EnvVar
from mltk.tekton.objects import Obj
from mltk.tekton.pod import Mount
from mltk.tekton.results import ResultSpec
from mltk.tekton.security import Security
from mltk.tekton.sidecars import Care

OnError = Literal["stopAndFail", "continue"]


@dataclass(frozen=True)
class TaskPaths:
    """Where things lie for the steps of one TaskRun; `workspaces` holds only the bound ones.

    Results go to ``<results>/<name>``, those of a step to ``<steps>/step-<name>/results/<name>``,
    exit codes to ``<steps>/step-<name>/exitCode``. Without `workspaces` each is where its
    declaration mounts it.
    """

    results: str
    steps: str
    workspaces: Mapping[str, str] | None
    home: str
    artifacts: str = pod.ARTIFACTS


POD_PATHS = TaskPaths(pod.RESULTS, pod.STEPS, None, pod.CREDENTIALS)
"""Where things lie in a pod."""


@dataclass(frozen=True)
class ResolvedStep:
    """A step as it is to be started. `timeout` in seconds; a `script` has no `command`.

    `command`, `args` and `when` still hold Kubernetes' own ``$(VAR)``, which `expand_env` replaces
    once the environment is known, and results of the steps before; a script is never expanded.
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
    on_error: OnError = "stopAndFail"
    results_dir: str = ""
    results: tuple[ResultSpec, ...] = ()
    when: tuple[Obj, ...] = ()
    stdout_path: str = ""
    stderr_path: str = ""
    security: Security = field(default_factory=Security)
    mounts: tuple[Mount, ...] = ()
    resources: Resources = field(default_factory=Resources)
    sidecar: bool = False
    pull_policy: str = ""

    @property
    def container(self) -> str:
        """Name of its container."""
        return f"{'sidecar' if self.sidecar else 'step'}-{self.name}"

    @property
    def log(self) -> str:
        """Name of its log, and of what else there is one of for each container."""
        return self.container if self.sidecar else self.name


@dataclass(frozen=True)
class ResolvedTask:
    """A Task with the params and workspaces of one TaskRun; `volumes` are those of its pod."""

    steps: tuple[ResolvedStep, ...]
    results: tuple[ResultSpec, ...]
    volumes: Mapping[str, Obj] = field(default_factory=dict)
    sidecars: tuple[tuple[ResolvedStep, Care], ...] = ()

    @property
    def containers(self) -> tuple[ResolvedStep, ...]:
        """The steps, then the sidecars."""
        return (*self.steps, *(sidecar for sidecar, _ in self.sidecars))
