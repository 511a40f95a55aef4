"""Params that take certain values only."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.errors import AdmissionError
from mltk.tekton.admission import admit
from mltk.tekton.config import Config, FeatureFlags
from mltk.tekton.resolved import TaskPaths
from mltk.tekton.taskrun import resolve
from mltk.tekton.verdicts import TaskRunRejected

from .tekton_simulation import STEPS, Simulation, param, task

Obj = dict[str, Any]
ON = Config(FeatureFlags(param_enum=True))


def enum(name: str, *allowed: str, **fields: Any) -> Obj:
    return {"name": name, "enum": list(allowed), **fields}


def simulate(
    tasks: list[Obj], declared: list[Obj], given: dict[str, str], inner: list[Obj]
) -> Simulation:
    return Simulation(
        {"params": declared, "tasks": tasks},
        {"plain": {"steps": STEPS, "params": inner}},
        config=ON,
        params=[param(name, value) for name, value in given.items()],
    )


def made(kind: str, *declared: Obj) -> Obj:
    spec: Obj = {"tasks": [task("a")]} if kind == "Pipeline" else {"steps": STEPS}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": kind,
        "metadata": {"name": "x"},
        "spec": {**spec, "params": list(declared)},
    }


@pytest.mark.parametrize("kind", ["Task", "Pipeline"])
@pytest.mark.parametrize(
    ("declared", "what"),
    [
        (enum("p", "a", type="array"), "enum can only be set with string type param"),
        (enum("p", "a", "b", "a"), "parameter enum value a appears more than once"),
        (enum("p", "a", default="b"), "param default value b not in the enum list"),
    ],
)
def test_enums_that_are_refused(kind: str, declared: Obj, what: str) -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit(made(kind, declared), ON)
    assert refusal.value.where == f"{kind.lower()}/x: spec.params[p]"
    assert refusal.value.what == what


def test_the_flag_must_allow_them() -> None:
    with pytest.raises(AdmissionError, match="feature flag `enable-param-enum` should be set to"):
        admit(made("Task", enum("p", "a")))
    admit(made("Task", enum("p", "a", default="a"), enum("q", "a", default="")), ON)


def test_a_run_may_not_bring_another_value() -> None:
    sim = simulate([task("a")], [enum("p", "a", "b")], {"p": "c"}, [])
    sim.step()
    assert sim.reason == "InvalidParamValue"
    assert sim.message == (
        "[User error] PipelineRun lab/run parameters have invalid value: param `p` value: c is "
        "not in the enum list"
    )
    sim = simulate([task("a")], [enum("p", "a", "b")], {"p": "b"}, [])
    assert sim.drive() == "Succeeded"


@pytest.mark.parametrize(
    ("outer", "why"),
    [
        (
            {"name": "p", "default": "a"},
            'pipeline param "p" has no enum, but referenced in "plain" task has enums: [a b]',
        ),
        (
            enum("p", "a", "c"),
            'pipeline param "p" enum: [a c] is not a subset of the referenced in "plain" task '
            "param enum: [a b]",
        ),
        (enum("p", "b"), ""),
    ],
)
def test_a_pipeline_is_no_wider_than_its_tasks(outer: Obj, why: str) -> None:
    calls = [task("t", params=[param("q", "$(params.p)")])]
    sim = simulate(calls, [outer], {"p": "b" if not why else "a"}, [enum("q", "a", "b")])
    sim.step()
    if not why:
        assert sim.params_of("t") == {"q": "b"}
        return
    assert sim.reason == "PipelineValidationFailed"
    assert sim.message == f"[User error] Validation failed for pipelinerun with error {why}"


def test_values_from_elsewhere_are_looked_at_when_the_task_starts() -> None:
    calls = [
        {"name": "w", "taskSpec": {"steps": STEPS, "results": [{"name": "r"}]}},
        task("t", params=[param("q", "$(tasks.w.results.r)")]),
    ]
    sim = simulate(calls, [], {}, [enum("q", "a", "b")])
    sim.step()
    sim.finish("w", results={"r": "z"})
    sim.step()
    assert sim.reason == "InvalidParamValue"
    assert sim.message == (
        '[User error] Invalid param value from PipelineTask "t": param `q` value: z is not in the '
        "enum list"
    )


def test_a_task_run_may_not_bring_another_value() -> None:
    run = {
        "metadata": {"name": "t"},
        "spec": {"taskRef": {"name": "x"}, "params": [param("q", "z")]},
    }
    spec = {"steps": STEPS, "params": [enum("q", "a")]}
    with pytest.raises(TaskRunRejected) as refusal:
        resolve(run, spec, TaskPaths("/results", "/steps", {}, "/home"))
    assert refusal.value.reason == "InvalidParamValue"
    assert refusal.value.message == "[User error] param `q` value: z is not in the enum list"
