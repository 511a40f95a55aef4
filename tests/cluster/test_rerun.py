"""Runs once more: by the Dashboard, by mltk, and after what had failed was repaired."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mltk.tekton.rerun import rerun
from tests.cluster.conftest import REPOSITORY, upload
from tests.cluster.dashboard import rerun_payload
from tests.cluster.programs import Project, condition, is_done

pytestmark = pytest.mark.timeout(900)


def test_the_copy_of_the_dashboard_registers_no_second_version(
    project: Project, delivered: dict[str, dict[str, Any]]
) -> None:
    row = delivered["wine-alcohol"]
    copy = _create(project, rerun_payload(project.get("pipelinerun", row["run"])))
    ended = project.watch("pipelinerun", copy, until=is_done)
    assert condition(ended)["reason"] == "Completed", condition(ended)["message"]
    results = {each["name"]: each["value"] for each in ended["status"]["results"]}
    assert results["bundle-digest"] == row["digest"]
    assert (results["model-version"], results["alias"]) == ("1", "champion")
    described = project.mltk("describe", "pr", copy).stdout
    assert row["run"] in described, "the copy names what it is a copy of"


def test_mltk_makes_the_object_that_the_dashboard_makes(
    project: Project, delivered: dict[str, dict[str, Any]]
) -> None:
    run = project.get("pipelinerun", delivered["wine-alcohol"]["run"])
    assert rerun(run) == rerun_payload(run)


def test_a_failed_run_succeeds_when_its_cause_is_repaired(project: Project, tmp_path: Path) -> None:
    """The data is missing in the DVC remote, then it is brought there."""
    pod = ("exec", "-n", project.namespace, "source", "-c", "dvc", "--")
    project.cluster.kubectl(*pod, "mv", "/srv/dvc/files", "/srv/dvc/gone")
    run = project.start("breast-cancer")
    failed = project.watch("pipelinerun", run, until=is_done)
    assert condition(failed)["reason"] == "Failed"
    assert "fetch-data" in project.mltk("describe", "pr", run).stdout
    assert project.mltk("wait", run, code=None).returncode != 0

    upload(project, _copy(tmp_path), "/srv/dvc")
    done = project.mltk("rerun", run, "-o", "json")
    (row,) = json.loads(done.stdout)
    assert (row["verdict"], row["version"]) == ("pass", "1")
    again = project.get("pipelinerun", row["run"])
    assert again["metadata"]["labels"]["dashboard.tekton.dev/rerunOf"] == run


def _create(project: Project, manifest: Any) -> str:
    name = project.cluster.kubectl(
        *("create", "-n", project.namespace, "-f", "-", "-o", "name"), stdin=json.dumps(manifest)
    )
    return name.strip().partition("/")[2]


def _copy(folder: Path) -> Path:
    """The DVC remote of this repository at its last commit."""
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(folder / "c")], check=True)
    return Path(shutil.move(folder / "c" / "dvc-remote", folder / "remote"))
