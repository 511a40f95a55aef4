"""A resolved step -> the process to start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mltk.local.runtime import Launch
from mltk.tekton.environment import Lookup
from mltk.tekton.taskrun import (
    ResolvedStep,
    TaskPaths,
    TaskRunRejected,
    environment,
    expand_env,
)

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

    def create(self) -> None:
        """Make the folders."""
        for name in ("results", "steps", "home", "workspace", "scripts"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def paths(self, workspaces: dict[str, Path]) -> TaskPaths:
        """Return the paths that variables of the Task stand for."""
        return TaskPaths(
            results=str(self.results),
            steps=str(self.root / "steps"),
            workspaces={name: str(path) for name, path in workspaces.items()},
            home=str(self.root / "home"),
        )

    def record_exit(self, step: ResolvedStep, code: int) -> None:
        """Leave the exit code where ``$(steps.step-NAME.exitCode.path)`` points."""
        folder = self.root / "steps" / f"step-{step.name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "exitCode").write_text(str(code), encoding="ascii")


def launch(step: ResolvedStep, work: WorkFolders, log: Path, lookup: Lookup) -> Launch:
    """Return the process of a step; its script is written, its folder made.

    Raises TaskRunRejected when its environment or its command is not to be had.
    """
    env = environment(step.env_from, step.env, lookup)
    args = tuple(expand_env(arg, env) for arg in step.args)
    if step.script is not None:
        command = _script(step, work)
    elif step.command:
        command = tuple(expand_env(part, env) for part in step.command)
    else:
        raise TaskRunRejected(
            "TaskRunValidationFailed",
            f'step "{step.name}" has no command: steps run as processes of this machine,'
            " which knows no entrypoint of an image",
        )
    cwd = work.workspace / (step.working_dir or "")
    cwd.mkdir(parents=True, exist_ok=True)
    return Launch(command + args, env, cwd, log)


def _script(step: ResolvedStep, work: WorkFolders) -> tuple[str, ...]:
    """Write the script and name its interpreter, as execve(2) reads the first line.

    It is not executed as a file: another thread that forks meanwhile would hold it open for
    writing, and the kernel then refuses (golang/go#22315).
    """
    script = step.script or ""
    if not script.startswith("#!"):
        script = _PREAMBLE + script
    path = work.root / "scripts" / step.name
    path.write_text(script, encoding="utf-8")
    interpreter = script.partition("\n")[0][2:].strip().split(None, 1)
    return (*(part.strip() for part in interpreter), str(path))
