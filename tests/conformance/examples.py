"""Tekton's examples, as they lie in its Go module."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_MODULE = "github.com/tektoncd/pipeline"
_GO = Path(__file__).parents[1] / "cluster" / "node" / "go" / "pipelines"


class NoModule(Exception):
    """The module is not to be had here; says what to do."""


@dataclass(frozen=True)
class Example:
    """A file of objects, the run among them; `name` is its path without the ending."""

    name: str
    path: Path

    @property
    def kind(self) -> str:
        """The kind of the run that must succeed."""
        return "TaskRun" if "taskruns" in self.path.parts else "PipelineRun"

    @property
    def is_alpha(self) -> bool:
        """Whether it needs what an installation has switched off."""
        return "alpha" in self.path.parts


def find_examples() -> list[Example]:
    """All examples of the present version of Tekton's API; raises NoModule."""
    root = _module() / "examples" / "v1"
    return [
        Example(str(path.relative_to(root).with_suffix("")), path)
        for path in sorted(root.rglob("*.yaml"))
    ]


def _module() -> Path:
    """The folder of the module, which Go fetches when it is not there."""
    if shutil.which("go") is None:
        raise NoModule("Go is not installed: Tekton's examples come with its Go module")
    for command in (("mod", "download", _MODULE), ("list", "-m", "-f", "{{.Dir}}", _MODULE)):
        done = subprocess.run(["go", *command], cwd=_GO, capture_output=True, text=True)
        if done.returncode:
            raise NoModule(f"go {' '.join(command)}: {done.stderr.strip()}")
    return Path(done.stdout.strip())
