"""A push to a bare repository becomes a model, by its hook and `mltk listen`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from mltk.project.compile import tracking_uri
from mltk.project.load import load
from mltk.registry import Registry
from mltk.tekton.objects import Obj, is_success, labels_of, name_of, params_of, spec_of
from mltk.tekton.rerun import rerun
from mltk.tekton.triggers.templates import EVENT
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
        _traced(project, started, run)
        project.git("push", "--quiet", str(bare), "HEAD:elsewhere")
        ear.settled()
        assert len(ear.ended("PipelineRun")) == 1


def _traced(project: Project, started: Obj, run: Obj) -> None:
    """The event's id is on all that came of it, down to the tags of the model."""
    event = labels_of(started)[EVENT]
    assert f"eventID={event}" in (project.folder / "listen.log").read_text()
    assert labels_of(run)[EVENT] == params_of(run)["event-id"] == event
    copy = rerun(run)
    assert (labels_of(copy)[EVENT], params_of(copy)["event-id"]) == (event, event)
    assert f"Event:       {event}" in project.mltk("describe", "pr", name_of(run)).stdout
    shown = project.json("models", "show", "plane")
    assert shown["eventID"] == shown["lineage"]["event_id"] == event
    assert f"eventID:     {event}" in project.mltk("models", "show", "plane").stdout
    spec = load(project.folder / "mltk.yaml")
    registry = Registry(tracking_uri(spec, project.folder), spec.project)
    client = registry.connection.client
    version = registry.version("plane")
    assert client.get_model_version("plane", version.version).tags["mltk.event-id"] == event
    assert client.get_run(version.run_id).data.tags["mltk.event-id"] == event
