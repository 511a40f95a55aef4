"""Artifacts of steps: what files say, where they are read, what comes of all of them."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.errors import AdmissionError
from mltk.tekton import artifacts
from mltk.tekton.admission import admit
from mltk.tekton.artifacts import Replaced, merge, read, replace, told_by
from mltk.tekton.config import Config, FeatureFlags

from .tekton_simulation import STEPS, Simulation

ALPHA = Config(FeatureFlags(artifacts=True))
TOLD = (
    '{"inputs": [{"name": "data", "values": [{"uri": "pkg:<a>", "digest": {"b": "2", "a": "1"}}]}],'
    ' "outputs": [{"name": "model", "buildOutput": true, "other": 1}]}'
)
DATA = '[{"digest":{"a":"1","b":"2"},"uri":"pkg:\\u003ca\\u003e"}]'


def task_of(name: str, after: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "taskSpec": {"steps": STEPS}}
    return {**made, "runAfter": [after]} if after else made


def files(step: str) -> str | None:
    return {"make": TOLD, "broken": "nonsense"}.get(step)


def test_what_a_file_says() -> None:
    assert read(TOLD) == {
        "inputs": [
            {"name": "data", "values": [{"digest": {"a": "1", "b": "2"}, "uri": "pkg:<a>"}]}
        ],
        "outputs": [{"name": "model", "buildOutput": True}],
    }


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"inputs": 1}', '{"inputs": [1]}', "[" * 5000])
def test_what_says_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)
    assert told_by(text, text) == {}


def test_values_stand_in_a_script_and_in_the_environment() -> None:
    found = replace(
        "<$(steps.make.inputs.data)>", ["c"], {"A": "$(steps.make.outputs.model)"}, files
    )
    assert found == Replaced(f"<{DATA}>", ("c",), {"A": "null"})


def test_or_in_the_command_where_there_is_no_script() -> None:
    assert replace(None, ["c", "$(steps.make.inputs.data)"], {}, files).command == ("c", DATA)


@pytest.mark.parametrize("variable", ["$(steps.make.inputs.x)", "$(steps.gone.inputs.data)",
                                      "$(steps.broken.inputs.data)"])  # fmt: skip
def test_what_cannot_be_replaced_stays(variable: str) -> None:
    found = replace(None, ["$(steps.make.inputs.data)", variable], {"A": variable}, files)
    assert found.command == ("$(steps.make.inputs.data)", variable)
    assert found.env == {"A": variable}
    assert found.problem


def test_artifacts_of_a_task_are_those_of_all_its_steps() -> None:
    one: dict[str, Any] = {"outputs": [{"name": "a", "values": [{"uri": "1"}]}]}
    two: dict[str, Any] = {
        "inputs": [{"name": "a", "buildOutput": True, "values": [{"uri": "1"}]}],
        "outputs": [
            {"name": "a", "buildOutput": True, "values": [{"uri": "1"}, {"uri": "2"}]},
            {"name": "b"},
        ],
    }
    assert merge([one, {}, two]) == {
        "inputs": [{"name": "a", "values": [{"uri": "1"}]}],
        "outputs": [
            {"name": "a", "values": [{"uri": "1"}, {"uri": "2"}], "buildOutput": True},
            {"name": "b"},
        ],
    }
    assert merge([]) == {}


def task(**step: Any) -> dict[str, Any]:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "t"},
        "spec": {"steps": [{"image": "i", "command": ["c"], **step}]},
    }


@pytest.mark.parametrize(
    "text",
    ["$(step.artifacts.path)", "$(artifacts.path)", "$(steps.a.outputs.b)", "$(steps.a.inputs.b)"],
)
def test_artifacts_need_their_feature(text: str) -> None:
    with pytest.raises(AdmissionError, match="enable-artifacts should be set to true") as refusal:
        admit(task(args=[text]))
    assert refusal.value.where == "task/t: spec.steps[0]"
    admit(task(args=[text]), ALPHA)
    assert artifacts.used(text)


def test_artifacts_of_steps_have_no_place_elsewhere() -> None:
    with pytest.raises(AdmissionError, match="only allowed in env, command, args and script"):
        admit(task(workingDir="/$(steps.a.outputs.b)"), ALPHA)


def test_artifacts_of_a_task_in_the_tasks_after_it() -> None:
    told = {"inputs": [{"name": "a", "values": [{"uri": "1"}]}, {"name": "b"}]}
    assert artifacts.variables("t", told).texts == {
        "tasks.t.inputs": '[{"uri":"1"}]',
        "tasks.t.inputs.a": '[{"uri":"1"}]',
        "tasks.t.inputs.b": "null",
    }
    steps = [{"image": "i", "script": "echo $(tasks.make.outputs.model) $(tasks.make.outputs.x)"}]
    use = {**task_of("use", after="make"), "taskSpec": {"steps": steps}}
    pipeline = {"tasks": [task_of("make"), use]}
    simulation = Simulation(pipeline)
    simulation.step()
    simulation.finish("make")
    made = [{"name": "model", "values": [{"uri": "pkg:m"}]}]
    simulation.task_runs["make"]["status"]["artifacts"] = {"outputs": made}
    simulation.step()
    (step,) = simulation.task_runs["use"]["spec"]["taskSpec"]["steps"]
    assert step["script"] == 'echo [{"uri":"pkg:m"}] $(tasks.make.outputs.x)'


def test_artifacts_in_params_of_a_task_need_their_feature() -> None:
    named = {"name": "p", "value": "$(tasks.a.outputs.b)"}
    made = {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": "p"},
        "spec": {"tasks": [{"name": "a", "taskRef": {"name": "t"}, "params": [named]}]},
    }
    with pytest.raises(AdmissionError, match="enable-artifacts") as refusal:
        admit(made)
    assert refusal.value.where == "pipeline/p: spec.tasks[0].params"
