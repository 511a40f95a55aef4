"""A model delivered on this machine and on a cluster: the same run, but for where things are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mltk.local.backend import LocalBackend
from mltk.tekton.objects import Obj, name_of
from tests.cluster.conftest import REPOSITORY
from tests.cluster.programs import MLTK, Project
from tests.parity.allowed import ALLOWED_IN_DELIVERY, Allowed, surprises
from tests.parity.picture import Difference, differences, picture

_MODEL = "wine-alcohol"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def found(
    project: Project, delivered: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> list[Difference]:
    """How the two runs differ."""
    folder = tmp_path_factory.mktemp("here") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(folder)], check=True)
    run = delivered[_MODEL]["run"]
    theirs = _picture(project.get("pipelinerun", run), list(project.task_runs(run).values()))
    return list(differences(_here(project, folder), theirs))


def _here(project: Project, folder: Path) -> Obj:
    command = (MLTK, "run", _MODEL, "-n", project.namespace, "-o", "json")
    (row,) = json.loads(project.cluster.run(*command, cwd=folder).stdout)
    with LocalBackend(folder / ".mltk") as backend:
        run = backend.get("PipelineRun", row["run"], project.namespace)
        mine = {"tekton.dev/pipelineRun": name_of(run)}
        return _picture(run, list(backend.list("TaskRun", project.namespace, mine)))


def _picture(run: Obj, task_runs: list[Obj]) -> Obj:
    """The names of both runs are made up, so they get one."""
    made: Obj = json.loads(json.dumps(picture(run, task_runs)).replace(name_of(run), "RUN"))
    return made


def test_a_delivery_is_the_same_run(found: list[Difference]) -> None:
    unexpected = surprises("delivery", found, ALLOWED_IN_DELIVERY)
    assert not unexpected, "\n".join(map(str, unexpected))


@pytest.mark.parametrize("row", ALLOWED_IN_DELIVERY, ids=lambda row: row.place)
def test_what_is_allowed_to_differ_does(row: Allowed, found: list[Difference]) -> None:
    assert any(row.covers("delivery", each) for each in found), (
        f"nothing differs at {row.place} any more: take the row out"
    )
