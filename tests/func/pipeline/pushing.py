"""A project that is pushed to a bare repository whose hook tells `mltk listen` of it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from mltk.tekton.objects import Obj, labels_of
from mltk.tekton.triggers.templates import EVENT
from tests.func.listener.conftest import MLTK, Listening, apply

from .conftest import Project

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "mltk-git", "namespace": "default"},
    "stringData": {"token": "of-the-hook"},
}


@dataclass(frozen=True)
class Pushed:
    """The project, and the repository that it is pushed to."""

    project: Project
    bare: Path
    secret: Path

    def install(self, ear: Listening) -> None:
        """Let the repository tell a listener of each push."""
        url = f"http://127.0.0.1:{ear.port}/"
        # Of a file:// git takes what branches hold, as from a server, and not the whole folder.
        clone = ("--clone-url", f"file://{self.bare}")
        words = (self.bare, "--url", url, "--secret-file", self.secret, *clone)
        subprocess.run([MLTK, "hook", "install", *words], check=True, capture_output=True)

    def push(self, *options: str) -> None:
        self.project.git("push", "--quiet", *options, str(self.bare), "HEAD:main")

    def started(self, ear: Listening, count: int) -> list[Obj]:
        """What has come of so many pushes, as soon as all of it has ended."""
        ended = [each for each in ear.ended("TaskRun") if is_start(each)]
        return ended if len(ended) == count else []


def is_start(task_run: Obj) -> bool:
    """Whether an event made it, rather than a Pipeline."""
    return EVENT in labels_of(task_run) and "tekton.dev/pipeline" not in labels_of(task_run)


def pushed(project: Project) -> Pushed:
    """Keep the table in git: a DVC remote is not what is looked at here."""
    for tracked in [each for each in project.folder.rglob("*.dvc") if each.is_file()]:
        project.git("rm", "--quiet", "--force", str(tracked))
    project.git("add", "--force", str(project.table))
    project.git("checkout", "--quiet", "-B", "main")
    project.git("commit", "--quiet", "--message", "Keep the table in git")
    bare = project.folder / ".mltk" / "pushed.git"  # steps see no other folder below /tmp
    subprocess.run(["git", "init", "--quiet", "--bare", bare], check=True)
    secret = project.folder.parent / "secret"
    secret.write_text("of-the-hook")
    secret.chmod(0o600)
    apply(project.folder, SECRET)
    return Pushed(project, bare, secret)
