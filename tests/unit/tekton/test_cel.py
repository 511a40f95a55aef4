"""CEL in `when`: what it comes to, what is wrong with it, and what that does to a run."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.errors import AdmissionError
from mltk.tekton.admission import admit
from mltk.tekton.cel import CelError, check, holds
from mltk.tekton.config import Config, FeatureFlags

from .tekton_simulation import STEPS, Simulation, param, task, when

pytest.importorskip("cel_expr_python", reason="CEL needs the package cel-expr-python")

Obj = dict[str, Any]
ON = Config(FeatureFlags(cel=True))
WRITES: Obj = {"steps": STEPS, "results": [{"name": "r"}]}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("'a' == 'a'", True),
        ("'main'.startsWith('ma') && !('x' in ['a', 'b'])", True),
        ("'v1.2'.matches('^v[0-9.]+$') ? size('ä') == 1 : false", True),
        ("int('12') > 100 || duration('1h') < duration('61s')", False),
        ("true || 1 / 0 == 1", True),
        ("dyn(1) == 1.0", True),
    ],
)
def test_expressions(expression: str, found: bool) -> None:
    assert holds(expression) is found


# What cel-go v0.29.2, the one in Tekton 1.15, says of the same expressions.
@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "params.foo == 'foo'",
            "ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n"
            " | params.foo == 'foo'\n | ^",
        ),
        (
            "'x' == a.b.c",
            "ERROR: <input>:1:8: undeclared reference to 'a' (in container '')\n"
            " | 'x' == a.b.c\n | .......^",
        ),
        (
            "$(params.foo) == 'a'",
            "ERROR: <input>:1:1: Syntax error: token recognition error at: '$'\n"
            " | $(params.foo) == 'a'\n | ^",
        ),
        (
            "'a' == 1",
            "ERROR: <input>:1:5: found no matching overload for '_==_' applied to "
            "'(string, int)'\n | 'a' == 1\n | ....^",
        ),
        (
            "'a' ==\n 'b' && foo",
            "ERROR: <input>:2:9: undeclared reference to 'foo' (in container '')\n"
            " |  'b' && foo\n | ........^",
        ),
    ],
)
def test_what_does_not_compile(expression: str, message: str) -> None:
    with pytest.raises(CelError) as error:
        check(expression)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("int('x') > 3", "type conversion error from 'string' to 'int'"),
        ("bool('maybe')", "type conversion error from 'string' to 'bool'"),
        (
            "timestamp('x') == timestamp('y')",
            "type conversion error from 'string' to 'google.protobuf.Timestamp'",
        ),
        ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 0", "modulus by zero"),
        ("[1][2] == 1", "index out of bounds: 2"),
        ("{'a': 1}.b == 1", "no such key: b"),
        ("dyn('a') + 1 == 2", "no such overload"),
        ("uint(-1) == 1u", "unsigned integer overflow"),
        ("1 + 1", "The CEL expression 1 + 1 is not evaluated to a boolean"),
    ],
)
def test_what_comes_to_nothing(expression: str, message: str) -> None:
    check(expression)
    with pytest.raises(CelError) as error:
        holds(expression)
    assert str(error.value) == message


def guard(*expressions: str) -> list[Obj]:
    return [{"cel": each} for each in expressions]


def test_tasks_run_as_their_expressions_say() -> None:
    sim = Simulation(
        {
            "params": [{"name": "mode"}],
            "tasks": [
                task("first", when=guard("'$(params.mode)' == 'dev'")),
                task("never", when=[*guard("true"), *guard("'$(params.mode)' == 'prod'")]),
                task("both", when=[*guard("true"), *when("a", "a")]),
                task("by-result", when=guard("'$(tasks.first.results.r)'.endsWith('!')")),
                task("not-by-result", when=guard("'$(tasks.first.results.r)' == ''")),
            ],
            "finally": [task("last", when=guard("'$(tasks.status)' == 'Completed'"))],
        },
        {"plain": WRITES},
        params=[param("mode", "dev")],
    )
    sim.step()
    assert sim.order == ["first", "both"]
    sim.finish("first", "both", results={"r": "done!"})
    sim.step()
    assert sim.order[2:] == ["by-result"]
    sim.finish("by-result")
    sim.drive()
    assert sim.order[3:] == ["last"]
    assert sim.reason == "Completed"
    shown = {each["name"]: each["whenExpressions"] for each in sim.run["status"]["skippedTasks"]}
    assert shown == {
        "never": guard("true", "'dev' == 'prod'"),
        "not-by-result": guard("'done!' == ''"),
    }


def test_an_expression_that_comes_to_nothing_ends_the_run() -> None:
    sim = Simulation({"tasks": [task("a"), task("b", after=("a",), when=guard("int('x') > 1"))]})
    sim.step()
    assert sim.reason == "CELEvaluationFailed"
    assert sim.message == (
        "[User error] Error evaluating CEL run: type conversion error from 'string' to 'int'"
    )
    assert sim.order == []


def test_tekton_does_not_wait_for_a_result_to_evaluate() -> None:
    guarded = task("b", when=guard("int('$(tasks.a.results.r)') > 1"))
    sim = Simulation({"tasks": [task("a"), guarded]}, {"plain": WRITES})
    sim.step()
    assert sim.reason == "CELEvaluationFailed"
    final = task("f", when=guard("size('$(tasks.status)') / 0 == 1"))
    sim = Simulation({"tasks": [task("a")], "finally": [final]})
    sim.step()
    assert sim.message.endswith("division by zero")


def pipeline(*expressions: Obj) -> Obj:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": "x"},
        "spec": {"tasks": [task("a", when=list(expressions))]},
    }


def test_the_flag_must_allow_it() -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit(pipeline(*guard("'a' == 'a'")))
    assert refusal.value.where == "pipeline/x: spec.tasks[0].when[0].cel"
    assert refusal.value.what == (
        "feature flag enable-cel-in-whenexpression should be set to true to use CEL: 'a' == 'a' "
        "in WhenExpression"
    )
    admit(pipeline(*guard("'a' == 'a'")), ON)


def test_what_is_refused_of_it() -> None:
    with pytest.raises(AdmissionError, match="cel and input\\+operator\\+values cannot be set"):
        admit(pipeline({"cel": "true", **when("a", "b")[0]}), ON)
    with pytest.raises(AdmissionError, match="invalid cel expression: foo with err: ERROR: <in"):
        admit(pipeline({"cel": "foo"}), ON)
    spec: Obj = {"steps": [{**STEPS[0], "when": guard("foo")}]}
    made = {"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "t"}, "spec": spec}
    with pytest.raises(AdmissionError, match="invalid cel expression: foo") as refusal:
        admit(made, ON)
    assert refusal.value.where == "task/t: spec.steps[0].when[0].cel"
