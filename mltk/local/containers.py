"""The container runtime: a step is a container of podman or docker, made from the image it names.

The containers of a pod share its volumes and, like the processes of the process runtime, the
network of this machine. Images come from local storage, unless an `imagePullPolicy` asks.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mltk.closing import Closing
from mltk.errors import InfrastructureError
from mltk.local.cgroups import Asked
from mltk.local.cold import ColdProcess, start_process
from mltk.local.identity import ProcessIdentity
from mltk.local.isolation import TEMPORARY
from mltk.local.launch import note
from mltk.local.runtime import Image, Launch, NoImage, Pod, RunningStep
from mltk.local.tee import tee
from mltk.tekton.security import ROOT, Security

_PROGRAMS = ("podman", "docker")
_LAST_WORDS = 4096
_NEVER_STARTED = re.compile(
    r"^ERROR \(catatonit:\d+\): failed to exec pid1: (.+)\s*\Z"
    r"|^Error: (.+: OCI (?:runtime attempted to invoke|(?:runtime )?permission denied).*)\s*\Z",
    re.MULTILINE,
)
_PODMANS_OWN = ("/usr/bin", "/usr/libexec/podman", "/usr/lib/podman", "/usr/local/libexec/podman")
_OWNER = "mltk.dev/owner"
_OOM_NOTE = "oom"
_PULL = {"Always": "always", "IfNotPresent": "missing"}
_MOST = {"nofile": 1 << 20, "nproc": 1 << 14}

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def _run(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@dataclass
class _Container:
    """A container whose client is a process of this engine.

    One whose memory is limited does not remove itself, because it is to tell whether it kept to
    that. Some versions of podman's monitor tell it where podman does not look: in the folder that
    they were started in, which is `notes`.
    """

    engine: Engine
    name: str
    launch: Launch
    client: ColdProcess
    notes: Path | None = None
    stopped: bool = False
    oom_killed: bool = False
    unstarted: bool = False

    @property
    def identity(self) -> ProcessIdentity | None:
        return self.client.identity

    def wait(self) -> int:
        code = self.client.wait()
        if self.notes is not None:
            format_ = "{{.State.OOMKilled}}"
            told = self.engine.call("container", "inspect", "--format", format_, self.name)
            self.engine.call("rm", "--force", self.name)
            noted = (self.notes / _OOM_NOTE).exists()
            self.oom_killed = noted or told.stdout.strip() == "true"
            shutil.rmtree(self.notes, ignore_errors=True)
        if code and self.launch.entrypoint:
            self._tell_unstarted()
        return code

    def _tell_unstarted(self) -> None:
        # The log goes with its run, which may be deleted meanwhile.
        with suppress(OSError):
            if why := _never_started(self.launch.log):
                self.unstarted = True
                note(self.launch.log, f"cannot start {self.launch.argv[0]!r}: {why}")

    def stop(self, grace: float) -> None:
        """Let the engine end the container; its client ends with it."""
        self.stopped = True
        command = ("stop", "--time", str(max(0, round(grace))), self.name)
        threading.Thread(target=self.engine.call, args=command, daemon=True).start()


@dataclass(frozen=True)
class Engine:
    """Podman or docker as this machine has it: `flags` of the program, `options` of a container.

    It can keep containers to limits of what is `limited`: ``memory``, ``cpu``. A step is no first
    process, which does not get the signals that it sends itself, where there is an `init` for that.
    """

    program: str
    flags: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    limited: frozenset[str] = frozenset()
    init: tuple[str, ...] = ()
    run: Run = _run

    def argv(self, *words: str) -> list[str]:
        """A command line."""
        return [self.program, *self.flags, *words]

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return self.run(self.argv(*words))


class ContainerRuntime(Closing):
    """Steps are containers. A context manager: leaving it ends what still runs."""

    real_paths = True
    uses_images = True
    plain_because = ""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._images: dict[str, Image] = {}
        own = ProcessIdentity.own()
        self._owner = f"{own.pid}/{own.started}"

    def prewarm(self) -> None:
        """End what the containers of killed engines have left."""
        for name, label in self._owned():
            pid, _, started = label.partition("/")
            if not (pid.isdigit() and ProcessIdentity(int(pid), started).alive):
                self._engine.call("rm", "--force", name)

    def image(self, name: str, pull_policy: str = "") -> Image:
        """What an image runs; NoImage when it is not there."""
        if name not in self._images:
            if pull_policy in _PULL and self._inspect(name) is None:
                self._engine.call("pull", name)
            found = self._inspect(name)
            if found is None:
                raise NoImage(
                    f"{name} is not in the storage of {self._engine.program}; type:"
                    f" {self._engine.program} pull {name}"
                )
            self._images[name] = found
        return self._images[name]

    def user(self, image: str) -> int | None:
        """As whom a container of that image runs when nobody says otherwise; None for a name."""
        return self.image(image).user

    def is_other(self, security: Security) -> bool:  # noqa: ARG002  (an image says it, too)
        """Return True: images have users of their own."""
        return True

    def unkept(self, launch: Launch) -> Sequence[str]:
        """Fields of a container to which the engine of this machine cannot keep it."""
        return Asked.of(launch.resources).unkept(self._engine.limited)

    def pod(self) -> Pod:
        """Make a pod."""
        return _ContainerPod(self._engine, self._owner)

    def close(self) -> None:
        """End what still runs."""
        for name, label in self._owned():
            if label == self._owner:
                self._engine.call("rm", "--force", name)

    def _inspect(self, name: str) -> Image | None:
        found = self._engine.call("image", "inspect", name)
        if found.returncode:
            return None
        config = json.loads(found.stdout)[0].get("Config") or {}
        return Image(
            tuple(config.get("Entrypoint") or ()),
            tuple(config.get("Cmd") or ()),
            _user(str(config.get("User") or "")),
        )

    def _owned(self) -> list[tuple[str, str]]:
        label = f'{{{{.Names}}}} {{{{index .Labels "{_OWNER}"}}}}'
        if self._engine.program.endswith("docker"):
            label = f'{{{{.Names}}}} {{{{.Label "{_OWNER}"}}}}'
        listed = self._engine.call("ps", "--all", "--filter", f"label={_OWNER}", "--format", label)
        rows = (line.partition(" ") for line in listed.stdout.splitlines())
        return [(name, owner) for name, _, owner in rows]


@dataclass
class _ContainerPod:
    engine: Engine
    owner: str
    _started: list[_Container] = field(default_factory=list)

    @cached_property
    def _prefix(self) -> str:
        return f"mltk-{uuid.uuid4().hex[:12]}"

    def start(self, launch: Launch, cancelled: threading.Event) -> RunningStep:  # noqa: ARG002
        name = f"{self._prefix}-{len(self._started)}"
        asked = Asked.of(launch.resources)
        notes = None
        if asked.memory and "memory" in self.engine.limited:
            notes = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        words = _created(self, launch, name, asked, keep=notes is not None)
        client = self._client(words, launch, notes)
        self._started.append(_Container(self.engine, name, launch, client, notes))
        return self._started[-1]

    def execute(self, container: RunningStep, launch: Launch) -> RunningStep:
        if not isinstance(container, _Container):
            raise InfrastructureError("the container has ended")
        return self._client(("exec", container.name, *launch.argv), launch)

    def close(self) -> None:
        """Remove what was stopped; a container that ends by itself removes itself."""
        for container in self._started:
            if container.stopped:
                self.engine.call("rm", "--force", container.name)

    def _client(
        self, words: Sequence[str], launch: Launch, folder: Path | None = None
    ) -> ColdProcess:
        # The client has the machine's environment, the container that of the step alone.
        return start_process(self.engine.argv(*words), launch, folder)


def _created(
    pod: _ContainerPod, launch: Launch, name: str, asked: Asked, *, keep: bool
) -> list[str]:
    words = ["run", "--pull=never", f"--name={name}", f"--label={_OWNER}={pod.owner}"]
    # What it says goes into the log of the step, and into no log of the engine besides.
    words += [
        "--log-driver=none",
        "--network=host",
        *(() if keep else ("--rm",)),
        *pod.engine.options,
        *(pod.engine.init if launch.entrypoint else ()),
    ]
    for bind in launch.binds:
        # To a container its folders for temporary files are parts of the root.
        fixed = bind.read_only or (launch.security.read_only and bind.target in TEMPORARY)
        words.append(f"--volume={bind.source}:{bind.target}{':ro' if fixed else ''}")
    words += _resources(asked, pod.engine.limited)
    words += _security(launch.security, pod.engine.program)
    for key, value in launch.variables.items():
        words.append(f"--env={key}={value}")
    if launch.cwd is not None:
        words.append(f"--workdir={launch.cwd}")
    command, *args = tee(launch.argv, *launch.files, by_shell=True)
    return [*words, f"--entrypoint={command}", launch.image, *args]


def _never_started(log: Path) -> str:
    """Why the command of a container was not executed, which the end of its log says."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_WORDS))
        found = _NEVER_STARTED.search(file.read().decode(errors="replace"))
    return next(filter(None, found.groups()), "") if found else ""


