"""A resolved step -> the process to start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mltk.local.isolation import TEMPORARY
from mltk.local.podvolumes import PodVolumes
from mltk.local.rootfs import Bind
from mltk.local.runtime import Image, Launch
from mltk.tekton import pod, when
from mltk.tekton.artifacts import replace as replace_artifacts
from mltk.tekton.objects import Obj
from mltk.tekton.stepresults import replace
from mltk.tekton.taskrun import (
    ResolvedStep,
    TaskPaths,
    environment,
    expand_env,
)
from mltk.tekton.volumes import Surroundings

_OPEN = 0o777
_ARTIFACTS = "provenance.json"
_SHARED = ("results", "steps", "home", "workspace", "scripts", "artifacts", "run")
_WRITTEN = ("results", "home", "workspace", "artifacts")
_READ_LIMIT = 65_536  # far above what a status takes; a step's mistake must not fill the memory
_PREAMBLE = "#!/bin/sh\nset -e\n"  # tektoncd/pipeline, pkg/pod/script.go


@dataclass(frozen=True)
class WorkFolders:
    """The folders that stand for ``/tekton/...`` and ``/workspace`` while a TaskRun runs."""

    root: Path

    @property
    def results(self) -> Path:
        """Stands for ``/tekton/results``."""
        return self.root / "results"

    @property
    def workspace(self) -> Path:
        """Stands for ``/workspace``: where steps start."""
        return self.root / "workspace"

    @property
    def scripts(self) -> Path:
        """Stands for ``/tekton/scripts``."""
        return self.root / "scripts"

    def results_of(self, step: str) -> Path:
        """Stands for ``/tekton/steps/step-NAME/results``."""
        return self.root / "steps" / f"step-{step}" / "results"

    def result(self, step: str, name: str) -> str | None:
        """What a step wrote as one of its results."""
        return read_file(self.results_of(step) / name)

    def artifacts_of(self, step: str) -> str | None:
        """What a step wrote of its artifacts."""
        return read_file(self.results_of(step).parent / "artifacts" / _ARTIFACTS)

    @property
    def artifacts(self) -> str | None:
        """What steps wrote of the artifacts of the Task."""
        return read_file(self.root / "artifacts" / _ARTIFACTS)

    def create(self, steps: Sequence[str], *, open_to_all: bool = False) -> None:
        """Make the folders for steps of these names, as Tekton's entrypoint does (step_init.go).

        Those that steps write to are `open_to_all` users, as volumes of a pod are, when some step
        is another one than this process.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (*_SHARED, *_of_steps(len(steps))):
            (self.root / folder).mkdir(exist_ok=True)
            if open_to_all and (folder in _WRITTEN or folder.startswith("run/")):
                (self.root / folder).chmod(_OPEN)
        for index, name in enumerate(steps):
            for alias in (f"step-{name}", str(index)):
                link = self.root / "steps" / alias
                if not link.is_symlink():
                    link.symlink_to(f"../run/{index}/status")

    def run(self, index: int) -> Path:
        """Stands for ``/tekton/run/INDEX``."""
        return self.root / "run" / str(index)

    @property
    def home(self) -> Path:
        """Stands for ``/tekton/home``."""
        return self.root / "home"

    def credentials(self, index: int) -> Path:
        """Stands for ``/tekton/creds`` of the step of that index."""
        return self.root / "credentials" / str(index)

    def temporary(self, container: str) -> Path:
        """Stands for ``/tmp`` of a container; made when it is not there."""
        folder = self.root / "tmp" / container
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)
        return folder

    def paths(self, workspaces: dict[str, Path]) -> TaskPaths:
        """Return the paths that variables of the Task stand for where there is no pod."""
        return TaskPaths(
            results=str(self.results),
            steps=str(self.root / "steps"),
            workspaces={name: str(path) for name, path in workspaces.items()},
            home=str(self.home),
            artifacts=str(self.root / "artifacts"),
        )

    def record_exit(self, step: ResolvedStep, code: int) -> None:
        """Leave the exit code where ``$(steps.step-NAME.exitCode.path)`` points."""
        folder = self.root / "steps" / f"step-{step.name}"
        (folder / "exitCode").write_text(str(code), encoding="ascii")


