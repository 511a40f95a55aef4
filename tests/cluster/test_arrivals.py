"""An object that is put into a real S3 server becomes a data version, and a model, in a cluster."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import urllib.request
from typing import Any

import pytest

from mltk.tekton.objects import Obj, name_of
from tests.cluster.programs import condition, is_done
from tests.cluster.scene import LOOK, Pushed, Scene
from tests.func.pipeline.conftest import plane

pytestmark = pytest.mark.timeout(900)

_EVENT = "triggers.tekton.dev/triggers-eventid"


@dataclasses.dataclass(frozen=True)
class Arrived:
    """What came of objects that were put: the look that took them, and the run of the model.

    `refused` is the event of somebody without the token, which was sent before.
    """

    look: str
    revision: str
    run: str
    results: dict[str, str]
    refused: str


@pytest.fixture(scope="module")
def arrived(scene: Scene, pushed: Pushed) -> Arrived:
    assert pushed.results["model-version"]
    refused = _post(scene, "not-the-token")
    for number in (1, 2):
        scene.store.put(f"plane/{number}.csv", plane(rows=30 + number))
    look = name_of(_taken(scene, set()))
    revision = _ingested(scene, look)["revision"]
    (run,) = scene.models_at(revision)
    return Arrived(look, revision, name_of(run), scene.end(name_of(run)), refused)


def test_objects_become_a_data_version_and_a_model(scene: Scene, arrived: Arrived) -> None:
    assert scene.pull() == arrived.revision
    said = scene.folder.git("log", "-1", "--format=%s")
    assert re.fullmatch(r"data/plane\.csv: \d+ rows of 2 objects \[skip mltk\]", said)
    ledger = scene.folder.git("show", "HEAD:data.arrivals").splitlines()
    assert [json.loads(line)["uri"] for line in ledger] == [
        "s3://cellar/plane/1.csv",
        "s3://cellar/plane/2.csv",
    ]
    lineage = json.loads(scene.versions()[arrived.results["model-version"]]["mltk.lineage"])
    assert lineage["git_sha"] == arrived.revision
    table = hashlib.md5(scene.table(), usedforsecurity=False).hexdigest()
    assert lineage["data_version"] == f"md5:{table}"
    assert len(scene.models_at(arrived.revision)) == 1, "the commit of data started a second run"


def test_who_has_no_token_starts_nothing(scene: Scene, arrived: Arrived) -> None:
    assert not scene.looks(f"{_EVENT}={arrived.refused}")


def test_what_is_taken_is_taken_once(scene: Scene, arrived: Arrived) -> None:
    """The same object once more, and copies by the Dashboard of both runs: all at once."""
    before = scene.versions()
    seen = {name_of(look) for look in scene.looks()}
    copies = [scene.copy(arrived.look), scene.copy(arrived.run)]
    scene.store.put("plane/1.csv", plane(rows=31))
    again = name_of(_taken(scene, {*seen, *copies}))
    scene.end(copies[0])
    for look in (again, copies[0]):
        assert _ingested(scene, look)["changed"] == "false"
    runs = {name_of(run) for run in scene.models_at(arrived.revision)}
    assert runs == {arrived.run, copies[1]}, "what was delivered is delivered again"
    assert scene.end(copies[1])["bundle-digest"] == arrived.results["bundle-digest"]
    assert scene.pull() == arrived.revision
    assert scene.versions().keys() == before.keys()


def _post(scene: Scene, token: str) -> str:
    """Tell of an object as an S3 server does; the id of the event."""
    record = {"bucket": {"name": "cellar"}, "object": {"key": "plane/1.csv"}}
    body = {"Records": [{"eventName": "ObjectCreated:Put", "s3": record}]}
    request = urllib.request.Request(
        scene.arrivals, json.dumps(body).encode(), {"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["eventID"])


def _taken(scene: Scene, but: set[str]) -> Obj:
    """The look that was let go when the burst was over, at its end; newer ones replace older."""

    def ended(run: Any) -> bool:
        if name_of(run) in but or not is_done(run):
            return False
        return bool(condition(run)["reason"] != "Cancelled")

    found: Obj = scene.project.watch("pipelinerun", "-l", LOOK, until=ended)
    assert condition(found)["status"] == "True", scene.logs(name_of(found))
    return found


def _ingested(scene: Scene, look: str) -> dict[str, str]:
    status = scene.project.task_runs(look)["ingest-data"]["status"]
    return {each["name"]: each["value"] for each in status["results"]}
