"""The examples of docs/problem-kinds.md: real data, through the shipped Pipeline, to a champion."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import REPOSITORY, Project

EXAMPLES = REPOSITORY / "examples"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real tables of the examples."""
    folder = tmp_path_factory.mktemp("tables")
    subprocess.run([sys.executable, EXAMPLES / "make_data.py", folder], check=True)
    return folder


@pytest.fixture
def example(tmp_path: Path, tables: Path) -> Callable[[str], Project]:
    """Makes an example a project of its own, as its page says."""

    def make(name: str) -> Project:
        folder = Path(shutil.copytree(EXAMPLES / name, tmp_path / name))
        project = Project(folder)
        path = folder / project.the_model(project.spec())["data"]["path"]
        path.parent.mkdir()
        shutil.copy(tables / path.name, path)
        (folder / ".gitignore").write_text(".mltk/\n")
        project.git("init", "--quiet")
        project.git("add", "--all")
        project.git("commit", "--quiet", "--message", "Start")
        return project

    return make


@pytest.mark.parametrize("name", ["density", "reduction", "generative"])
def test_an_example_becomes_a_champion(name: str, example: Callable[[str], Project]) -> None:
    project = example(name)
    done = project.mltk("run")
    (model,) = project.json("models", "list")
    assert model["alias"] == "champion", done.stdout
    verified = project.mltk("models", "verify", model["name"]).stdout
    assert "cpu" in verified and "wasm" in verified
    if name == "generative":
        _challenged_with_other_noise(project)


def _challenged_with_other_noise(project: Project) -> None:
    """A model that takes another amount of noise is held against the champion all the same."""
    spec = project.spec()
    project.the_model(spec)["settings"] = {"latent": 3}
    project.write_spec(spec)
    project.commit("Hide three numbers")
    project.mltk("run")
    (run, _) = sorted(
        project.json("get", "pipelineruns")["items"],
        key=lambda obj: str(obj["metadata"]["creationTimestamp"]),
        reverse=True,
    )
    assert "of the champion (version 1) on the same 114 rows" in json.dumps(run)