def _user(said: str) -> int | None:
    """The user of an image; None when it only names one, who is not root then."""
    name = said.partition(":")[0]
    if name in ("", "root"):
        return ROOT
    return int(name) if name.isdigit() else None


def _security(asked: Security, program: str) -> Iterator[str]:
    """Who a container runs as and what it may, as options of podman and docker."""
    if asked.user is not None:
        yield (
            f"--user={asked.user}" if asked.group is None else f"--user={asked.user}:{asked.group}"
        )
    yield from (f"--group-add={each}" for each in asked.groups)
    yield from (f"--cap-drop={each}" for each in asked.dropped)
    yield from (f"--cap-add={each}" for each in asked.added)
    if asked.read_only:
        yield "--read-only"
        if program.endswith("podman"):
            yield "--read-only-tmpfs=false"
    if not asked.escalates:
        yield "--security-opt=no-new-privileges"
    if asked.privileged:
        yield "--privileged"


def _resources(asked: Asked, limited: frozenset[str]) -> Iterator[str]:
    """What a container asks for, as options of podman and docker."""
    if "memory" in limited and asked.memory:
        yield f"--memory={asked.memory}"
        yield f"--memory-swap={asked.memory}"  # memory alone: none of it is swap
    if "cpu" in limited and asked.cpus:
        yield f"--cpus={float(asked.cpus)}"
    if "cpu" in limited and asked.shares:
        yield f"--cpu-shares={asked.shares}"


