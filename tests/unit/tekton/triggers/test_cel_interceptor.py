"""The answers here are those of Tekton Triggers' own interceptor ``cel``, v0.37.

tests/parity_triggers asks it of hundreds of expressions.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.tekton.triggers.interceptors import cel
from mltk.tekton.triggers.interceptors.protocol import Code, Refusal, Request, Response

pytest.importorskip("cel_expr_python", reason="CEL needs the package cel-expr-python")

BODY: dict[str, Any] = {
    "ref": "refs/heads/main",
    "n": 1,
    "none": None,
    "commits": [{"id": "0123456789abcdef", "modified": ["data/a.dvc"]}],
    "text": '{"a": [1, "x"]}',
}


def say(body: Any = BODY, **params: Any) -> Response:
    return cel.process(
        Request(
            body=body if isinstance(body, str) else json.dumps(body),
            header={"X-Github-Event": ["push", "second"]},
            extensions={"before": {"files": "a,b"}},
            params=params,
            event_url="http://listener/hook?a=b",
            trigger_id="namespaces/ns/triggers/t",
        ),
        lambda namespace, name: (
            {"token": b"1234567"} if (namespace, name) == ("ns", "git") else None
        ),
    )


def found(expression: str) -> Any:
    answer = say(overlays=[{"key": "r", "expression": expression}])
    return (answer.extensions or {})["r"]


def refusal(body: Any = BODY, **params: Any) -> Refusal:
    with pytest.raises(Refusal) as raised:
        say(body, **params)
    return raised.value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("body.n == 1 && header.match('x-github-event', 'push')", True),
        ("header.canonical('X-GitHub-Event')", "push"),
        ("body.commits[0].id.truncate(7)", "0123456"),
        ("body.ref.split('/').last()", "main"),
        ("[].first() == null", True),
        ("body.text.parseJSON().a", [1.0, "x"]),
        ("'a: {b: [yes, 0x10, 2020-01-01]}'.parseYAML().a.b", [True, 16.0, "2020-01-01"]),
        ("requestURL.parseURL().query.a", "b"),
        ("'1234567'.compareSecret('token', 'git')", True),
        ("'123456'.compareSecret('token', 'git', 'elsewhere')", False),
        ("{'a': [1, '<']}.marshalJSON()", '{"a":[1,"\\u003c"]}'),
        ("'this is $aN INvalid5string '.translate('[^a-z0-9]+', '')", "thisisavalid5string"),
        ("body.commits.exists(c, c.modified.exists(f, f.endsWith('.dvc')))", True),
        ("extensions.before.files.split(',')", ["a", "b"]),
        ("base64.encode(b'hello')", "aGVsbG8="),
        ("sets.intersects([1, 2], [2])", True),
        ("[3, 1].sort() + lists.range(2)", [1.0, 3.0, 0.0, 1.0]),
        ("math.greatest(1, 2)", 2.0),
        ("9007199254740993", "9007199254740993"),
        ("b'ab'", "YWI="),
    ],
)
def test_expressions(expression: str, expected: Any) -> None:
    assert found(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("true", None),
        ("body.n", "expression body.n did not return true"),
        ("body.n == 2", "expression body.n == 2 did not return true"),
        (
            "body.n + 1 == 2",
            'error evaluating cel expression: expression "body.n + 1 == 2" failed to evaluate: '
            "no such overload",
        ),
        (
            "body.x",
            'error evaluating cel expression: expression "body.x" failed to evaluate: '
            "no such key: x",
        ),
    ],
)
def test_a_filter_has_to_be_true(expression: str, message: str | None) -> None:
    if message is None:
        assert say(filter=expression) == Response(True)
    else:
        assert str(refusal(filter=expression)) == message


def test_what_does_not_compile_is_told_with_its_place() -> None:
    with pytest.raises(Refusal) as raised:
        cel.check("body.n == lists.range(1) + nope")

    assert str(raised.value) == (
        'error evaluating cel expression: expression "body.n == lists.range(1) + nope" '
        "check failed: ERROR: <input>:1:28: undeclared reference to 'nope' (in container '')\n"
        " | body.n == lists.range(1) + nope\n | ...........................^"
    )
    with pytest.raises(Refusal, match=r"failed to parse expression .*<input>:1:4: Syntax error"):
        cel.check("1 +")
    cel.check("body.n == 1")


def test_no_range_takes_all_memory() -> None:
    message = str(refusal(filter="lists.range(9223372036854775807) == []"))

    assert message.endswith(
        "lists.range: size 9223372036854775807 exceeds maximum allowed (1000000)"
    )
    assert found("'lists.range(2)'") == "lists.range(2)"


def test_overlays_are_extensions_at_paths() -> None:
    paths = ["a.b", "a.c.1", r"a\.b", "a.c.-1", ":0", "a.b"]
    overlays = [{"key": path, "expression": f"'{place}'"} for place, path in enumerate(paths)]

    assert say(overlays=overlays).extensions == {
        "a": {"b": "5", "c": [None, "1", "3"]},
        "a.b": "2",
        "0": "4",
    }
    assert say(filter="true").extensions is None
    overlays = [{"key": "a", "expression": "[1]"}, {"key": "a.b", "expression": "1"}]
    assert refusal(overlays=overlays).code == Code.INTERNAL


@pytest.mark.parametrize("expression", ["body.none", "1u", "duration('1s')", "int", "{1: 2}"])
def test_what_is_no_json_is_no_overlay(expression: str) -> None:
    refused = refusal(overlays=[{"key": "k", "expression": expression}])

    assert refused.code == Code.INTERNAL
    assert str(refused).startswith("failed to convert overlay result to type: ")


def test_the_body_is_an_object() -> None:
    assert say("", filter="body == {}").goes_on
    assert say("null", filter="body == {}").goes_on
    for body in ("[]", "{", "x"):
        assert str(refusal(body, filter="true")).startswith(
            "error making the evaluation context: failed to parse the body as JSON: "
        )


def test_a_secret_that_is_missing_stops_the_evaluation() -> None:
    message = str(refusal(filter="'x'.compareSecret('key', 'no')"))

    assert message.endswith(
        'failed to find secret \'v1beta1.SecretRef{SecretKey:"key", SecretName:"no"}\' '
        'in compareSecret: secrets "no" not found'
    )
