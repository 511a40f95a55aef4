"""Projects that wait for data: git, DVC and files are real."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.data.objects import dvc_library
from mltk.project.git import Repository
from mltk.project.scaffold import init
from tests.alone import alone as alone

MLTK = str(Path(sys.executable).parent / "mltk")


@dataclasses.dataclass
class Waiting:
    """A project whose table data/points.csv gets what lies in `inbox`."""

    root: Path
    inbox: Path
    workspace: Path

    def git(self, *words: str, at: Path | None = None) -> str:
        """What a git command of the user's prints."""
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        done = subprocess.run(
            ["git", *who, *words], cwd=at or self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def drop(self, name: str, *rows: str, header: str = "x1,x2,y", age: float = 60) -> Path:
        """Put a table into the inbox, as if it had been there for a while."""
        file = self.inbox / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([header, *rows]) + "\n")
        moment = file.stat().st_mtime - age
        os.utime(file, (moment, moment))
        return file

    def says(self, **setting: Any) -> None:
        """Write the setting into mltk.yaml and commit it."""
        file = self.root / "mltk.yaml"
        document = yaml.safe_load(file.read_text())
        for model in document["models"].values():
            model["arrival"] = {"from": str(self.inbox), **setting}
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        self.git("commit", "--quiet", "--all", "--message", "Say where data come from")

    def bare(self) -> Path:
        """A bare repository of the project, with a DVC remote that any clone reaches."""
        storage, bare = self.root.parent / "storage", self.root.parent / "bare.git"
        with (
            dvc_library() as library,
            library(str(self.root)) as repo,
            repo.config.edit("repo") as config,
        ):
            config["remote"]["storage"]["url"] = str(storage)
        with dvc_library() as library, library(str(self.root)) as repo:
            repo.push()
        self.git("commit", "--quiet", "--all", "--message", "Move the storage")
        self.git("clone", "--quiet", "--bare", str(self.root), str(bare))
        return bare

    def step(self, url: object, *words: str, event: Any = None, form: str = "generic") -> Step:
        """Run the step as the Task does."""
        results = {name: self.workspace / name for name in RESULTS}
        asked = [f"--result={name}={path}" for name, path in results.items()]
        told: list[str] = []
        if event is not None:
            written = base64.b64encode(json.dumps(event).encode()).decode()
            told = [f"--form={form}", f"--event={written}"]
        done = subprocess.run(
            [
                *(MLTK, "step", "ingest", f"--workspace={self.workspace}", f"--repo-url={url}"),
                *(*told, *asked, *words),
            ],
            capture_output=True,
            text=True,
            cwd=self.workspace,
        )
        assert "Traceback" not in done.stderr, done.stderr
        found = {name: path.read_text() if path.exists() else "" for name, path in results.items()}
        for path in results.values():
            path.unlink(missing_ok=True)
        return Step(done.returncode, done.stderr, **found)

    def rows(self, revision: str = "HEAD", at: Path | None = None) -> list[str]:
        """The rows of the table as `revision` names them, from DVC."""
        repository = Repository(at or self.root)
        from mltk.data.dvc import locate
        from mltk.data.objects import fetch_object

        with_cache = self.root
        found = locate(repository, "data/points.csv", repository.resolve(revision), with_cache)
        file = fetch_object(with_cache, found.digest, found.remote, found.dvc_file or "")
        return file.read_text().splitlines()[1:]


RESULTS = ("revision", "changed", "models", "before", "due")


@dataclasses.dataclass
class Step:
    """How the step ended."""

    code: int
    said: str
    revision: str
    changed: str
    models: str
    before: str
    due: str


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    """A project with 40 rows, and an empty inbox."""
    csv = tmp_path / "points.csv"
    rows = [f"{row % 7},{row * row % 11},{row % 7 + 2 * (row * row % 11)}" for row in range(40)]
    csv.write_text("\n".join(["x1,x2,y", *rows]) + "\n")
    root = init(tmp_path / "project", csv, "y", problem="regression").folder
    (tmp_path / "inbox").mkdir()
    (tmp_path / "workspace").mkdir()
    found = Waiting(root, tmp_path / "inbox", tmp_path / "workspace")
    found.says()
    return found
