from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.records import Source
from mltk.steps.workspace import RunWorkspace

QUICK = {"network": {"hidden": [8]}, "training": {"epochs": 15, "learning_rate": 0.02}}
_SCRIPT = """
import sys
from mltk.steps import step
for name in sys.argv[2].split(","):
    arguments = [name, "--workspace", sys.argv[1]]
    if name == "evaluate":
        arguments += ["--result", "metrics=" + sys.argv[1] + "/metrics"]
    step(arguments, standalone_mode=sys.argv[2].endswith(name))
"""


@pytest.fixture
def run_steps() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a runner of steps in a process: an exit code, and two streams.

    Several steps share a process, because TensorFlow takes longer to import than they take.
    """

    def run(workspace: RunWorkspace, *steps: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", _SCRIPT, str(workspace.root), ",".join(steps)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., RunWorkspace]:
    """Give a maker of run workspaces, as the fetch step leaves them."""

    def make(
        header: Sequence[str], rows: Iterable[Sequence[Any]], *, name: str = "run", **spec: Any
    ) -> RunWorkspace:
        workspace = RunWorkspace(tmp_path / name)
        workspace.source.mkdir(parents=True)
        with (workspace.source / "t.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        model = {
            "data": {"path": "t.csv"},
            "target": {"name": header[-1]},
            "features": [{"name": column} for column in header[:-1]],
            **QUICK,
            **spec,
        }
        content = {"project": "p", "models": {"m": model}}
        workspace.project_file.write_text(yaml.safe_dump(content), encoding="utf-8")
        workspace.write(Source("repo", "0" * 40, "m", "t.csv", "md5:0", "k", {}))
        return workspace

    return make
