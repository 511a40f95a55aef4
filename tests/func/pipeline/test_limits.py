"""A project whose runs wait for their turn."""

from __future__ import annotations

from tests.func.pipeline.conftest import Project


def test_model_of_a_project_with_limits_waits_its_turn_and_is_delivered(project: Project) -> None:
    spec = project.spec()
    spec["limits"] = {"model": 1, "project": 2, "newest_wins": True}
    project.write_spec(spec)
    project.commit("One run of a model at once")
    said = project.mltk("run").stderr
    assert "waits: its turn in queue model-" in said
    (run,) = project.json("get", "pr")["items"]
    marks = run["metadata"]["annotations"]
    assert marks["mltk.dev/queued-at"] < marks["mltk.dev/called-at"]
    assert "status" not in run["spec"]
    assert "up to date" in project.mltk("run").stderr


def test_limits_that_mean_nothing_are_named_with_their_line(project: Project) -> None:
    spec = project.spec()
    spec["limits"] = {"modle": 1}
    project.write_spec(spec)
    said = project.mltk("run", code=3).stderr
    assert "mltk.yaml:" in said
    assert "did you mean 'model'?" in said
