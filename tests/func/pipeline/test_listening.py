"""A push to a bare repository becomes a model, by its hook and `mltk listen`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from mltk.tekton.objects import is_success, labels_of, name_of, spec_of
from tests.func.listener.conftest import MLTK, apply, listening

from .conftest import Project

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "mltk-git", "namespace": "default"},
    "stringData": {"token": "of-the-hook"},
}


def test_a_push_to_a_bare_repository(copies: Callable[[str], Project]) -> None:
    project = copies("pushed")
    for tracked in [each for each in project.folder.rglob("*.dvc") if each.is_file()]:
        project.git("rm", "--quiet", "--force", str(tracked))
    project.git("add", "--force", str(project.table))  # a DVC remote is not what is looked at here
    project.git("checkout", "--quiet", "-B", "main")
    project.git("commit", "--quiet", "--message", "Keep the table in git")
    bare = project.folder / "pushed.git"  # steps see no other folder below /tmp
    subprocess.run(["git", "init", "--quiet", "--bare", bare], check=True)
    secret = project.folder.parent / "secret"
    secret.write_text("of-the-hook")
    secret.chmod(0o600)
    apply(project.folder, SECRET)
    with listening(project.folder) as ear:
        said = ear.log.read_text()
        assert "for EventListener default/mltk" in said
        url = f"http://127.0.0.1:{ear.port}/"
        subprocess.run(
            [MLTK, "hook", "install", bare, "--url", url, "--secret-file", secret], check=True
        )
        project.git("push", "--quiet", str(bare), "HEAD:main")
        (started,) = ear.wait(lambda: ear.ended("TaskRun"), seconds=60)
        assert is_success(started), project.mltk("logs", name_of(started)).stdout
        (run,) = ear.wait(lambda: ear.ended("PipelineRun"), seconds=120)
        commit = project.git("rev-parse", "HEAD")
        assert is_success(run), project.mltk("logs", name_of(run)).stdout
        assert {"name": "revision", "value": commit} in spec_of(run)["params"]
        (version,) = project.json("models", "list")
        assert version["name"] == labels_of(run)["mltk.dev/model"]
        project.git("push", "--quiet", str(bare), "HEAD:elsewhere")
        ear.settled()
        assert len(ear.ended("PipelineRun")) == 1
