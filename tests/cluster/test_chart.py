"""The chart through its life: tested, upgraded, uninstalled and back, with nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.conftest import CHART, chart_values
from tests.cluster.programs import MLTK, Project

pytestmark = pytest.mark.timeout(900)
Delivered = dict[str, dict[str, Any]]


def test_helm_test_passes(project: Project) -> None:
    said = project.cluster.helm("test", "mltk", "-n", project.namespace, "--timeout", "3m")
    assert "Phase:          Succeeded" in said


def test_doctor_finds_nothing_amiss(project: Project) -> None:
    assert "error" not in project.mltk("doctor").stdout.lower()


def test_old_runs_are_pruned_as_the_job_of_the_chart_does_it(
    project: Project, delivered: Delivered
) -> None:
    """By hand, with room for all that is there: the account may do it, and nothing goes."""
    job = ("create", "job", "prune-now", "--from=cronjob/mltk-prune", "-n", project.namespace)
    project.cluster.kubectl(*job)
    done = ("job/prune-now", "-n", project.namespace, "--for=condition=Complete", "--timeout=180s")
    project.cluster.kubectl("wait", *done)
    assert project.get("pipelinerun", delivered["wine-alcohol"]["run"])


def test_an_upgrade_and_an_uninstall_lose_no_run_and_no_model(
    project: Project, delivered: Delivered, image: str
) -> None:
    helm, namespace = project.cluster.helm, ("-n", project.namespace)
    values = chart_values(image)
    before = _registered(project)
    assert set(delivered) <= {each["name"] for each in before}
    helm("upgrade", "mltk", str(CHART), *namespace, "--wait", *values, "--set", "quota.pods=7")
    assert _registered(project) == before

    helm("uninstall", "mltk", *namespace, "--wait")
    for row in delivered.values():
        run = project.get("pipelinerun", row["run"])
        assert run["status"]["results"], "a run keeps what it found without the chart"
    helm("install", "mltk", str(CHART), *namespace, "--wait", *values)
    assert _registered(project) == before
    up_to_date = project.mltk("run", "wine-alcohol").stderr
    assert "up to date: wine-alcohol" in up_to_date


def _registered(project: Project) -> list[dict[str, Any]]:
    """What the registry of the cluster lists, from outside."""
    with project.cluster.forwarded(project.namespace, "svc/mltk-mlflow", 5000) as port:
        where = ("--tracking-uri", f"http://127.0.0.1:{port}", "-o", "json")
        done = project.cluster.run(MLTK, "models", "list", *where, cwd=project.folder)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
