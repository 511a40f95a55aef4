"""A step that refers to a StepAction: what it becomes, and why it cannot be had."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.tekton.remote import Unresolved
from mltk.tekton.resolved import TaskPaths
from mltk.tekton.stepactions import with_step_actions
from mltk.tekton.taskrun import resolve
from mltk.tekton.verdicts import TaskRunRejected

Obj = dict[str, Any]


def param(name: str, value: Any) -> Obj:
    return {"name": name, "value": value}


def resolved(action: Obj, step: Obj | None = None, task: Obj | None = None, **run: Any) -> Obj:
    """The step, with the name ``s``, that refers to the StepAction `action`."""

    def find(ref: Obj) -> Obj:
        if ref["name"] != "a":
            raise Unresolved(f'stepactions.tekton.dev "{ref["name"]}" not found')
        return {"image": "i", **action}

    steps = [{"name": "before"}, {"name": "s", "ref": {"name": "a"}, **(step or {})}]
    task_run = {"metadata": {"name": "tr"}, "spec": {"taskRef": {"name": "t"}, **run}}
    made = with_step_actions(task_run, {"steps": steps, **(task or {})}, find)
    step = made["steps"][1]
    assert made["steps"][0] == {"name": "before"}
    assert isinstance(step, dict)
    return step


def test_a_step_takes_what_the_step_action_says() -> None:
    action = {
        "command": ["c"],
        "args": ["x"],
        "env": [{"name": "A", "value": "1"}],
        "workingDir": "/w",
        "securityContext": {"runAsUser": 1},
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        "results": [{"name": "r"}, {"name": "o", "properties": {"k": {}}}],
        "description": "not a field of a step",
    }
    own = {"timeout": "1s", "onError": "continue", "when": [{"input": "a"}]}
    results = [
        {"name": "r", "type": "string"},
        {"name": "o", "type": "object", "properties": {"k": {"type": "string"}}},
    ]
    left = {k: v for k, v in action.items() if k != "description"}
    assert resolved(action, own) == {"name": "s", "image": "i", **own, **left, "results": results}


def test_a_task_without_step_actions_stays_as_it_is() -> None:
    spec = {"steps": [{"name": "s"}]}
    assert with_step_actions({}, spec, lambda ref: ref) is spec


def args(declared: list[Obj], *wanted: str, given: list[Obj] | None = None, **more: Any) -> Any:
    action = {"params": declared, "args": list(wanted)}
    return resolved(action, {"params": given or []}, **more)["args"]


def test_params_come_from_the_step_then_from_defaults() -> None:
    declared = [
        {"name": "given"},
        {"name": "default", "default": "d"},
        {"name": "late", "default": "$(params.nested)-$(params.given)"},
        {"name": "nested", "default": "<$(params.default)>"},
        {"name": "list", "type": "array"},
        {"name": "o", "properties": {"a": {}, "b": {}}, "default": {"a": "1", "b": "2"}},
    ]
    wanted = ("$(params.late)", "$(params['default'])", "$(params.list[*])", "$(params.list[1])",
              "$(params.o.a)$(params.o.b)", "$(params.else)")  # fmt: skip
    given = [
        param("given", "$(params.outer)"),
        param("list", "$(params.all[*])"),
        param("o", {"b": "$(params.outer)"}),
    ]
    task = {"params": [{"name": "outer", "default": "out"}, {"name": "all", "type": "array"}]}
    found = args(declared, *wanted, given=given, task=task, params=[param("all", ["x", "y"])])
    assert found == ["<d>-out", "d", "x", "y", "y", "1out", "$(params.else)"]


def test_what_is_left_of_a_longer_default_list_counts_as_in_tekton() -> None:
    declared = [{"name": "l", "default": ["a", "b"]}]
    assert args(declared, "$(params.l[1])", given=[param("l", ["x"])]) == ["b"]


def test_a_result_of_a_step_stays_a_variable_until_the_step_starts() -> None:
    declared = [
        {"name": "s"},
        {"name": "l", "type": "array"},
        {"name": "o", "type": "object", "properties": {"k": {"type": "string"}}},
    ]
    wanted = (
        "$(params.s)",
        "$(params.l[*])",
        "$(params.l[2])",
        "$(params['l'][*])",
        "$(params.o.k)",
    )
    given = [param(name, f"$(steps.b.results.{name})") for name in ("s", "l", "o")]
    assert args(declared, *wanted, given=given) == [
        "$(steps.b.results.s)",
        "$(steps.b.results.l[*])",
        "$(steps.b.results.l[2])",
        "$(steps.b.results.l[*])",
        "$(steps.b.results.o.k)",
    ]


@pytest.mark.parametrize(
    ("declared", "given", "why"),
    [
        ([], [param("x", "1")], "extra params passed by Step to StepAction: [x]"),
        ([{"name": "x"}, {"name": "y"}], [], "non-existent params in Step: [x y]"),
        (
            [{"name": "a", "default": "$(params.b)"}, {"name": "b", "default": "$(params.a)"}],
            [],
            "circular dependency detected in parameter references",
        ),
        (
            [{"name": "a", "default": "$(params.gone)"}],
            [],
            'parameter "a" references non-existent parameter "gone"',
        ),
        (
            [{"name": "a", "default": "text"}],
            [param("a", ["l"])],
            "invalid parameter substitution: a. Please check the types of the default value and"
            " the passed value",
        ),
        (
            [{"name": "a"}],
            [param("a", "$(steps.b.exitCode)")],
            'must be one of the form 1). "steps.<stepName>.results.<resultName>"; 2).'
            ' "steps.<stepName>.results.<objectResultName>.<individualAttribute>"',
        ),
    ],
)
def test_params_that_do_not_fit(declared: list[Obj], given: list[Obj], why: str) -> None:
    with pytest.raises(TaskRunRejected) as refusal:
        args(declared, "$(params.a)", given=given)
    assert refusal.value.reason == "TaskRunResolutionFailed"
    assert refusal.value.message == f'failed to resolve step ref for step "s" (index 1): {why}'


def test_a_step_action_that_is_not_there() -> None:
    with pytest.raises(TaskRunRejected, match=r'\(index 1\): stepactions.tekton.dev "x" not found'):
        resolved({}, {"ref": {"name": "x"}})


def test_a_step_template_is_below_the_step_action() -> None:
    template = {"image": "t", "env": [{"name": "A", "value": "t"}, {"name": "B", "value": "t"}]}
    step = resolved({"command": ["c"], "env": [{"name": "A", "value": "action"}]})
    task_run = {"metadata": {"name": "tr"}, "spec": {}}
    spec = {"stepTemplate": template, "steps": [step]}
    (made,) = resolve(task_run, spec, TaskPaths("/r", "/s", {}, "/h")).steps
    assert (made.image, [(each.name, each.value) for each in made.env]) == (
        "i",
        [("A", "action"), ("B", "t")],
    )
