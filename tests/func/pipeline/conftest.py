"""Projects to run for real: a clone of this repository, and small ones that `mltk init` makes."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
MLTK = str(Path(sys.executable).parent / "mltk")
GIT = ("git", "-c", "user.name=Tester", "-c", "user.email=tester@example.org")


@dataclass(frozen=True)
class Project:
    """A project folder and the real command in it."""

    folder: Path

    def mltk(
        self, *args: str, code: int | None = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run mltk to its end; `code` is the exit code it must have (None: any)."""
        done = subprocess.run(
            [MLTK, *args],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", **(env or {})},
            capture_output=True,
            text=True,
            timeout=500,
        )
        said = f"mltk {' '.join(args)} ended {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback (most recent call last)" not in done.stdout + done.stderr, said
        assert code is None or done.returncode == code, said
        return done

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start mltk in a session of its own, as a terminal would."""
        return subprocess.Popen(
            [MLTK, *args],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
            start_new_session=True,
        )

    def json(self, *args: str) -> Any:
        return json.loads(self.mltk(*args, "-o", "json").stdout)

    def git(self, *args: str) -> str:
        done = subprocess.run(
            [*GIT, *args], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def dvc(self, *args: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "dvc", *args], cwd=self.folder, check=True, capture_output=True
        )

    def commit(self, message: str) -> None:
        self.git("commit", "--quiet", "--all", "--message", message)

    def spec(self) -> Any:
        return yaml.safe_load((self.folder / "mltk.yaml").read_text(encoding="utf-8"))

    def write_spec(self, spec: Any) -> None:
        (self.folder / "mltk.yaml").write_text(
            yaml.safe_dump(spec, sort_keys=False), encoding="utf-8"
        )

    def the_model(self, spec: Any) -> Any:
        (model,) = spec["models"].values()
        return model

    @property
    def table(self) -> Path:
        """The data of a project with one model."""
        path: str = self.the_model(self.spec())["data"]["path"]
        return self.folder / path

    def commit_data(self) -> None:
        """Take in tables that have changed, as their owner would: dvc add, commit."""
        tracked = next(self.folder.rglob("*.dvc"))
        self.dvc("add", str(tracked.with_suffix("").relative_to(self.folder)))
        self.git("add", "--all")
        self.commit("Change the data")


def plane(rows: int = 80) -> str:
    """A CSV with y = 3a - 2b + 1 and noise of 0.1."""
    draw = random.Random(3)
    lines = ["a,b,y"]
    for _ in range(rows):
        a, b = draw.uniform(-1, 1), draw.uniform(0, 10)
        lines.append(f"{a:.4f},{b:.4f},{3 * a - 2 * b + 1 + draw.gauss(0, 0.1):.4f}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    (folder / "plane.csv").write_text(plane(), encoding="utf-8")
    Project(folder).mltk("init", "plane", "--data", "plane.csv", "--target", "y")
    project = Project(folder / "plane")
    spec = project.spec()
    project.the_model(spec)["training"] = {"epochs": 30, "batch_size": 16, "learning_rate": 0.03}
    project.write_spec(spec)
    project.commit("Train briefly")
    return project.folder


@pytest.fixture(scope="session")
def copies(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """Makes copies, by name, of a small regression that trains in seconds and passes its gate."""

    def copy(name: str) -> Project:
        folder = tmp_path_factory.mktemp(name) / "plane"
        return Project(Path(shutil.copytree(_template, folder, symlinks=True)))

    return copy


@pytest.fixture
def project(copies: Callable[[str], Project]) -> Project:
    """A fresh copy of it."""
    return copies("project")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone of this repository in which `mltk run` has delivered its models."""
    folder = tmp_path_factory.mktemp("demo") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(folder)], check=True)
    project = Project(folder)
    project.mltk("run")
    return project
