"""Real projects in tmp_path: git and DVC do their work, nothing is mocked."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mltk.data.objects import dvc_library
from mltk.project.git import Repository
from mltk.project.scaffold import Scaffold, init
from tests.alone import alone as alone

ROWS = 40


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A table to learn from: y = x1 + 2 x2."""
    rows = [f"{row % 7},{row * row % 11},{row % 7 + 2 * (row * row % 11)}" for row in range(ROWS)]
    file = tmp_path / "points.csv"
    file.write_text("\n".join(["x1,x2,y", *rows]) + "\n")
    return file


@pytest.fixture
def scaffold(tmp_path: Path, csv: Path) -> Scaffold:
    """A project that `init` made: data/points.csv in data.dvc, pushed to dvc-remote/."""
    return init(tmp_path / "project", csv, "y", problem="regression")


@pytest.fixture
def repository(scaffold: Scaffold) -> Repository:
    return Repository.at(scaffold.folder)


@pytest.fixture
def dvc_add() -> Callable[[Path, str], None]:
    def add(project: Path, target: str) -> None:
        with dvc_library() as library, library(str(project)) as repo:
            repo.add([str(project / target)])

    return add


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """The git command as a user types it, with an identity."""

    def run(folder: Path, *arguments: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return run