def find_engine(run: Run = _run) -> Engine:
    """The first container engine of this machine that runs; InfrastructureError when none does."""
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    said = [f"{program} is not installed" for program in missing]
    for program in (each for each in _PROGRAMS if each not in missing):
        answer = run([program, "info", "--format", "{{json .}}"])
        if answer.returncode == 0:
            return _fitted(program, answer.stdout, run)
        said.append(f"{program}: {(answer.stderr.strip().splitlines() or ['fails'])[-1]}")
    raise InfrastructureError(
        f"there is no container engine on this machine ({'; '.join(said)})",
        hint="install podman, or type --runtime process",
    )


def _fitted(program: str, info: str, run: Run) -> Engine:
    """The engine with what this machine needs: podman asks for more than some allow."""
    with suppress(ValueError):
        said: dict[str, Any] = json.loads(info)
        if program != "podman":
            limits = {"memory": said.get("MemoryLimit"), "cpu": said.get("CpuCfsQuota")}
            limited = frozenset(name for name, can in limits.items() if can)
            init = ("--init",) if shutil.which("docker-init") else ()
            return Engine(program, limited=limited, init=init, run=run)
        host: dict[str, Any] = said.get("host") or {}
        limited = frozenset(host.get("cgroupControllers") or ())
        flags: tuple[str, ...] = ()
        # crun refuses machines that have both versions of control groups.
        if host.get("cgroupVersion") == "v1" and shutil.which("runc"):
            flags = ("--runtime=runc", "--cgroup-manager=cgroupfs")
        options = _limits() if os.geteuid() == 0 else ()
        found = shutil.which("catatonit", path=os.pathsep.join((os.defpath, *_PODMANS_OWN)))
        own = ("--init", f"--init-path={found}") if found else ()
        return Engine(program, flags, options, limited, own, run)
    return Engine(program, run=run)


def _limits() -> tuple[str, ...]:
    """The limits of this process, which even root may not raise everywhere (CAP_SYS_RESOURCE)."""
    found: Mapping[str, int] = {
        "nofile": resource.RLIMIT_NOFILE,
        "nproc": resource.RLIMIT_NPROC,
    }
    hard = {name: resource.getrlimit(number)[1] for name, number in found.items()}
    wanted = {name: min(limit, _MOST[name]) for name, limit in hard.items() if limit > 0}
    return tuple(f"--ulimit={name}={limit}:{limit}" for name, limit in wanted.items())
