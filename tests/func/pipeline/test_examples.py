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

KNOWN_KINDS = ("digits", "energy", "market", "vehicle", "wine")
"""Examples of regression and classification, whose bundles other tests verify."""

NOISE = {"energy": (15, 1.25), "vehicle": (0.6, 1.25), "market": (0.03, 2.2)}
"""Standard deviation of what cannot be known in a table of `make_domains.py`; errors, in these."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real tables of the examples."""
    folder = tmp_path_factory.mktemp("tables")
    for script in ("make_data.py", "make_domains.py"):
        subprocess.run([sys.executable, EXAMPLES / script, folder], check=True)
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


@pytest.mark.parametrize("name", sorted(file.parent.name for file in EXAMPLES.glob("*/mltk.yaml")))
def test_an_example_becomes_a_champion(name: str, example: Callable[[str], Project]) -> None:
    project = example(name)
    done = project.mltk("run")
    (model,) = project.json("models", "list")
    assert model["alias"] == "champion", done.stdout
    if name not in KNOWN_KINDS:
        verified = project.mltk("models", "verify", model["name"]).stdout
        assert "cpu" in verified and "wasm" in verified
    if name == "generative":
        _challenged_with_other_noise(project)
    if name in NOISE:
        noise, times = NOISE[name]
        assert 0.9 * noise < model["metrics"]["rmse"] < times * noise


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
