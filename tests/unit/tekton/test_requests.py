"""What a TaskRun asks for as a whole."""

from __future__ import annotations

import pytest

from mltk.tekton.downward import Resources
from mltk.tekton.objects import Obj
from mltk.tekton.requests import divided
from mltk.tekton.resolved import POD_PATHS
from mltk.tekton.taskrun import resolve


@pytest.mark.parametrize(
    ("own", "whole", "asked"),
    [
        ({"cpu": "1"}, None, Resources({"cpu": "1"})),
        ({"cpu": "1"}, {}, Resources({"cpu": "1"})),
        ({}, {"requests": {"cpu": "2"}}, Resources({"cpu": "1"})),
        ({}, {"requests": {"cpu": "25m"}}, Resources({"cpu": "12m"})),
        ({}, {"requests": {"memory": "3"}}, Resources({"memory": "1"})),
        ({}, {"requests": {"memory": "9Mi"}}, Resources({"memory": "4608Ki"})),
        ({}, {"limits": {"cpu": "1"}}, Resources({"cpu": "500m"}, {"cpu": "1"})),
        ({"cpu": "7"}, {"limits": {"cpu": "1"}}, Resources({}, {"cpu": "1"})),
        (
            {"cpu": "7"},
            {"requests": {"cpu": 1}, "limits": {"memory": "1Gi"}},
            Resources({"cpu": "500m"}, {"memory": "1Gi"}),
        ),
    ],
)  # fmt: skip
def test_parts_of_two_steps(own: dict[str, str], whole: Obj | None, asked: Resources) -> None:
    assert divided([Resources(own), Resources(own)], whole) == [asked, asked]


def test_steps_of_a_task_run_have_their_part() -> None:
    steps = [{"name": name, "image": "i", "command": ["true"]} for name in ("a", "b")]
    run: Obj = {
        "metadata": {"name": "r", "namespace": "default"},
        "spec": {"computeResources": {"requests": {"cpu": "1"}}},
    }
    task = resolve(run, {"steps": steps}, POD_PATHS)
    assert [step.resources.requests for step in task.steps] == [{"cpu": "500m"}] * 2
