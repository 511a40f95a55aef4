"""A file that arrives in a folder becomes a model."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mltk.project.git import Repository
from tests.func.pipeline.conftest import Project, plane


def test_a_file_becomes_a_model(copies: Callable[[str], Project], tmp_path: Path) -> None:
    project, inbox = copies("watched"), tmp_path / "inbox"
    inbox.mkdir()
    file = inbox / "more.csv"
    file.write_text(plane(rows=40), encoding="utf-8")
    moment = file.stat().st_mtime - 60
    os.utime(file, (moment, moment))
    said = project.mltk("watch", str(inbox), "--once").stderr
    assert "data/plane.csv: 40 rows of 1 object" in said
    (run,) = project.json("get", "pr")["items"]
    given = {each["name"]: each["value"] for each in run["spec"]["params"]}
    assert given["revision"] == Repository(project.folder).head()
    (version,) = project.json("models", "list")
    assert version["name"] == "plane"
    # Nothing new came, so nothing is made.
    project.mltk("watch", str(inbox), "--once")
    assert len(project.json("get", "pr")["items"]) == 1
