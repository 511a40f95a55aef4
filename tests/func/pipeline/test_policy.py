"""Another gate for the same model: judged anew, not trained anew."""

from __future__ import annotations

from typing import Any

from .conftest import Project


def _runs(project: Project) -> list[Any]:
    listed = project.json("get", "pipelineruns")["items"]
    return sorted(listed, key=lambda run: int(run["metadata"]["resourceVersion"]))


def _judge_by(project: Project, minimum: float) -> None:
    spec = project.spec()
    project.the_model(spec)["gate"] = {"metrics": {"r2": {"min": minimum}}}
    project.write_spec(spec)
    project.commit(f"Ask for {minimum}")


def test_a_gate_that_changes_is_asked_without_a_training(project: Project) -> None:
    _judge_by(project, 0.5)
    project.mltk("run")
    (version,) = project.json("models", "list", "--all")

    _judge_by(project, 0.6)
    project.mltk("run")

    first, second = _runs(project)
    name = second["metadata"]["name"]
    train = project.json("get", "taskrun", f"{name}-train-model")
    kept = train["metadata"]["annotations"]["mltk.dev/cached-from"]
    assert kept == f"{first['metadata']['name']}-train-model"
    for task in ("fetch-data", "gate-model"):
        annotations = project.json("get", "taskrun", f"{name}-{task}")["metadata"]["annotations"]
        assert "mltk.dev/cached-from" not in annotations
    (after,) = project.json("models", "list", "--all")
    assert (after["version"], after["digest"]) == (version["version"], version["digest"])

    _judge_by(project, 1.5)
    project.mltk("run", code=4)
    results = {
        result["name"]: result["value"] for result in _runs(project)[-1]["status"]["results"]
    }
    assert results["verdict"] == "fail"
    assert "1.5" in results["reason"]
