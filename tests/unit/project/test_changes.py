"""Which models a push concerns: over a real git repository."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.project.changes import concerned
from mltk.project.git import Repository
from mltk.project.load import load

MODEL: dict[str, Any] = {
    "problem": "regression",
    "target": {"name": "y"},
    "features": [{"name": "x"}],
}
SPEC: dict[str, Any] = {
    "project": "cellar",
    "models": {
        "wine": {**MODEL, "data": {"path": "data/wine.csv"}, "paths": ["labels/*"]},
        "beer": {**MODEL, "data": {"path": "data/beer.csv"}},
    },
}
BOTH = ("beer", "wine")


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q")
        self.write("mltk.yaml", yaml.safe_dump(SPEC))
        self.first = self.commit("Start")

    def git(self, *args: str) -> str:
        who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        return subprocess.run(
            ["git", *who, *args], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def concerned(self, before: str) -> tuple[str, ...]:
        return concerned(load(self.root / "mltk.yaml"), Repository(self.root), before).models

    def why(self, before: str) -> str:
        return concerned(load(self.root / "mltk.yaml"), Repository(self.root), before).all_because


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def tracking(path: str, **more: Any) -> str:
    """A .dvc file of `path`."""
    out = {"md5": "d41d8cd98f00b204e9800998ecf8427e", "hash": "md5", "path": path}
    return yaml.safe_dump({"outs": [out], **more})


@pytest.mark.parametrize(
    ("path", "text", "models"),
    [
        ("data/wine.csv.dvc", tracking("wine.csv"), ("wine",)),
        ("data/cellar.csv.dvc", tracking("wine.csv"), ("wine",)),
        ("data/beer.csv.dvc", tracking("elsewhere.csv"), ()),
        ("data.dvc", tracking("data"), BOTH),
        ("all.dvc", tracking("data"), BOTH),
        ("somewhere/else.dvc", tracking("beer.csv", wdir="../data"), ("beer",)),
        ("somewhere/plots.dvc", tracking("plots"), ()),
        ("data/wine.csv.dvc", "no: [YAML", BOTH),
    ],
)
def test_a_dvc_file_concerns_the_models_whose_data_it_tracks(
    folder: Folder, path: str, text: str, models: tuple[str, ...]
) -> None:
    folder.write(path, text)
    added = folder.commit("Add")
    assert folder.concerned(folder.first) == models
    (folder.root / path).unlink()
    folder.commit("Remove")
    assert folder.concerned(added) == models


def test_what_only_brings_data_is_told_from_what_changes_the_model(folder: Folder) -> None:
    folder.write("data/wine.csv", "x,y")
    folder.write("data/beer.csv", "x,y")
    folder.write("labels/red.txt", "changed")
    folder.commit("Rows, and labels of wine")
    found = concerned(load(folder.root / "mltk.yaml"), Repository(folder.root), folder.first)
    assert (found.models, found.by_data) == (BOTH, {"beer"})


@pytest.mark.parametrize(
    ("path", "models"),
    [
        ("README.md", ()),
        ("data/wine.csv", ("wine",)),
        ("dvc.yaml", BOTH),
        ("dvc.lock", BOTH),
        (".dvc/config", BOTH),
        ("labels/red.txt", ("wine",)),
    ],
)
def test_a_file_concerns_the_models_that_it_is_of(
    folder: Folder, path: str, models: tuple[str, ...]
) -> None:
    folder.write(path, "changed")
    folder.commit("Change")
    assert folder.concerned(folder.first) == models


def test_a_section_concerns_its_model_and_what_stands_above_concerns_all(folder: Folder) -> None:
    beer = {**SPEC["models"]["beer"], "seed": 3}
    folder.write("mltk.yaml", yaml.safe_dump({**SPEC, "models": {**SPEC["models"], "beer": beer}}))
    second = folder.commit("Another seed")
    assert folder.concerned(folder.first) == ("beer",)
    folder.write("mltk.yaml", yaml.safe_dump({**SPEC, "project": "brewery"}))
    folder.commit("Another name")
    assert folder.concerned(second) == BOTH


def test_only_how_the_file_is_written_concerns_nothing(folder: Folder) -> None:
    folder.write("mltk.yaml", "# A comment.\n" + yaml.safe_dump(SPEC))
    folder.commit("Say more")
    assert folder.concerned(folder.first) == ()


def test_history_that_was_rewritten_concerns_all(folder: Folder) -> None:
    assert folder.concerned("a" * 40) == BOTH
    assert "is not there: history was rewritten" in folder.why("a" * 40)


def test_what_a_force_push_takes_back_concerns_its_model(folder: Folder) -> None:
    folder.write("data/wine.csv", "x,y")
    gone = folder.commit("One")
    folder.git("reset", "-q", "--hard", folder.first)
    folder.write("README.md", "other")
    folder.commit("Other")
    assert folder.concerned(gone) == ("wine",)


@pytest.mark.parametrize("before", ["", "0" * 40, "--output=x"])
def test_what_was_not_there_before_concerns_all(folder: Folder, before: str) -> None:
    assert folder.concerned(before) == BOTH


def test_what_was_skipped_is_made_up_for(folder: Folder) -> None:
    folder.write("data/wine.csv", "x,y")
    skipped = folder.commit("More wine [skip mltk]")
    folder.write("README.md", "more")
    folder.commit("Say more")
    assert folder.concerned(skipped) == BOTH


def test_a_project_file_that_was_wrong_concerns_all(folder: Folder) -> None:
    folder.write("mltk.yaml", "models: [")
    wrong = folder.commit("A mistake")
    folder.write("mltk.yaml", yaml.safe_dump(SPEC))
    folder.commit("Mend it")
    assert folder.concerned(wrong) == BOTH
