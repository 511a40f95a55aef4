"""Tasks that fan out: which TaskRuns there are, what they get, and what comes of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mltk.errors import AdmissionError
from mltk.tekton.admission import admit
from mltk.tekton.config import Config, Defaults
from mltk.tekton.matrix import combinations, count, names

from .tekton_simulation import STEPS, Simulation, param, task, when

Obj = dict[str, Any]
ECHO: Obj = {
    "steps": STEPS,
    "params": [{"name": name, "default": ""} for name in ("os", "browser", "version")],
    "results": [{"name": "r"}, {"name": "s"}],
}


def matrix(*include: Obj, **lists: list[str] | str) -> Obj:
    made: Obj = {"params": [param(name, values) for name, values in lists.items()]}
    return {**made, "include": list(include)} if include else made


def included(name: str = "", **values: str) -> Obj:
    found = {"params": [param(key, value) for key, value in values.items()]}
    return {"name": name, **found} if name else found


def fan(name: str, over: Obj, **fields: Any) -> Obj:
    return {"name": name, "taskRef": {"name": "echo"}, "matrix": over, **fields}


def simulate(*tasks: Obj, spec: Obj | None = None, **fields: Any) -> Simulation:
    return Simulation({"tasks": list(tasks), **fields}, {"echo": ECHO}, **(spec or {}))


def flat(found: list[list[Obj]]) -> list[dict[str, str]]:
    return [{each["name"]: each["value"] for each in params} for params in found]


def test_the_first_list_turns_fastest() -> None:
    over = matrix(os=["linux", "mac"], browser=["chrome", "safari"])
    assert flat(combinations(over)) == [
        {"browser": "chrome", "os": "linux"},
        {"browser": "chrome", "os": "mac"},
        {"browser": "safari", "os": "linux"},
        {"browser": "safari", "os": "mac"},
    ]
    assert [each["name"] for each in combinations(over)[0]] == ["browser", "os"]
    assert count(over) == 4


def test_include_adds_to_what_fits_and_else_stands_alone() -> None:
    over = matrix(
        included(os="linux", version="1"),
        included(browser="opera"),
        included(version="2"),
        os=["linux", "mac"],
        browser=["chrome"],
    )
    assert flat(combinations(over)) == [
        {"os": "linux", "browser": "chrome", "version": "1"},
        {"os": "mac", "browser": "chrome", "version": "2"},
        {"browser": "opera"},
    ]
    assert count(over) == 3
    alone = {"include": [included("one", os="a"), included(os="b")]}
    assert flat(combinations(alone)) == [{"os": "a"}, {"os": "b"}]
    assert count(alone) == 2


def test_the_number_is_not_that_of_the_combinations_when_tekton_counts_values() -> None:
    over = matrix(included(os="bsd", browser="opera"), os=["linux"], browser=["chrome"])
    assert len(combinations(over)) == 2
    assert count(over) == 3
    sim = simulate(fan("f", over, params=[param("version", "7")]))
    sim.step()
    assert [sim.params_of(f"f-{i}") for i in range(3)] == [
        {"os": "linux", "browser": "chrome", "version": "7"},
        {"os": "bsd", "browser": "opera", "version": "7"},
        {"version": "7"},
    ]


def test_names() -> None:
    assert names("run", "t", 1) == ["run-t"]
    assert names("run", "t", 2) == ["run-t-0", "run-t-1"]
    long = names("r" * 40, "t" * 50, 11)
    assert {len(name) for name in long} == {62, 63}
    assert [name.rsplit("-", 1)[1] for name in long] == [str(i) for i in range(11)]
    assert len(set(long)) == 11


def test_a_task_waits_for_all_that_fanned_out() -> None:
    sim = simulate(
        fan("f", matrix(os=["a", "b", "c"])),
        task("after", after=("f",)),
        task("uses", params=[param("l", "$(tasks.f.results.r[*])")]),
    )
    sim.step()
    assert sim.order == ["f-0", "f-1", "f-2"]
    sim.finish("f-2", results={"r": "C"})
    sim.finish("f-0", results={"r": "A", "s": "S"})
    sim.step()
    assert len(sim.order) == 3
    sim.finish("f-1")
    sim.step()
    assert sim.order[3:] == ["after", "uses"]
    assert sim.params_of("uses") == {"l": ["A", "C"]}


def test_results_come_in_the_order_of_names() -> None:
    numbers = [str(i) for i in range(12)]
    sim = simulate(
        fan("f", matrix(os=numbers)),
        task("uses", params=[param("l", "$(tasks.f.results.r[*])")]),
        results=[{"name": "all", "value": "$(tasks.f.results.r[*])"}],
    )
    sim.step()
    for number in numbers:
        sim.finish(f"f-{number}", results={"r": number})
    sim.drive()
    by_name = sorted(numbers)
    assert sim.params_of("uses")["l"] == by_name
    assert sim.results == {"all": by_name}
    references = sim.run["status"]["childReferences"]
    assert [each["name"] for each in references[:12]] == [f"run-f-{n}" for n in by_name]


def test_results_that_no_task_uses_are_not_there_for_the_run() -> None:
    sim = simulate(
        fan("f", matrix(os=["a", "b"])),
        results=[{"name": "all", "value": "$(tasks.f.results.r[*])"}],
    )
    sim.step()
    sim.finish("f-0", "f-1", results={"r": "v"})
    sim.step()
    assert sim.reason == "CouldntGetPipelineResult"
    assert "invalid pipelineresults [all]" in sim.message


def test_lists_come_from_params_and_from_results() -> None:
    sim = simulate(
        fan("first", matrix(os="$(params.systems[*])")),
        fan("second", matrix(included(version="$(params.v)"), os="$(tasks.first.results.r[*])")),
        params=[{"name": "systems", "type": "array"}, {"name": "v", "default": "9"}],
        spec={"params": [param("systems", ["a", "b"])]},
    )
    sim.step()
    sim.finish("first-0", results={"r": "x"})
    sim.finish("first-1", results={"r": "y"})
    sim.step()
    assert sim.params_of("second-0") == {"os": "x", "version": "9"}
    assert sim.params_of("second-1") == {"os": "y", "version": "9"}


def test_one_combination_has_no_number_and_still_gives_a_list() -> None:
    sim = simulate(
        fan("f", matrix(os=["only"])), task("u", params=[param("l", "$(tasks.f.results.r[*])")])
    )
    sim.step()
    sim.finish("f", results={"r": "v"})
    sim.step()
    assert sim.params_of("u") == {"l": ["v"]}


def test_an_empty_list_skips_the_task() -> None:
    sim = simulate(
        fan("f", matrix(os=[], browser=["b"])),
        task("after", after=("f",)),
        **{"finally": [fan("g", matrix(os=[]))]},
    )
    assert sim.drive() == "Completed"
    reason = "Matrix Parameters have an empty array"
    assert sim.skipped == {
        "f": reason,
        "after": "Parent Tasks were skipped",
        "g": reason,
    }


def test_lengths() -> None:
    uses = [
        param("os", "$(tasks.f.matrix.length)"),
        param("browser", "$(tasks.f.matrix.r.length)"),
        param("version", "$(tasks.plain.matrix.length)"),
        param("other", "$(tasks.gone.matrix.length)"),
    ]
    sim = simulate(
        fan("f", matrix(os=["a", "b", "c"])),
        task("plain"),
        fan("u", matrix(x=["1"]), params=uses, runAfter=["f"]),
    )
    sim.step()
    sim.finish("f-0", "f-2", results={"r": "v"})
    sim.finish("f-1", "plain")
    sim.step()
    assert sim.params_of("u") == {
        "x": "1",
        "os": "3",
        "browser": "2",
        "version": "0",
        "other": "$(tasks.gone.matrix.length)",
    }


def test_the_run_stops_when_the_last_has_ended() -> None:
    sim = simulate(fan("f", matrix(os=["a", "b"])), task("a"), task("b", after=("a",)))
    sim.step()
    sim.finish("f-0", ok=False)
    sim.finish("a")
    sim.step()
    assert "b" in sim.order
    sim.finish("f-1", "b")
    sim.step()
    assert sim.reason == "Failed"
    assert sim.message == "Tasks Completed: 3 (Failed: 1, Cancelled 0), Skipped: 0"


def test_when_and_retries_hold_for_all() -> None:
    sim = simulate(
        fan("no", matrix(os=["a", "b"]), when=when("x", "y")),
        fan("yes", matrix(os=["a", "b"]), retries=2, timeout="9s"),
    )
    sim.step()
    assert sim.order == ["yes-0", "yes-1"]
    assert {made["spec"]["retries"] for made in sim.task_runs.values()} == {2}
    assert {made["spec"]["timeout"] for made in sim.task_runs.values()} == {"9s"}
    assert sim.skipped == {"no": "When Expressions evaluated to false"}


def test_a_cancel_reaches_all() -> None:
    sim = simulate(fan("f", matrix(os=["a", "b"])))
    sim.step()
    sim.run["spec"]["status"] = "CancelledRunFinally"
    assert {cancel.name for cancel in sim.step().cancel} == {"run-f-0", "run-f-1"}
    sim.end_cancelled()
    sim.step()
    assert sim.reason == "Cancelled"


def test_finally_knows_how_it_ended() -> None:
    told = [param("os", "$(tasks.f.status)"), param("browser", "$(tasks.f.reason)")]
    sim = simulate(
        fan("f", matrix(os=["a", "b"]), onError="continue"), **{"finally": [task("t", params=told)]}
    )
    sim.step()
    sim.finish("f-0")
    sim.finish("f-1", ok=False, reason="TaskRunTimeout")
    sim.step()
    assert sim.params_of("t") == {"os": "Failed", "browser": "TaskRunTimeout"}


def test_names_that_are_shown() -> None:
    over = matrix(
        included("Old $(params.os)", os="linux", version="1"),
        included("any"),
        os=["linux", "mac"],
    )
    sim = simulate(
        fan("f", over, displayName="On $(params.os)"),
        fan("g", matrix(os=["bsd"]), displayName="$(context.pipelineRun.name): $(params.os)"),
    )
    sim.step()
    references = sim.run["status"]["childReferences"]
    shown = {each["name"]: each["displayName"] for each in references}
    assert shown == {"run-f-0": "Old linux any", "run-f-1": "any", "run-g": "run: bsd"}


def test_values_of_another_type_end_the_run() -> None:
    sim = simulate(fan("f", matrix(os="$(params.p)")), params=[{"name": "p", "default": "x"}])
    sim.step()
    assert sim.reason == "InvalidMatrixParameterTypes"
    assert sim.message == (
        '[User error] Failed to validate matrix "parameters of type array only are allowed, but '
        'param \\"os\\" has type \\"string\\" in pipelineTask \\"f\\"" with error %!v(MISSING)'
    )


def test_params_of_the_task_that_are_no_texts_do_not_fan_out() -> None:
    spec = {"steps": STEPS, "params": [{"name": "os", "type": "array"}]}
    sim = Simulation({"tasks": [fan("f", matrix(os=["a"]))]}, {"echo": spec})
    sim.step()
    assert sim.reason == "PipelineValidationFailed"
    assert "param types don't match the user-specified type: [os]" in sim.message


def pipeline(*tasks: Obj, **spec: Any) -> Obj:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": "x"},
        "spec": {"tasks": list(tasks), **spec},
    }


EMBEDDED: Obj = {"steps": STEPS, "results": [{"name": "l", "type": "array"}]}


@pytest.mark.parametrize(
    ("refused", "where", "what"),
    [
        (
            pipeline(fan("f", matrix(os=[str(i) for i in range(257)]))),
            "spec.tasks[0].matrix",
            "expected 0 <= 257 <= 256",
        ),
        (
            pipeline(fan("f", {"params": [param("os", ["a"]), param("os", ["b"])]})),
            "spec.tasks[0].matrix.params[1].name",
            'parameter names must be unique, the parameter "os" is also defined at',
        ),
        (
            pipeline(fan("f", {"include": [{"params": [param("a", "1"), param("a", "2")]}]})),
            "spec.tasks[0].matrix.include[0].params[1].name",
            'the parameter "a" is also defined at',
        ),
        (
            pipeline(fan("f", matrix(os=["a"]), params=[param("os", "b")])),
            "spec.tasks[0].matrix[os], spec.tasks[0].params[os]",
            "expected exactly one, got both",
        ),
        (
            pipeline(fan("f", matrix(os=["$(whoami)"]))),
            "spec.tasks[0].matrix.params[os].value",
            'invalid variable reference "$(whoami)"',
        ),
        (
            pipeline(fan("f", matrix(included(os="$(pwd)")))),
            "spec.tasks[0].matrix.include[0].params[os].value",
            'invalid variable reference "$(pwd)"',
        ),
        (
            pipeline(fan("f", matrix(os=["$(params.gone)"]))),
            "spec.tasks[0].matrix.params[os].value[0]",
            'non-existent variable in "$(params.gone)"',
        ),
        (
            pipeline(
                fan("f", matrix(os=["a"])), task("u", params=[param("x", "$(tasks.f.results.r)")])
            ),
            "spec.tasks[1].params[x].value",
            "can only be consumed in aggregate using [*] notation, but is currently set to "
            "tasks.f.results.r",
        ),
        (
            pipeline(
                {"name": "f", "taskSpec": EMBEDDED, "matrix": matrix(os=["a"])},
                task("u", params=[param("x", "$(tasks.f.results.l[*])")]),
            ),
            "spec.tasks[1].params[x].value",
            "must have an underlying type string, but result l has type array",
        ),
        (pipeline(fan("f", {"parms": []})), "spec.tasks[0].matrix.parms", "did you mean 'params'"),
    ],
)
def test_matrices_that_are_refused(refused: Obj, where: str, what: str) -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit(refused)
    assert refusal.value.where == f"pipeline/x: {where}"
    assert what in refusal.value.what


def test_the_limit_is_for_the_administrator_to_set() -> None:
    large = pipeline(fan("f", matrix(os=["a", "b", "c"])))
    admit(copy.deepcopy(large))
    with pytest.raises(AdmissionError, match="expected 0 <= 3 <= 2"):
        admit(large, Config(defaults=Defaults(matrix_limit=2)))
