"""An object that is put into a real S3 server becomes a data version, and a model that names it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mltk.data.arrivals.bucket import Bucket
from mltk.data.arrivals.found import ChangedError
from mltk.errors import InfrastructureError
from mltk.tekton.objects import Obj, is_success, labels_of, name_of, spec_of
from tests.func.listener.conftest import Listening, apply, listening
from tests.func.pipeline.conftest import Project, plane
from tests.s3.conftest import Server, serving

TOKEN = "token-of-the-hook"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that tells nobody."""
    with serving(tmp_path / "s3") as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


def test_objects_of_a_bucket(server: Server, tmp_path: Path) -> None:
    server.put("wine/a b+ü.csv", "x,y\n1,2\n")
    server.put("wine/sub/c.csv", "x,y\n")
    server.put("other/d.csv", "x,y\n")
    server.put("wine/folder/", "")
    bucket = Bucket("s3://cellar/wine", server.url)
    first, second = sorted(bucket.find(), key=lambda each: each.name)
    assert (first.name, second.name) == ("a b+ü.csv", "sub/c.csv")
    assert first.uri == "s3://cellar/wine/a b+ü.csv"
    assert first.size == 8
    assert re.fullmatch("[0-9a-f]{32}", first.version)
    bucket.fetch(first, tmp_path / "part")
    assert (tmp_path / "part").read_text() == "x,y\n1,2\n"
    server.put("wine/a b+ü.csv", "x,y\n3,4\n")
    with pytest.raises(ChangedError, match="written anew"):
        bucket.fetch(first, tmp_path / "part")
    server.client.delete_object(Bucket="cellar", Key="wine/a b+ü.csv")
    with pytest.raises(ChangedError, match="is gone"):
        bucket.fetch(first, tmp_path / "part")


def test_a_server_that_says_no(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InfrastructureError, match=r"s3://nowhere/: cannot be read"):
        Bucket("s3://nowhere/", server.url).find()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(InfrastructureError, match="cannot be read") as caught:
        Bucket("s3://cellar/", server.url).find()
    assert "credentials" in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_an_object_becomes_a_model(copies: Callable[[str], Project], tmp_path: Path) -> None:
    project = copies("arrived")
    spec = project.spec()
    project.the_model(spec)["arrival"] = {"from": "s3://cellar/plane/", "quiet_period": "2s"}
    project.write_spec(spec)
    project.commit("Wait for data")
    apply(project.folder, _secret("mltk-s3", token=TOKEN))
    with listening(project.folder) as ear:
        url = f"http://127.0.0.1:{ear.port}/arrivals"
        with serving(tmp_path / "s3", f"{url}?token={TOKEN}") as server:
            apply(project.folder, _secret("mltk-ingest", **server.environment))
            for number in range(3):
                server.put(f"plane/{number}.csv", plane(rows=30 + number))
            server.put("elsewhere/3.csv", "a,b,y\n0,0,0\n")
            ear.wait(lambda: _of_models(ear) or _failed(ear), seconds=120)
        for failed in _failed(ear):
            pytest.fail(project.mltk("logs", name_of(failed)).stdout)
        (run,) = _of_models(ear)
        assert is_success(run), project.mltk("logs", name_of(run)).stdout
    told = project.git("log", "-1", "--format=%s%n%b")
    assert re.match(r"data/plane.csv: \d+ rows of 3 objects \[skip mltk\]", told)
    assert len(project.table.read_text().splitlines()) == 81 + 30 + 31 + 32
    ledger = [json.loads(line) for line in project.git("show", "HEAD:data.arrivals").splitlines()]
    assert [each["uri"] for each in ledger] == [f"s3://cellar/plane/{n}.csv" for n in range(3)]
    assert {"name": "revision", "value": project.git("rev-parse", "HEAD")} in spec_of(run)["params"]
    (version,) = project.json("models", "list")
    assert version["name"] == "plane"
    said = ear.log.read_text() + told + project.git("show", "HEAD")
    assert TOKEN not in said
    assert server.environment["AWS_SECRET_ACCESS_KEY"] not in said


def _secret(name: str, **data: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        "stringData": data,
    }


def _of_models(ear: Listening) -> list[Obj]:
    """The runs of models that have ended."""
    return [run for run in ear.ended("PipelineRun") if "mltk.dev/model" in labels_of(run)]


def _failed(ear: Listening) -> list[Obj]:
    """The TaskRuns that have failed."""
    return [run for run in ear.ended("TaskRun") if not is_success(run)]
