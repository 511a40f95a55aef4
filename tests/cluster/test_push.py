"""A push to a real Gitea becomes a model in the cluster; a pull request is judged there."""

from __future__ import annotations

import json
import re

import pytest

from tests.cluster.scene import Pushed, Scene
from tests.cluster.surroundings import RUNS_PAGE

pytestmark = pytest.mark.timeout(900)

_CHECK = "mltk/plane"


def test_a_push_becomes_a_model_that_names_its_commit(scene: Scene, pushed: Pushed) -> None:
    tags = scene.versions()[pushed.results["model-version"]]
    assert json.loads(tags["mltk.lineage"])["git_sha"] == pushed.commit
    status = scene.statuses(pushed.commit)[_CHECK]
    assert (status["status"], status["description"]) == ("success", "version 1, champion")
    page = RUNS_PAGE.format(namespace=scene.project.namespace)
    assert status["target_url"] == f"{page}/{pushed.run}"


def test_a_push_that_touches_no_model_starts_no_run(scene: Scene, pushed: Pushed) -> None:
    scene.pull()
    (scene.folder.folder / "notes.md").write_text("Nothing is learnt from this.\n")
    commit = scene.push("Take notes")
    assert commit != pushed.commit
    assert scene.runs_of("gitea-push", commit) == []


def test_a_pull_request_is_judged_and_a_copy_of_a_run_registers_nothing(
    scene: Scene, pushed: Pushed
) -> None:
    """Both at once: a run has much to wait for."""
    before = scene.versions()
    copy = scene.copy(pushed.run)
    commit, number = _propose(scene)
    (run,) = scene.runs_of("gitea-pull-request", commit)
    judged, copied = scene.end(run), scene.end(copy)

    assert copied["bundle-digest"] == pushed.results["bundle-digest"]
    assert copied["model-version"] == pushed.results["model-version"]
    assert judged["verdict"] == "pass"
    assert "model-version" not in judged
    assert scene.versions().keys() == before.keys(), "nothing was registered"
    status = scene.statuses(commit)[_CHECK]
    assert status["status"] == "success"
    assert status["description"].startswith("passed the gate, not registered")
    (comment,) = scene.comments(number)
    assert re.search(r"of the champion \(version \d+\)", comment)
    assert commit[:12] in comment


def _propose(scene: Scene) -> tuple[str, int]:
    """Open a pull request that trains a little longer; its commit and number."""
    scene.pull()
    spec = scene.folder.spec()
    scene.folder.the_model(spec)["training"]["epochs"] = 35
    scene.folder.write_spec(spec)
    commit = scene.push("Train longer", "longer")
    asked = {"title": "Train longer", "head": "longer", "base": "main"}
    made = scene.host.ask("POST", "/repos/ada/plane/pulls", asked)
    return commit, int(made["number"])