def _of_steps(number: int) -> Iterator[str]:
    """Folders of the steps, each after the one that it lies in, for which none is tried in vain."""
    for index in range(number):
        yield f"run/{index}"
        for part in ("status", "status/results", "status/artifacts"):
            yield f"run/{index}/{part}"


def launch(
    step: ResolvedStep,
    work: WorkFolders,
    log: Path,
    around: Surroundings,
    volumes: PodVolumes | None,
    image: Callable[[str, str], Image],
) -> Launch | None:
    """Return the process of a step, None when its `when` does not let it start.

    Its script is written, its folders are made. Without `volumes` it sees the machine's paths.
    Raises TaskRunRejected when its environment or its command is not to be had, OutOfRange when it
    names an element of a result that is not there.
    """
    own = partial(around.pod.read, container=step.container)
    env = environment(step.env_from, step.env, around.lookup, own)
    told = [expand_env(each, env) for each in (*step.command, *step.args)]
    if step.script is None and not step.command:
        told = list(image(step.image, step.pull_policy).argv(tuple(told)))
    start = replace(env, [_expanded(each, env) for each in step.when], told, work.result)
    if start.problem:
        note(log, f"Error while substituting step results: {start.problem}")
    if not when.allows(start.when):
        return None
    # As in Tekton, a script with args keeps what it says of artifacts.
    script = None if step.args else step.script
    found = replace_artifacts(script, start.command, start.env, work.artifacts_of)
    if found.problem:
        note(log, f"Error while substituting step artifacts: {found.problem}")
    command = found.command
    if step.script is not None:
        seen = None if volumes is None else pod.SCRIPTS
        command = _script(step.log, found.script or step.script, work, seen) + command
    if volumes is None:
        folder = work.workspace / (step.working_dir or "")
        folder.mkdir(parents=True, exist_ok=True)
        return Launch(
            command,
            found.env,
            folder,
            log,
            entrypoint=not step.sidecar,
            resources=step.resources,
            security=step.security,
        )
    temporary = str(work.temporary(step.log))
    binds = [Bind(temporary, path) for path in TEMPORARY] + volumes.binds(step.mounts, env)
    # Without a folder a container starts in that of its image; a relative one is below /workspace.
    cwd = Path(pod.WORKSPACE, step.working_dir) if step.working_dir else None
    return Launch(
        command,
        found.env,
        cwd,
        log,
        tuple(binds),
        entrypoint=not step.sidecar,
        image=step.image,
        resources=step.resources,
        security=step.security,
    )


def note(log: Path, line: str) -> None:
    """Add a line of the engine's own to the log of a step."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"mltk: {line}\n")


def read_file(path: Path) -> str | None:
    """What a step wrote for others to read; None when there is no file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(_READ_LIMIT).decode("utf-8", errors="replace")


def _expanded(guard: Obj, env: Mapping[str, str]) -> Obj:
    """A `when`, which Tekton hands to the step among its args, so that Kubernetes expands it."""
    made = {key: expand_env(found, env) for key, found in guard.items() if isinstance(found, str)}
    return {**made, "values": [expand_env(each, env) for each in guard.get("values") or ()]}


def _script(name: str, script: str, work: WorkFolders, folder: str | None) -> tuple[str, ...]:
    """Write the script and name its interpreter, as execve(2) reads the first line.

    `folder` is where the step sees it, if that is another place.

    It is not executed as a file: another thread that forks meanwhile would hold it open for
    writing, and the kernel then refuses (golang/go#22315).
    """
    if not script.startswith("#!"):
        script = _PREAMBLE + script
    path = work.scripts / name
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    interpreter = script.partition("\n")[0][2:].strip().split(None, 1)
    seen = path if folder is None else Path(folder, name)
    return (*(part.strip() for part in interpreter), str(seen))
