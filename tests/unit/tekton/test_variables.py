"""Variables and params: one pass, literal, typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.tekton import params, when
from mltk.tekton.substitution import Variables, elements, text, value

KNOWN = params.variables({"s": "text", "l": ["a", "b"], "o": {"k": "v"}, "with.dot": "dotted"})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$(params.s)", "text"),
        ("$(params['s']) $(params[\"s\"]) $(inputs.params.s)", "text text text"),
        ("$(params['with.dot'])", "dotted"),
        ("$(params.l[1]) $(params['l'][0])", "b a"),
        ("$(params.o.k)", "v"),
        ("$$(params.s)", "$text"),
        ("$(params.unknown) $(params.l[7]) $(HOME)", "$(params.unknown) $(params.l[7]) $(HOME)"),
        ("-$(params.l[*])-$(params.o[*])", "-$(params.l[*])-$(params.o[*])"),
        ("$(params.$(params.s))", "$(params.text)"),
        ("$(params.s", "$(params.s"),
    ],
)
def test_text(template: str, expected: str) -> None:
    assert text(template, KNOWN) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$(params.l[*])", ["a", "b"]),
        ("$(params.l)", ["a", "b"]),
        ("x$(params.l[*])", ["x$(params.l[*])"]),
        ("$(params.l[0])", ["a"]),
        ("$(params.s)", ["text"]),
    ],
)
def test_a_whole_list_takes_the_place_of_an_element(template: str, expected: list[str]) -> None:
    assert elements(template, KNOWN) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$(params.l[*])", ["a", "b"]),
        ("$(params.o[*])", {"k": "v"}),
        ("$(params.o)", {"k": "v"}),
        (["x", "$(params.l[*])"], ["x", "a", "b"]),
        ({"k": "$(params.s)"}, {"k": "text"}),
        ("$(params.s)!", "text!"),
    ],
)
def test_a_value_takes_the_type_of_the_variable_that_is_all_of_it(
    template: Any, expected: Any
) -> None:
    assert value(template, KNOWN) == expected


@given(st.text(alphabet="$()paramsx.-", max_size=30), st.text(alphabet="$()params.x", max_size=20))
def test_what_a_value_brings_in_is_not_expanded(around: str, secret: str) -> None:
    known = Variables({"params.x": secret, secret: "never"})
    pieces = around.split("$(params.x)")
    assert text(f"{around}$(params.x)", Variables()) == f"{around}$(params.x)"
    if "$(" not in around:
        assert text(f"{around}$(params.x)", known) == f"{pieces[0]}{secret}"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (5, "5"),
        (1.0, "1"),
        (0.5, "0.5"),
        (True, "true"),
        (None, ""),
        ("5", "5"),
        (["a", "b"], ["a", "b"]),
        ([1, 2], "[1,2]"),
        ([], []),
        ({"a": "b"}, {"a": "b"}),
        ({"b": 1, "a": [True]}, '{"a":[true],"b":1}'),
    ],
)
def test_a_value_in_yaml_becomes_text_unless_all_of_it_is(raw: Any, expected: Any) -> None:
    assert params.read_value(raw) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"name": "x"}, "string"),
        ({"name": "x", "default": ["a"]}, "array"),
        ({"name": "x", "default": {"a": "b"}}, "object"),
        ({"name": "x", "default": 5}, "string"),
        ({"name": "x", "properties": {"a": {}}}, "object"),
        ({"name": "x", "type": "array", "default": "text"}, "array"),
    ],
)
def test_the_type_of_a_param(spec: dict[str, Any], expected: str) -> None:
    assert params.spec_type(spec) == expected


def test_defaults_of_a_pipeline_refer_to_one_another() -> None:
    specs = [
        {"name": "image", "default": "$(params.registry)/app:$(params.tag)"},
        {"name": "registry", "default": "$(params.host):5000"},
        {"name": "host", "default": "localhost"},
        {"name": "tag"},
        {"name": "all", "type": "array", "default": ["$(params.image)"]},
        {"name": "o", "type": "object", "default": {"a": "1", "b": "$(params.tag)"}},
    ]
    found = params.with_nested_defaults(specs, {"tag": "v1", "o": {"a": "2"}})
    assert found["image"] == "localhost:5000/app:v1"
    assert found["all"] == ["localhost:5000/app:v1"]
    assert found["o"] == {"a": "2", "b": "v1"}


def test_a_chain_of_defaults_has_an_end() -> None:
    chain = [{"name": f"p{i}", "default": f"$(params.p{i + 1})"} for i in range(12)]
    with pytest.raises(ValueError, match="maximum recursion depth"):
        params.with_nested_defaults([*chain, {"name": "p12", "default": "x"}], {})
    with pytest.raises(ValueError, match="references undefined param"):
        params.with_nested_defaults([{"name": "a", "default": "$(params.b)"}], {})


def test_defaults_of_a_task_see_each_other_once() -> None:
    specs = [
        {"name": "a", "default": "1"},
        {"name": "b", "default": "<$(params.a)>"},
        {"name": "c", "default": "<$(params.b)>"},
    ]
    found = params.with_defaults(specs, {})
    assert found == {"a": "1", "b": "<1>", "c": "<$(params.b)>"}


def test_when_takes_lists() -> None:
    (made,) = when.substitute(
        [
            {
                "input": "$(params.l[*])",
                "operator": "in",
                "values": ["$(params.l[*])", "$(params.s)"],
            }
        ],
        KNOWN,
    )
    assert made == {"input": '["a","b"]', "operator": "in", "values": ["a", "b", "text"]}


@pytest.mark.parametrize(
    ("input_", "operator", "values", "expected"),
    [
        ("a", "in", ["a", "b"], True),
        ("c", "in", ["a", "b"], False),
        ("a", "notin", ["a"], False),
        ("", "notin", [""], False),
        ("c", "notin", ["a"], True),
    ],
)
def test_when(input_: str, operator: str, values: list[str], expected: bool) -> None:
    expressions = [{"input": input_, "operator": operator, "values": values}]
    assert when.allows(expressions) is expected
