"""The process runtime: a step is a process group of this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mltk.closing import Closing
from mltk.errors import InfrastructureError
from mltk.local.cgroups import Asked, Cgroups, Group
from mltk.local.cold import NOT_EXECUTABLE, refused, start_cold, without_file
from mltk.local.forkserver import (
    NOTHING,
    ColdStart,
    ForkServer,
    Imports,
    WarmCommand,
    WarmProcess,
    inherited,
)
from mltk.local.identity import ProcessIdentity
from mltk.local.isolation import Isolation
from mltk.local.launch import note
from mltk.local.rights import lacking
from mltk.local.rootfs import Bind
from mltk.local.runtime import Image, Launch, NeverStarted, NoImage, Pod, RunningStep
from mltk.tekton.downward import Resources
from mltk.tekton.security import Security

_TRIES = 3
# What the entrypoint of the image of bash does: options are for bash, anything else is a command.
_BASH = ("sh", "-c", 'case "$1" in -*) set -- bash "$@";; esac; exec "$@"', "docker-entrypoint.sh")
# Images whose command everybody knows.
_SHELLS = {
    "alpine": Image(command=("/bin/sh",)),
    "bash": Image(_BASH, ("bash",)),
    "busybox": Image(command=("sh",)),
    "debian": Image(command=("bash",)),
    "ubuntu": Image(command=("/bin/bash",)),
}


class ProcessRuntime(Closing):
    """Steps are processes of this machine; those of `warm` start from a fork server.

    With `isolation` each is a container of its own, by namespaces of Linux; `plain_because` says
    why it is not where the kernel does not permit that, and then a step is a process group like
    any other. Standard output and error go to the step's log, standard input is empty. A context
    manager: leaving it ends the fork servers.
    """

    def __init__(
        self,
        warm: Sequence[WarmCommand] = (),
        env: Mapping[str, str] | None = None,
        *,
        isolation: Isolation | None = None,
    ) -> None:
        self._env = inherited(os.environ if env is None else env)
        self._isolation = isolation
        contained = isolation is not None
        self._plain = ForkServer(NOTHING, self._env, contained=contained)
        servers: dict[Imports, ForkServer] = {}
        for command in warm:
            if command.imports not in servers:
                server = ForkServer(command.imports, self._env, contained=contained)
                servers[command.imports] = server
        self._warm = tuple((command, servers[command.imports]) for command in warm)
        self._trial = threading.Lock()
        self._refusal: str | None = None
        self._groups: Cgroups | None = None

    uses_images = False

    @property
    def real_paths(self) -> bool:
        """Whether steps are containers."""
        return not self.plain_because

    @property
    def plain_because(self) -> str:
        """Why steps are not kept apart; empty when they are. Tried once, with a container."""
        with self._trial:
            if self._isolation is None:
                return "nobody asked for it"
            if self._refusal is None:
                self._refusal = self._try(self._isolation)
            return self._refusal

    def prewarm(self) -> None:
        """Let the fork servers import in the background."""
        if self._isolation:
            self._plain.prewarm()
        for _, server in self._warm:
            server.prewarm()

    def image(self, name: str, pull_policy: str = "") -> Image:  # noqa: ARG002
        """What an image of a shell runs; NoImage for others: this machine is in their place."""
        if found := _SHELLS.get(name.partition("@")[0].rpartition("/")[2].partition(":")[0]):
            return found
        raise NoImage(
            f"nobody knows the entrypoint of {name}: steps run as processes of this machine; write"
            " a command, or type --runtime container"
        )

    def user(self, image: str) -> int:  # noqa: ARG002  (this machine is in its place)
        """As whom a container runs when nobody says otherwise: as this process."""
        return os.geteuid()

    def is_other(self, security: Security) -> bool:
        """Whether a container is another user than this process."""
        return self.real_paths and self._kept(security).user not in (None, os.geteuid())

    def unkept(self, launch: Launch) -> Sequence[str]:
        """Fields of a container to which it cannot keep it, e.g. ``securityContext.runAsUser``."""
        asked = Asked.of(launch.resources)
        if self.plain_because:
            return asked.unkept(())
        limits = asked.unkept(self._cgroups().parents) if asked.limited else []
        rights = lacking(self._kept(launch.security), os.geteuid())
        return limits + [f"securityContext.{name}" for name in rights]

    def pod(self) -> Pod:
        """Make a pod; it holds nothing, because containers of this runtime share the network."""
        return _ProcessPod(self)

    def start(self, launch: Launch, cancelled: threading.Event) -> RunningStep:
        """Start a step, warm when a fork server serves its command."""
        env = {**self._env, **launch.variables}
        if "\0" in "".join((*launch.argv, *env.values())):
            note(launch.log, f"cannot start {launch.argv[0]!r}: embedded null byte")
            return NeverStarted(NOT_EXECUTABLE)
        root = self._root(launch.binds)
        launch = replace(launch, security=self._kept(launch.security))
        group = None if root is None else self._group(launch.resources)
        if group is None:
            return self._start(launch, env, cancelled, root, None)
        try:
            return _Limited(self._start(launch, env, cancelled, root, group), group)
        except BaseException:
            group.remove()
            raise

    def _start(
        self,
        launch: Launch,
        env: Mapping[str, str],
        cancelled: threading.Event,
        root: Mapping[str, Any] | None,
        group: Group | None,
    ) -> RunningStep:
        for command, server in self._warm:
            if any(launch.files) or not command.serves(launch.argv, launch.variables):
                continue
            try:
                step = server.start(
                    launch, env, cancelled, target=command.target, root=root, group=group
                )
                return _begun(step, launch)
            except ColdStart as reason:
                note(launch.log, f"cold start: {reason}")
        if root is None:
            return start_cold(launch, env)
        try:
            step = self._plain.start(launch, env, cancelled, root=root, group=group)
            return _begun(step, launch)
        except ColdStart as reason:
            raise InfrastructureError(f"cannot start a container: {reason}") from None

    def execute(self, container: RunningStep, launch: Launch) -> RunningStep:
        """Run one more command where a container runs, or beside it when nothing is kept apart."""
        env = {**self._env, **launch.variables}
        if self.plain_because:
            return start_cold(launch, env)
        if (identity := container.identity) is None:
            raise InfrastructureError("the container has ended")
        try:
            step = self._plain.start(launch, env, threading.Event(), join=identity.pid)
        except ColdStart as reason:
            raise InfrastructureError(f"cannot go into a container: {reason}") from None
        return _begun(step, launch)

    def _kept(self, security: Security) -> Security:
        """What a container may: where steps share folders of this machine's user, what they may."""
        shares = self._isolation is not None and self._isolation.shared
        return Security() if shares else security

    def _group(self, resources: Resources) -> Group | None:
        """Make the control group of a container, if it needs one."""
        if not (resources.limits or resources.requests):
            return None
        try:
            return self._cgroups().group(resources)
        except OSError as error:
            raise InfrastructureError(f"cannot limit a container: {error}") from None

    def _cgroups(self) -> Cgroups:
        """Where control groups can be made; found when the first container wants one."""
        with self._trial:
            if self._groups is None:
                self._groups = Cgroups.of_machine().tried()
                self._groups.sweep()
            return self._groups

    def _root(self, binds: tuple[Bind, ...]) -> Mapping[str, Any] | None:
        if self._isolation is None or self.plain_because:
            return None
        return self._isolation.root(binds).message()

    def _try(self, isolation: Isolation) -> str:
        """Start a container that does nothing; return why it does not start."""
        root = isolation.root(()).message()
        launch = Launch(("true",), {}, Path("/"), Path(os.devnull))
        for _ in range(_TRIES):
            try:
                step = self._plain.start(launch, self._env, threading.Event(), root=root)
            except ColdStart as reason:
                return str(reason)
            if step.wait() == 0:
                return ""
            if not step.lost:  # what somebody has killed tells nothing of the kernel
                break
        return str((step.refusal or {}).get("broken", "a container that does nothing fails"))

    def close(self) -> None:
        """End the fork servers and what still runs under them."""
        self._plain.close()
        for _, server in self._warm:
            server.close()


