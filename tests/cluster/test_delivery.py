"""Two models on real data, from git to the registry, through the chart as it ships."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.cluster.programs import MLTK, Project, condition

_TASKS = ["fetch-data", "gate-model", "register-model", "report", "train-model"]
Delivered = dict[str, dict[str, Any]]

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("model", ["diabetes-progression", "wine-alcohol"])
def test_a_model_is_delivered_in_five_pods(
    project: Project, delivered: Delivered, model: str
) -> None:
    row = delivered[model]
    run = project.get("pipelinerun", row["run"])
    # One Task is skipped: nothing is deployed to a folder of a pod.
    assert condition(run)["reason"] == "Completed", condition(run)["message"]
    task_runs = project.task_runs(row["run"])
    assert sorted(task_runs) == _TASKS
    assert len({each["status"]["podName"] for each in task_runs.values()}) == 5
    assert (row["verdict"], row["version"], row["alias"]) == ("pass", "1", "champion")


def test_the_results_of_the_run_are_those_that_report_shows(
    project: Project, delivered: Delivered
) -> None:
    row = delivered["wine-alcohol"]
    run = project.get("pipelinerun", row["run"])
    of_run = {each["name"]: each["value"] for each in run["status"]["results"]}
    report = project.task_runs(row["run"])["report"]
    of_report = {each["name"]: each["value"] for each in report["status"]["results"]}
    shared = sorted(of_run.keys() & of_report.keys())
    assert shared == [
        "alias",
        "bundle-digest",
        "data-version",
        "metrics",
        "model-version",
        "verdict",
    ]
    assert {name: of_run[name] for name in shared} == {name: of_report[name] for name in shared}
    assert json.loads(of_run["metrics"])["rmse"] < 0.75


def test_the_registered_models_are_proven_from_outside(
    project: Project, delivered: Delivered
) -> None:
    with project.cluster.forwarded(project.namespace, "svc/mltk-mlflow", 5000) as port:
        for model, row in delivered.items():
            where = ("--tracking-uri", f"http://127.0.0.1:{port}")
            done = project.cluster.run(
                MLTK, "models", "verify", f"{model}@champion", *where, cwd=project.folder
            )
            assert f"({row['digest']}) is as registered" in done.stdout


def test_what_is_delivered_is_up_to_date(project: Project, delivered: Delivered) -> None:
    done = project.mltk("run", "wine-alcohol")
    assert f"up to date: wine-alcohol, run {delivered['wine-alcohol']['run']}" in done.stderr


def test_tkn_describes_a_run_in_words(project: Project, delivered: Delivered) -> None:
    run = delivered["wine-alcohol"]["run"]
    text = project.cluster.tkn("pipelinerun", "describe", run, "-n", project.namespace)
    assert "model-delivery" in text
    for title in ("Fetch data", "Train model", "Gate model", "Register model", "Report"):
        assert title in text or title.lower().replace(" ", "-") in text
    assert re.search(r"verdict\s+pass", text)
    assert re.search(r"model-version\s+1", text)
    assert re.search(r"deploy-model\b", text), "the skipped task is named"


def test_tkn_prints_the_logs_task_by_task(project: Project, delivered: Delivered) -> None:
    run = delivered["wine-alcohol"]["run"]
    text = project.cluster.tkn("pipelinerun", "logs", run, "-n", project.namespace)
    lines = [line for line in text.splitlines() if line.strip()]
    stray = [line for line in lines if not re.match(r"\[[a-z-]+ : [a-z-]+\] ", line)]
    assert not stray
    assert "[train-model : verify]" in text
    assert "[report : report]" in text


def test_mltk_prints_the_same_logs(project: Project, delivered: Delivered) -> None:
    run = delivered["wine-alcohol"]["run"]
    ours = project.mltk("logs", run).stdout.splitlines()
    theirs = project.cluster.tkn("pipelinerun", "logs", run, "-n", project.namespace)
    assert sorted(filter(str.strip, ours)) == sorted(filter(str.strip, theirs.splitlines()))


def test_mltk_describes_it_with_its_events(project: Project, delivered: Delivered) -> None:
    run = delivered["wine-alcohol"]["run"]
    text = project.mltk("describe", "pr", run).stdout
    assert re.search(r"verdict +pass", text)
    assert re.search(r"deploy-model +When Expressions evaluated to false", text)
    assert "Events" in text
