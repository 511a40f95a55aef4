"""Where steps run: a Runtime makes a Pod for each attempt of a TaskRun, the Pod its containers."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mltk.local.identity import ProcessIdentity
from mltk.local.overflow import LOG_BYTES
from mltk.local.rootfs import Bind
from mltk.tekton.downward import Resources
from mltk.tekton.security import ROOT, Security


@dataclass(frozen=True)
class Launch:
    """A container as it is started: `variables` come on top of the machine's environment.

    Of what it says `log_bytes` are kept in its `log`.

    Without `cwd` it starts in the folder of its `image`. `binds` is what it mounts, which only pods
    of `real_paths` can. A signal that ends it is told as Tekton's entrypoint knows it (-1), or
    without one as Kubernetes does (128 and its number). It is kept to the limits of its
    `resources` and to its `security` where the runtime can (`Runtime.unkept`). Standard output and
    standard error go to `files` of the container as well, where they are named.
    """

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    cwd: Path | None
    log: Path
    binds: tuple[Bind, ...] = ()
    entrypoint: bool = True
    image: str = ""
    log_bytes: int = LOG_BYTES
    resources: Resources = field(default_factory=Resources)
    security: Security = field(default_factory=Security)
    files: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Image:
    """What an image runs when nobody says otherwise, and as which user."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: int | None = ROOT

    def argv(self, args: tuple[str, ...]) -> tuple[str, ...]:
        """The command line of a step that names no command, by the rule of Tekton.

        Where there is no entrypoint the image's command takes its place, even before args
        (``imageInfo`` in ``pkg/pod/entrypoint_lookup_impl.go``).
        """
        if not self.entrypoint:
            return self.command + args
        return self.entrypoint + (args or self.command)


class NoImage(Exception):
    """An image is not to be had; says why, and what to type."""


class RunningStep(Protocol):
    """A started container: a step, or a sidecar."""

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process, None when it has ended already."""

    @property
    def oom_killed(self) -> bool:
        """Whether one of its processes was ended for want of memory; known once it has ended."""

    @property
    def unstarted(self) -> bool:
        """Whether its command cannot be executed, which its log says; known once it has ended."""

    def wait(self) -> int:
        """Wait for the end of the step and of all that it started; return its exit code."""

    def stop(self, grace: float) -> None:
        """Ask the step to end (SIGTERM), and end it `grace` seconds later (SIGKILL)."""


class Pod(Protocol):
    """What the containers of one attempt share; it is closed at the end, whatever happens."""

    def start(self, launch: Launch, cancelled: threading.Event) -> RunningStep:
        """Start a container; InfrastructureError when the machine cannot."""

    def execute(self, container: RunningStep, launch: Launch) -> RunningStep:
        """Run one more command in a container that runs; InfrastructureError when it does not."""

    def close(self) -> None:
        """Give back what the pod held; its containers have ended."""


class Runtime(Protocol):
    """Where pods are."""

    @property
    def real_paths(self) -> bool:
        """Whether its pods have paths of their own, ``/workspace`` and ``/tekton`` among them."""

    @property
    def uses_images(self) -> bool:
        """Whether containers are made from the images that they name."""

    def image(self, name: str, pull_policy: str = "") -> Image:
        """Return what an image runs; NoImage when it is not to be had."""

    def user(self, image: str) -> int | None:
        """As whom a container of that image runs when nobody says otherwise; None for a name."""

    def is_other(self, security: Security) -> bool:
        """Whether a container may be another user than this process, who must reach its files."""

    def unkept(self, launch: Launch) -> Sequence[str]:
        """Fields of a container to which it cannot keep it, e.g. ``securityContext.runAsUser``."""

    def pod(self) -> Pod:
        """Make the pod of one attempt of a TaskRun."""

    def prewarm(self) -> None:
        """Get ready in the background."""


@dataclass(frozen=True)
class NeverStarted:
    """A step whose command cannot be executed; its log says why."""

    code: int
    identity: None = None
    oom_killed: bool = False
    unstarted: bool = True

    def wait(self) -> int:
        """Return the exit code at once."""
        return self.code

    def stop(self, grace: float) -> None:
        """Nothing to end."""