@dataclass(frozen=True)
class _ProcessPod:
    runtime: ProcessRuntime

    def start(self, launch: Launch, cancelled: threading.Event) -> RunningStep:
        return self.runtime.start(launch, cancelled)

    def execute(self, container: RunningStep, launch: Launch) -> RunningStep:
        return self.runtime.execute(container, launch)

    def close(self) -> None:
        """Nothing to give back: a container takes all that it holds along."""


@dataclass
class _Limited:
    """A container in a control group of its own, which goes when the container has ended."""

    container: RunningStep
    group: Group
    oom_killed: bool = False

    @property
    def unstarted(self) -> bool:
        return self.container.unstarted

    @property
    def identity(self) -> ProcessIdentity | None:
        return self.container.identity

    def wait(self) -> int:
        code = self.container.wait()
        self.oom_killed = self.oom_killed or self.group.oom_killed
        self.group.remove()
        return code

    def stop(self, grace: float) -> None:
        self.container.stop(grace)


def _begun(step: WarmProcess, launch: Launch) -> RunningStep:
    """A step that a fork server has started, unless something was in its way."""
    if step.refusal is None:
        return step
    step.wait()
    if "broken" in step.refusal:
        raise InfrastructureError(f"cannot start a container: {step.refusal['broken']}")
    code = int(step.refusal["errno"])
    error = OSError(code, os.strerror(code))
    if "file" in step.refusal:
        return without_file(launch, step.refusal["file"], error)
    return refused(launch, error)
