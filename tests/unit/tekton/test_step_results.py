"""Results of steps: what files say, and what the steps after them make of it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.tekton.results import (
    ResultSpec,
    Told,
    collect_results,
    from_json,
    logged,
    read_specs,
    read_step_specs,
    step_results,
    task_values,
    told,
)
from mltk.tekton.stepresults import OutOfRange, Start, parse, replace

FILES = {
    ("s", "text"): "some text\n",
    ("s", "quoted"): '"in quotes"',
    ("s", "list"): '["a","b"]',
    ("s", "none"): "[]",
    ("s", "object"): '{"k":"v"}',
}


def start(
    *command: str, env: dict[str, str] | None = None, when: list[dict[str, Any]] | None = None
) -> Start:
    return replace(env or {}, when or [], command, lambda step, name: FILES.get((step, name)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<$(steps.s.results.text)>", ["<some text\n>"]),
        ("$(steps.s.results.quoted)$(steps.s.results.quoted)", ["in quotesin quotes"]),
        ("$(steps.s.results.list[*])", ["a", "b"]),
        ("$(steps.s.results.list[1])!", ["b!"]),
        ("$(steps.s.results.list)", [""]),
        ("$(steps.s.results.none[*])", [""]),
        ("$(steps.s.results.object.k)", ["v"]),
        ("$(steps.s.results.object.z)", [""]),
        ("$(steps.s.results.text.k)", [""]),
        ("$(steps.s.results['text'])", ["$(steps.s.results['text'])"]),
    ],
)
def test_results_in_a_command(text: str, expected: list[str]) -> None:
    assert start("c", text) == Start({}, [], ("c", *expected))


def test_results_in_the_environment_and_in_when() -> None:
    guard = {"input": "$(steps.s.results.list[0])", "operator": "in",
             "values": ["$(steps.s.results.list[*])", "-$(steps.s.results.object.k)"]}  # fmt: skip
    found = start(env={"A": "$(steps.s.results.object.k)", "B": "$(steps.s.results.list[*])"},
                  when=[guard])  # fmt: skip
    assert found.env == {"A": "v", "B": ""}
    assert found.when == [{"input": "a", "operator": "in", "values": ["a", "b", "-v"]}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("$(steps.s.results.gone)", "failed to find replacement for $(steps.s.results.gone)"),
        ("$(steps.s.results.a.b.c)", "failed to find replacement for $(steps.s.results.a.b.c)"),
        ("x$(steps.s.results.list[*])", "when using array results"),
    ],
)
def test_what_cannot_be_replaced_stays(text: str, why: str) -> None:
    found = start("$(steps.s.results.text)", text, env={"A": "$(steps.s.results.quoted)"})
    assert found.command == ("$(steps.s.results.text)", text)
    assert found.env == {"A": "in quotes"}
    assert why in found.problem


def test_a_missing_result_in_the_environment_leaves_the_command_alone() -> None:
    found = start("$(steps.s.results.text)", env={"A": "$(steps.s.results.gone)"})
    assert found.command == ("$(steps.s.results.text)",)
    assert found.problem


def test_an_element_that_is_not_there() -> None:
    with pytest.raises(OutOfRange, match=r"\$\(steps.s.results.list\[2\]\)"):
        start("$(steps.s.results.list[2])")


@pytest.mark.parametrize("text", ["$(steps.s.x.r)", "$(tasks.s.results.r)", "$(steps.s.results)"])
def test_what_names_no_result(text: str) -> None:
    with pytest.raises(ValueError, match="must be one of the form"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("plain\n", "plain\n"),
        ('"quoted"\n', "quoted"),
        ("5", "5"),
        ("null", ""),
        ('["a", null]', ["a", ""]),
        ("[1]", "[1]"),
        (' ["a"]', ' ["a"]'),
        ('{"k": "v"}', {"k": "v"}),
        ('{"k": 1}', '{"k": 1}'),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_a_value_of_which_no_type_is_known(text: str, value: Any) -> None:
    assert from_json(text) == value


@given(st.text())
def test_any_text_is_some_value(text: str) -> None:
    assert isinstance(from_json(text), str | list | dict)


def test_only_step_actions_get_a_default_type() -> None:
    declared = [{"name": "r"}, {"name": "s", "type": "string"}]
    raw = {"r": '["a"]', "s": '["a"]'}
    values = [each["value"] for each in step_results(read_step_specs(declared, named=True), raw)]
    assert values == [["a"], '["a"]']
    unnamed = step_results(read_step_specs(declared, named=False), raw)
    assert [each["type"] for each in unnamed] == ["array", "array"]


def test_a_result_of_the_task_is_one_of_a_step() -> None:
    specs = read_specs(
        [
            {"name": "own"},
            {"name": "taken", "type": "array", "value": "$(steps.s.results.r)"},
            {"name": "other", "value": "$(steps.t.results.r)"},
        ]
    )
    assert [(each.step, each.of_step) for each in specs] == [(None, ""), ("s", "r"), ("t", "r")]
    found = step_results((ResultSpec("r", "array"),), {"r": '["x"]'})
    values = task_values(specs, "s", {"own": "1"}, found)
    assert [each["value"] for each in collect_results(specs, values)] == ["1", ["x"]]


def test_of_equal_names_in_one_message_that_of_the_step_counts() -> None:
    assert told({"a": "1", "r": "task"}, {"r": "step"}) == Told({"a": "1"}, {"r": "step"})


def test_what_does_not_fit_into_a_message() -> None:
    half = "x" * 2000
    assert told({"a": half}, {"b": half}).too_large
    assert told({"a": half}, {"b": half * 2}) == Told({"a": half}, {}, too_large=True)
    assert told({"a": half * 3}, {"b": "1"}) == Told({}, {}, too_large=True)


def test_compressed_messages_have_room_for_more() -> None:
    long = {"a": "x" * 5000}
    assert told(long, {}).too_large
    assert told(long, {"b": "1"}, compressed=True) == Told(long, {"b": "1"})
    noise = {"a": "".join(sha256(bytes([n])).hexdigest() for n in range(150))}
    assert told(noise, {}, compressed=True) == Told({}, {}, too_large=True)
    small = {"a": "1"}
    assert told(small, small, compressed=True) == told(small, small)


def test_what_is_compressed_beyond_reading_is_lost() -> None:
    beyond = {"a": "x" * (129 * 1024)}
    assert told(beyond, {"b": "1"}, compressed=True) == Told({}, {"b": "1"})
    assert told({"b": "1"}, beyond, compressed=True) == Told({}, {})


def test_logged_results_are_as_long_as_a_line_may_be() -> None:
    result = {"r": "x" * 60}
    line = '{"name":"r","value":"' + "x" * 60 + '","type":"task"}'
    assert logged("s", result, {"of": "y"}, len(line)) == (Told(result, {"of": "y"}), "")
    why = f"{len(line)} bytes results size exceeds configured limit of {len(line) - 1} bytes"
    assert logged("s", result, {}, len(line) - 1)[1] == why
    of_step = '{"name":"step-s.r","value":"<","type":"step"}'.replace("<", "\\u003c")
    assert logged("s", {}, {"r": "<"}, len(of_step))[1] == ""
    assert logged("s", {}, {"r": "<"}, len(of_step) - 1)[1]
