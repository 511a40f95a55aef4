"""A push to a bare repository becomes a model, by its hook and `mltk listen`."""

from __future__ import annotations

from collections.abc import Callable

from mltk.project.compile import tracking_uri
from mltk.project.load import load
from mltk.registry import Registry
from mltk.tekton.objects import Obj, is_success, labels_of, name_of, params_of, spec_of
from mltk.tekton.rerun import rerun
from mltk.tekton.triggers.templates import EVENT
from tests.func.listener.conftest import Listening, listening

from .conftest import Project
from .pushing import Pushed, pushed


def test_a_push_to_a_bare_repository(copies: Callable[[str], Project]) -> None:
    project = copies("pushed")
    repository = pushed(project)
    with listening(project.folder) as ear:
        said = ear.log.read_text()
        assert "for EventListener default/mltk" in said
        repository.install(ear)
        repository.push()
        (started,) = ear.wait(lambda: repository.started(ear, 1), seconds=60)
        assert is_success(started), project.mltk("logs", name_of(started)).stdout
        (run,) = ear.wait(lambda: ear.ended("PipelineRun"), seconds=120)
        commit = project.git("rev-parse", "HEAD")
        assert is_success(run), project.mltk("logs", name_of(run)).stdout
        assert {"name": "revision", "value": commit} in spec_of(run)["params"]
        (version,) = project.json("models", "list")
        assert version["name"] == labels_of(run)["mltk.dev/model"]
        _traced(project, started, run)
        project.git("push", "--quiet", str(repository.bare), "HEAD:elsewhere")
        ear.settled()
        assert len(ear.ended("PipelineRun")) == 1
        _rewritten(repository, ear, commit)


def _rewritten(repository: Pushed, ear: Listening, gone: str) -> None:
    """A forced push whose commit before is in no branch any more: nothing is lost, and said."""
    project = repository.project
    project.git("push", "--quiet", str(repository.bare), ":elsewhere")
    project.git("commit", "--quiet", "--amend", "--message", "Another history")
    spec = project.spec()
    project.the_model(spec)["seed"] = 5
    project.write_spec(spec)
    project.commit("Another seed")
    repository.push("--force")
    _, started = ear.wait(lambda: repository.started(ear, 2), seconds=60)
    assert is_success(started)
    assert params_of(started)["before"] == gone
    said = project.mltk("logs", name_of(started)).stdout
    assert f"all models are looked at: the commit before, {gone[:12]}, is not there" in said
    runs = ear.wait(lambda: _ended(ear, 2), seconds=120)
    revision = project.git("rev-parse", "HEAD")
    assert sorted(params_of(run)["revision"] for run in runs) == sorted([gone, revision])
    assert all(map(is_success, runs))
    assert len(project.json("models", "list")) == 2


def _ended(ear: Listening, count: int) -> list[Obj]:
    found = ear.ended("PipelineRun")
    return found if len(found) == count else []


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
