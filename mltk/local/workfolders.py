"""The folders that stand for those of a pod while a TaskRun runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mltk.local import inmemory
from mltk.local.layout import Layout
from mltk.tekton.objects import Obj
from mltk.tekton.resolved import ResolvedStep, TaskPaths

_OPEN = 0o777
_ARTIFACTS = "provenance.json"
_LARGE = ("home", "workspace")
_SMALL = ("results", "steps", "scripts", "artifacts", "run")
_WRITTEN = ("results", "home", "workspace", "artifacts")
_READ_LIMIT = 65_536  # far above what a status takes; a step's mistake must not fill the memory


@dataclass(frozen=True)
class WorkFolders:
    """The folders that stand for ``/tekton/...`` and ``/workspace`` while a TaskRun runs."""

    task_run: Obj
    layout: Layout
    shared: bool
    """With another engine, which may not see this machine's memory."""

    @cached_property
    def root(self) -> Path:
        """For what may be large."""
        return self.layout.work(self.task_run)

    @cached_property
    def small(self) -> Path:
        """For what is not: in memory, where it has a place for that."""
        if self.shared or not inmemory.is_usable():
            return self.root
        return self.layout.work_in_memory(self.task_run)

    @property
    def all(self) -> Iterable[Path]:
        """What there is to be removed in the end."""
        return {self.root, self.small}

    def internal(self, kind: str) -> Path:
        """Stands for ``/tekton/KIND``, or ``/workspace``."""
        return self._around(kind) / kind

    def _around(self, kind: str) -> Path:
        return self.root if kind in _LARGE else self.small

    @property
    def results(self) -> Path:
        """Stands for ``/tekton/results``."""
        return self.small / "results"

    @property
    def workspace(self) -> Path:
        """Stands for ``/workspace``: where steps start."""
        return self.root / "workspace"

    @property
    def scripts(self) -> Path:
        """Stands for ``/tekton/scripts``."""
        return self.small / "scripts"

    def results_of(self, step: str) -> Path:
        """Stands for ``/tekton/steps/step-NAME/results``."""
        return self.small / "steps" / f"step-{step}" / "results"

    def result(self, step: str, name: str) -> str | None:
        """What a step wrote as one of its results."""
        return read_file(self.results_of(step) / name)

    def artifacts_of(self, step: str) -> str | None:
        """What a step wrote of its artifacts."""
        return read_file(self.results_of(step).parent / "artifacts" / _ARTIFACTS)

    @property
    def artifacts(self) -> str | None:
        """What steps wrote of the artifacts of the Task."""
        return read_file(self.small / "artifacts" / _ARTIFACTS)

    def create(self, steps: Sequence[str], *, open_to_all: bool = False) -> None:
        """Make the folders for steps of these names, as Tekton's entrypoint does (step_init.go).

        Those that steps write to are `open_to_all` users, as volumes of a pod are, when some step
        is another one than this process.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        if self.small != self.root:
            inmemory.make(self.small, self.layout.state)
        for name in (*_LARGE, *_SMALL, *_of_steps(len(steps))):
            place = f"{self._around(name)}/{name}"
            with suppress(FileExistsError):
                os.mkdir(place)  # noqa: PTH102  (a Path costs more than the folder)
            if open_to_all and (name in _WRITTEN or name.startswith("run/")):
                os.chmod(place, _OPEN)  # noqa: PTH101
        for index, name in enumerate(steps):
            for alias in (f"step-{name}", str(index)):
                with suppress(FileExistsError):
                    os.symlink(f"../run/{index}/status", f"{self.small}/steps/{alias}")  # noqa: PTH211

    def run(self, index: int) -> Path:
        """Stands for ``/tekton/run/INDEX``."""
        return self.small / "run" / str(index)

    @property
    def home(self) -> Path:
        """Stands for ``/tekton/home``."""
        return self.root / "home"

    def credentials(self, index: int) -> Path:
        """Stands for ``/tekton/creds`` of the step of that index."""
        return self.small / "credentials" / str(index)

    def temporary(self, container: str) -> Path:
        """Stands for ``/tmp`` of a container; made when it is not there."""
        folder = self.root / f"tmp-{container}"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o1777)
        return folder

    def paths(self, workspaces: dict[str, Path]) -> TaskPaths:
        """Return the paths that variables of the Task stand for where there is no pod."""
        return TaskPaths(
            results=str(self.results),
            steps=str(self.small / "steps"),
            workspaces={name: str(path) for name, path in workspaces.items()},
            home=str(self.home),
            artifacts=str(self.small / "artifacts"),
        )

    def record_exit(self, step: ResolvedStep, code: int) -> None:
        """Leave the exit code where ``$(steps.step-NAME.exitCode.path)`` points."""
        folder = self.small / "steps" / f"step-{step.name}"
        (folder / "exitCode").write_text(str(code), encoding="ascii")


def read_file(path: Path) -> str | None:
    """What a step wrote for others to read; None when there is no file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(_READ_LIMIT).decode("utf-8", errors="replace")


def _of_steps(number: int) -> Iterator[str]:
    """Folders of the steps, each after the one that it lies in, for which none is tried in vain."""
    for index in range(number):
        yield f"run/{index}"
        for part in ("status", "status/results", "status/artifacts"):
            yield f"run/{index}/{part}"
