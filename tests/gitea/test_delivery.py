"""A push to a real Gitea becomes a model, its commit has a status, a pull request one comment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from mltk.cli.shipped import install_triggers
from mltk.local.backend import LocalBackend
from mltk.tekton.objects import Obj, is_done, is_success, labels_of, name_of
from mltk.tekton.triggers.bindings import Event
from mltk.tekton.triggers.chain import Interceptors
from mltk.tekton.triggers.interceptors.core import Core
from mltk.tekton.triggers.sink import Surroundings, handle
from tests.func.apiserver.serving import served
from tests.func.pipeline.conftest import Project, _template, copies  # noqa: F401
from tests.gitea.conftest import SECRET, Gitea

_LIMIT = 300.0


@dataclass
class Scene:
    """A served folder whose runs come from the events of a repository."""

    project: Project
    host: Gitea
    backend: LocalBackend

    def push(self, message: str, *refs: str) -> str:
        self.project.git("add", "--all")
        self.project.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.project.git("push", "--quiet", "origin", *(refs or ("HEAD:main",)))
        return self.project.git("rev-parse", "HEAD")

    def react(self, trigger: str) -> list[Obj]:
        """Let the shipped EventListener take the next event, and its runs end; those of models."""
        before = {name_of(each) for each in self.backend.list("PipelineRun")}
        (task_run,) = self.task_runs(trigger)
        made = self.backend.create(task_run)
        ended = self.end("TaskRun", name_of(made))
        assert is_success(ended), "\n".join(self.backend.logs(name_of(made)))
        runs = [each for each in self.backend.list("PipelineRun") if name_of(each) not in before]
        return [self.end("PipelineRun", name_of(each)) for each in runs]

    def task_runs(self, trigger: str) -> list[Obj]:
        header, body = self.event("push" if trigger.endswith("-push") else "pull_request")
        core = Core(lambda *_: {"token": SECRET.encode()}, lambda *_: pytest.fail("GitHub"))
        outside = Surroundings(
            self.get,
            lambda _: [],
            Interceptors(self.get, core, lambda *_: pytest.fail("a server is asked")),
            lambda: "uid",
        )
        listener = self.backend.get("EventListener", "mltk")
        event = Event(body, {key: [value] for key, value in header.items()}, event_id="e-1")
        outcomes = handle(listener, event, "/", outside).outcomes
        found = [each for each in outcomes if each.objects]
        assert [each.trigger for each in found] == [trigger], (header, outcomes)
        return [dict(each) for outcome in found for each in outcome.objects]

    def event(self, name: str) -> tuple[dict[str, str], bytes]:
        """The next event of a kind; Gitea tells of comments and of other branches, too."""
        while True:
            header, body = self.host.events.get(timeout=60)
            if header["X-Gitea-Event"] == name:
                return header, body

    def get(self, kind: str, namespace: str, name: str) -> Obj | None:
        return self.backend.store.find(kind, name, namespace)

    def end(self, kind: str, name: str) -> Obj:
        for event in self.backend.watch(kind, name=name, timeout=_LIMIT):
            if is_done(event.obj):
                return event.obj
        raise AssertionError(f"{kind} {name} does not end")

    def statuses(self, commit: str) -> dict[str, tuple[str, str]]:
        found = self.host.ask("GET", f"/repos/ada/plane/commits/{commit}/status")
        return {
            each["context"]: (each["status"], each["description"])
            for each in found["statuses"] or ()
        }


@pytest.fixture
def scene(copies: Callable[[str], Project], repository: Gitea) -> Iterator[Scene]:  # noqa: F811
    project = copies("gitea")
    for tracked in [each for each in project.folder.rglob("*.dvc") if each.is_file()]:
        project.git("rm", "--quiet", "--force", str(tracked))
    # Kept by git alone: a DVC remote is not what is looked at here.
    project.git("add", "--force", str(project.table))
    project.git("remote", "add", "origin", repository.remote("ada/plane.git"))
    project.git("checkout", "--quiet", "-B", "main")
    with (
        served(project.folder, "--no-tls"),
        LocalBackend(project.folder / ".mltk", serves=True) as backend,
    ):
        secrets = {
            "mltk-forge": {"MLTK_FORGE_TOKEN": repository.token},
            "mltk-source": {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"url.{repository.remote('')}.insteadOf",
                "GIT_CONFIG_VALUE_0": f"{repository.url}/",
            },
        }
        for name, data in secrets.items():
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
            backend.create({**secret, "stringData": data})
        install_triggers(backend, "default")
        yield Scene(project, repository, backend)


def test_a_push_and_a_pull_request(scene: Scene) -> None:
    first = scene.push("Start")
    (run,) = scene.react("gitea-push")
    assert is_success(run)
    model = labels_of(run)["mltk.dev/model"]
    state, said = scene.statuses(first)[f"mltk/{model}"]
    assert state == "success"
    assert said.startswith("version 1, champion")
    (version,) = scene.project.json("models", "list")
    assert version["name"] == model

    scene.project.git("checkout", "--quiet", "-b", "deeper")
    spec = scene.project.spec()
    scene.project.the_model(spec)["training"]["epochs"] = 40
    scene.project.write_spec(spec)
    second = scene.push("Train longer", "HEAD:deeper")
    number = scene.host.ask(
        "POST",
        "/repos/ada/plane/pulls",
        {"title": "Train longer", "head": "deeper", "base": "main"},
    )["number"]
    (judged,) = scene.react("gitea-pull-request")
    assert is_success(judged)
    assert scene.statuses(second)[f"mltk/{model}"][0] == "success"
    assert len(scene.project.json("models", "list")) == 1, "nothing was registered"
    (comment,) = scene.host.ask("GET", f"/repos/ada/plane/issues/{number}/comments")
    assert "of the champion (version 1)" in comment["body"]

    scene.project.the_model(spec)["training"]["epochs"] = 50
    scene.project.write_spec(spec)
    third = scene.push("Longer still", "HEAD:deeper")
    scene.react("gitea-pull-request")
    (again,) = scene.host.ask("GET", f"/repos/ada/plane/issues/{number}/comments")
    assert again["id"] == comment["id"]
    assert third[:12] in again["body"]


def test_a_pull_request_of_a_fork_gets_no_secret(scene: Scene) -> None:
    scene.push("Start")
    scene.event("push")
    bob = scene.host.bob
    scene.host.ask("POST", "/repos/ada/plane/forks", {}, token=bob)
    scene.project.git("remote", "add", "fork", scene.host.remote("bob/plane.git", "bob", bob))
    scene.project.git("commit", "--quiet", "--allow-empty", "--message", "From outside")
    scene.project.git("push", "--quiet", "fork", "HEAD:idea")
    scene.host.ask(
        "POST",
        "/repos/ada/plane/pulls",
        {"title": "Idea", "head": "bob:idea", "base": "main"},
        token=bob,
    )
    runs = scene.react("gitea-fork")
    assert runs
    for run in runs:
        params = {each["name"]: each["value"] for each in run["spec"]["params"]}
        secrets = {value for name, value in params.items() if name.endswith("-secret")}
        assert secrets == {"mltk-none"}
        assert params["register"] == "false"
        assert "/bob/plane" in params["repo-url"]
