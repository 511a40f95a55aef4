"""The data of this repository: pulled from a fresh clone, and what their generator writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FILES = ("README.md", "breast_cancer.csv", "diabetes.csv", "digits.csv", "wine.csv")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(folder)], check=True)
    _dvc(folder, "pull")
    return folder


def test_a_fresh_clone_can_pull_them_and_is_clean_then(clone: Path) -> None:
    assert sorted(path.name for path in (clone / "data").iterdir()) == sorted(FILES)
    assert "up to date" in _dvc(clone, "status")
    status = ["git", "status", "--porcelain"]
    assert subprocess.run(status, cwd=clone, check=True, capture_output=True).stdout == b""


def test_they_are_what_scikit_learn_carries(clone: Path, tmp_path: Path) -> None:
    generator = [sys.executable, str(REPOSITORY / "examples" / "make_data.py"), str(tmp_path)]
    subprocess.run(generator, check=True)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (clone / "data" / name).read_bytes()


def _dvc(folder: Path, *args: str) -> str:
    command = [sys.executable, "-m", "dvc", *args]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
