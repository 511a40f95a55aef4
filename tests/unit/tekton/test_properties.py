"""What holds for every run: it ends, each task once, nothing before its time; and names."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk.errors import AdmissionError
from mltk.project.compile import manifests
from mltk.tekton.admission import admit
from mltk.tekton.durations import format_duration, parse_duration
from mltk.tekton.names import child_name
from mltk.tekton.references import result_refs

from .tekton_simulation import STEPS, Simulation, param, task, when

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
TASKS = {
    "plain": {"steps": STEPS, "results": [{"name": "r"}]},
    "user": {"steps": STEPS, "results": [{"name": "r"}], "params": [{"name": "x"}]},
}


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    """Any DAG: edges by runAfter and by results, some tasks guarded, some allowed to fail."""
    tasks = []
    for number in range(draw(st.integers(1, 8))):
        earlier = [f"t{i}" for i in range(number)]
        after = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        fields: dict[str, Any] = {}
        if earlier and draw(st.booleans()):
            source = draw(st.sampled_from(earlier))
            fields["taskRef"] = {"name": "user"}
            fields["params"] = [param("x", f"$(tasks.{source}.results.r)")]
        if draw(st.integers(0, 3)) == 0:
            fields["when"] = when("x", draw(st.sampled_from("xy")))
        if draw(st.integers(0, 3)) == 0:
            fields["onError"] = "continue"
        tasks.append(task(f"t{number}", after=tuple(after), **fields))
    shuffled = draw(st.permutations(tasks))
    return {
        "tasks": shuffled,
        "finally": [task("f0"), task("f1", when=when("$(tasks.status)", "Failed"))],
    }


@settings(max_examples=150)
@given(pipelines(), st.data())
def test_every_run_ends_with_each_task_run_or_skipped_once(
    pipeline: dict[str, Any], data: st.DataObject
) -> None:
    sim = Simulation(pipeline, TASKS)
    tasks = {each["name"]: each for each in [*pipeline["tasks"], *pipeline["finally"]]}
    done: set[str] = set()
    for _ in range(50):
        before = copy.deepcopy((sim.run, sim.task_runs))
        decision = sim.step()
        again = Simulation(pipeline, TASKS)
        again.run, again.task_runs = before
        assert again.step() == decision  # same input, same output, and nothing was changed
        if sim.run["status"].get("completionTime"):
            break
        for made in decision.create:
            each = tasks[made["metadata"]["labels"]["tekton.dev/pipelineTask"]]
            waits = {*each.get("runAfter", ()), *(ref.task for ref in result_refs(each))}
            if each in pipeline["finally"]:
                waits = {other["name"] for other in pipeline["tasks"]} & set(sim.order)
            assert waits <= done | set(sim.skipped)
        assert sim.running, "nothing runs and nothing has ended"
        name = data.draw(st.sampled_from(sim.running))
        ok, writes = data.draw(st.booleans()), data.draw(st.booleans())
        sim.finish(name, ok=ok, results={"r": "v"} if writes else {})
        done.add(name)
    assert sim.run["status"]["completionTime"]
    ran = sim.order
    assert len(ran) == len(set(ran))
    assert not set(ran) & set(sim.skipped)
    left = set(tasks) - set(ran) - set(sim.skipped)
    # Only what waited in vain for a result is neither: it failed validation.
    assert not left or sim.reason == "PipelineValidationFailed"


JUNK: list[Any] = [None, "", 0, True, [], {}, ["x"], [None], {"a": 1}, "$(params.x[9])", [[]]]


@settings(max_examples=300)
@given(st.sampled_from(manifests()), st.sampled_from(JUNK), st.data())
def test_a_broken_manifest_is_refused_or_admitted_and_never_more(
    manifest: Any, junk: Any, data: st.DataObject
) -> None:
    broken = copy.deepcopy(manifest)
    at, step = broken, data.draw(st.sampled_from(sorted(broken)))
    while isinstance(at[step], dict | list) and at[step] and data.draw(st.booleans()):
        at = at[step]
        step = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
    at[step] = copy.deepcopy(junk)
    with contextlib.suppress(AdmissionError):
        admit(broken)


@given(
    st.from_regex(LABEL, fullmatch=True).filter(lambda name: len(name) <= 63),
    st.from_regex(LABEL, fullmatch=True).filter(lambda name: len(name) <= 63),
)
def test_names_of_children_are_labels(parent: str, name: str) -> None:
    made = child_name(parent, f"-{name}")
    assert len(made) <= 63
    assert LABEL.fullmatch(made)
    if len(parent) + len(name) < 63:
        assert made == f"{parent}-{name}"


def test_long_names_end_in_what_tells_them_apart() -> None:
    parent = "p" * 60
    digest = hashlib.md5(parent.encode()).hexdigest()
    assert child_name(parent, "-task") == f"{'p' * 26}{digest}-task"
    suffix = "-" + "t" * 40
    both = hashlib.md5(f"{parent}{suffix}".encode()).hexdigest()
    assert child_name(parent, suffix) == f"{'p' * 31}{both}"
    assert child_name("short", "-" + "t" * 62).startswith("short")


@given(st.timedeltas(min_value=parse_duration("0"), max_value=parse_duration("1000h")))
def test_durations_survive_the_round_trip(duration: Any) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", "1m30s"), ("1.5h", "1h30m0s"), ("0", "0s"), ("1500ms", "1.5s"), ("12h", "12h0m0s")],
)
def test_durations_are_written_as_go_writes_them(text: str, expected: str) -> None:
    assert format_duration(parse_duration(text)) == expected


def test_planning_a_thousand_tasks_takes_less_than_a_second() -> None:
    tasks = []
    for number in range(1000):
        value = "$(params.p)"
        if number >= 100:
            value = f"$(tasks.t{number - 100}.results.r)"
        fields = {"taskRef": {"name": "user"}, "params": [param("x", value)]}
        tasks.append(task(f"t{number}", **fields))
    sim = Simulation({"params": [{"name": "p", "default": "1"}], "tasks": tasks}, TASKS)
    spent = 0.0
    while not sim.run.get("status", {}).get("completionTime"):
        begun = time.process_time()
        sim.step()
        spent += time.process_time() - begun
        sim.finish(*sim.running, results={"r": "v"})
    assert sim.reason == "Succeeded"
    assert spent < 1
