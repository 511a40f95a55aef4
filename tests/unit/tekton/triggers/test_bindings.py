"""The answers here are those of Tekton Triggers' own ``template.ResolveParams``, v0.37."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.tekton.triggers.bindings import Event, binding_params, values
from mltk.tekton.triggers.errors import TriggerError

BODY: dict[str, Any] = {
    "a": {"b": [1, 2.5, -3, 1e21, 1e-7, True, None], "x.y": "dot", "n": 5},
    "l": [{"k": "a", "n": 1, "t": True}, {"k": "b", "n": 2}, {"k": "a", "n": 3.5}],
    "text": 's<&>\u2028é\n"q"',
    "null": None,
    "none": [],
}
EVENT = Event(
    json.dumps(BODY).encode(),
    {"X-Git-Event": ["push", "tag"], "Content-Type": ["a<b"]},
    {"u": {"a": ["x", 1.0]}},
    "1234",
)


def filled(value: str, event: Event = EVENT, *declared: dict[str, str]) -> str:
    return values([("p", value)], declared, event)["p"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("$()", ""),
        ("$(body.a.n)", "5"),
        ("$(.body.a.n) and $({body.a.n}) and $({.body.a.n})", "5 and 5 and 5"),
        ("$(Body.a.n) $(context.EventID)", "5 1234"),
        ("$(body.a.b)", "[1,2.5,-3,1e+21,1e-7,true,null]"),
        ("$(body.a.b[0]) $(body.a.b[-1]) $(body.a.b[-2:])", "1 null [true,null]"),
        ("$(body.a.b[::3])", "[1,1e+21,null]"),
        ("$(body.a.b[0,2])", "[1,-3]"),
        ("$(body.a.b[])", "1"),
        ("$(body.a.x\\.y) $(body.a['x\\.y'])", "dot dot"),
        ("$(body.text)", 's\\u003c\\u0026\\u003e\\u2028é\\n\\"q\\"'),
        ("$(body.null) $(body.none)", "null []"),
        ("$(body.none[*])", "[]"),
        ("$(body.l[?(@.k == 'a')].n)", "[1,3.5]"),
        ('$(body.l[?(@.k != "a")].n)', "2"),
        ("$(body.l[?(@.n >= 2.0)].k)", '["b","a"]'),
        ("$(body.l[?(@.t)].k)", "a"),
        ("$(body.l[?(@.k[0])].k)", '["a","b","a"]'),
        ("$(body.l[*].n)", "[1,2,3.5]"),
        ("$(body..k)", '["a","b","a"]'),
        ("$(header.x-git-event)", "push,tag"),
        ("$(header)", '{"Content-Type":"a\\u003cb","X-Git-Event":"push,tag"}'),
        ("$(extensions.u.a[0])", "x"),
        ("$(context)", '{"eventID":"1234"}'),
        ("$( $(body.a.n) )", "$( 5 )"),
        ("$(body.a.n", "$(body.a.n"),
        ("$(body.a 'it')", "it"),
        ("$(body range)", ""),
    ],
)
def test_expressions_find_what_tekton_finds(value: str, expected: str) -> None:
    assert filled(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("$(body.zz)", "zz is not found"),
        ("$(body.a['x.y'])", "x is not found"),
        ("$(header.x.y)", "X is not found"),
        ("$(.header.x-git-event)", "x-git-event is not found"),
        ("$(body.a.b[9])", "array index out of bounds: index 9, length 7"),
        ("$(body.a.b[-9])", "array index out of bounds: index -2, length 7"),
        ("$(body.a.b[2:1])", "starting index 2 is greater than ending index 1"),
        ("$(body.a.b[::0])", "step must be > 0"),
        ("$(body.a.b[x])", "invalid array index x"),
        ("$(body.a.b[-])", "array index - is not a number"),
        ("$(body.a.b[0)", "unterminated array"),
        ("$(body.a[0])", "map[string]interface {} is not array or slice"),
        ("$(header[0])", "map[string]string is not array or slice"),
        ("$(context[0])", "template.TriggerContext is not array or slice"),
        ("$(body.text[0])", "string is not array or slice"),
        ("$(body.l[?(@.n == 1)])", "incompatible types for comparison"),
        ("$(body.l[?(@.t < true)])", "invalid type for comparison"),
        ("$(body.l[?(@.k =! 'a')])", "unrecognized filter operator =!"),
        ("$(body.null[?(@.k)])", "<nil> is not array or slice and cannot be filtered"),
        ("$(body.a[?(@.k)])", "1e-07 true <nil>] n:5 x.y:dot] is not array or slice"),
        ("$(body....k)", "invalid multiple recursive descent"),
        ("$(body 'x)", "unterminated quoted string"),
        ("$(body !)", "unrecognized character in action: U+0021 '!'"),
        ("$(body foo)", "unrecognized identifier foo"),
        ("$(body end)", "not in range, nothing to end"),
        ("$(body.a\\)", "unclosed action"),
        ("$({body)", "unexpected path string, expected a 'name1.name2'"),
    ],
)
def test_expressions_fail_with_the_words_of_tekton(value: str, message: str) -> None:
    with pytest.raises(TriggerError, match="failed to replace JSONPath value for param p") as error:
        filled(value)
    assert message in str(error.value)


def test_a_default_stands_for_what_is_missing_and_for_params_without_binding() -> None:
    declared = [
        {"name": "p", "default": "main"},
        {"name": "q", "default": "$(body)"},
        {"name": "r"},
    ]
    assert values([("p", "v-$(body.zz)")], declared, EVENT) == {"p": "v-main", "q": "$(body)"}


def test_without_a_body_there_is_null() -> None:
    assert filled("$(body) $(extensions)", Event()) == "null null"


@pytest.mark.parametrize("body", [b"{", b"NaN", b"1e999", b"[" * 100_000, b"{} x", b'"\n"'])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(TriggerError, match="failed to unmarshal request body"):
        filled("plain", Event(body))


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 5000])
def test_a_deep_body_is_read_or_refused(depth: int) -> None:
    body = '{"a":' * depth + "1" + "}" * depth
    try:
        assert filled("$(body)", Event(body.encode())) == body
        assert filled("$(body..)", Event(body.encode())).startswith("[{")
    except TriggerError as error:
        assert depth > 100
        assert "exceeded max depth" in str(error)


def test_what_is_not_unicode_becomes_a_replacement_character() -> None:
    assert (
        filled("$(body)", Event(b'["\\ud800", "\xff\xfe", "\\ud83d\\ude00"]')) == '["�","��","😀"]'
    )


def test_bindings_are_resolved_in_order_with_references() -> None:
    found = {
        ("TriggerBinding", "git"): {"spec": {"params": [{"name": "sha", "value": "$(body.sha)"}]}},
        ("ClusterTriggerBinding", "all"): {"spec": {"params": [{"name": "who", "value": "me"}]}},
    }
    bindings = [
        {"ref": "git"},
        {"ref": "all", "kind": "ClusterTriggerBinding"},
        {"name": "x", "value": ""},
    ]
    assert binding_params(bindings, lambda kind, name: found.get((kind, name))) == [
        ("sha", "$(body.sha)"),
        ("who", "me"),
        ("x", ""),
    ]


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        ([{"name": "x", "value": "1"}, {"name": "x", "value": "2"}], "duplicate param name: x"),
        ([{"ref": "git"}], 'triggerbinding.triggers.tekton.dev "git" not found'),
        ([{"name": "x"}], "invalid binding"),
    ],
)
def test_bindings_that_cannot_be_resolved(bindings: list[dict[str, str]], message: str) -> None:
    with pytest.raises(TriggerError, match="failed to resolve bindings") as error:
        binding_params(bindings, lambda kind, name: None)
    assert message in str(error.value)
