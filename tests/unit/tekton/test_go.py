"""Texts as Go reads and writes them; the answers here are those of Go 1.26 and go-yaml v2."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mltk.tekton import gojson, gourl, goyaml
from mltk.tekton.goregexp import replace_all


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://u:p%20w@h:80/a%2Fb?x=1&x=2#f%20", ("https", ("u", "p w"), "h:80", "/a/b", "f ")),
        ("//h/p", ("", None, "h", "/p", "")),
        ("///p", ("", None, "", "///p", "")),
        ("mailto:a@b", ("mailto", None, "", "", "")),
        ("*", ("", None, "", "*", "")),
        ("http://[fe80::1%25en0]/", ("http", None, "[fe80::1%en0]", "/", "")),
        ("", ("", None, "", "", "")),
    ],
)
def test_urls(text: str, parts: tuple[Any, ...]) -> None:
    url = gourl.parse(text)

    assert (url.scheme, url.user, url.host, url.path, url.fragment) == parts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("::", 'parse "::": missing protocol scheme'),
        ("1:b", 'parse "1:b": first path segment in URL cannot contain colon'),
        ("http://[::1", "parse \"http://[::1\": missing ']' in host"),
        ("http://a b/", 'parse "http://a b/": invalid character " " in host name'),
        ("http://x:p/", 'parse "http://x:p/": invalid port ":p" after host'),
        ("http://x/%zz", 'parse "http://x/%zz": invalid URL escape "%zz"'),
        ("a\x01", 'parse "a\\x01": net/url: invalid control character in URL'),
    ],
)
def test_what_is_no_url(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="parse") as raised:
        gourl.parse(text)

    assert str(raised.value) == message


def test_forms() -> None:
    found = gourl.parse_query("a=1&a=%C3%BC+x&b&%zz=1&c;d=2&&e=f=g")

    assert found == {"a": ["1", "ü x"], "b": [""], "e": ["f=g"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 010, 0x1f, 1_000, 1e3, .5, -0b1]", [1, 8, 31, 1000, 1000, 0.5, -1]),
        ("[y, No, on, tRue, ~, null, 'yes']", [True, False, True, "tRue", None, None, "yes"]),
        ("[2020-01-01, 1:30, 1e400, v1]", ["2020-01-01", "1:30", "1e400", "v1"]),
        ("{1: a, true: b, 1.5: c}", {"1": "a", "true": "b", "1.5": "c"}),
        ("{a: &x {b: 1}, c: {<<: *x, d: 2}}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ("{a: !!binary aGk=, b: !other y}", {"a": "hi", "b": "y"}),
        ("a: 1\n---\nb: 2", {"a": 1}),
        ("[18446744073709551616, 0x1ffffffffffffffff]", [2.0**64, "0x1ffffffffffffffff"]),
        pytest.param("9" * 400, "9" * 400, id="beyond a float64"),
        pytest.param("9" * 5000, "9" * 5000, id="beyond what Python reads"),
        ("[!!int 5, !!float 5, !!bool y, !!null ~, !!str 5]", [5, 5, True, None, "5"]),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("{a: !!set {b, c}, d: !!omap [e: 1]}", {"a": {"b": None, "c": None}, "d": [{"e": 1}]}),
        ("", None),
    ],
)
def test_yaml(text: str, value: Any) -> None:
    assert goyaml.decode(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("a: [", "a: b: c", "a: .inf", "{null: 1}", "\ta: 1", "[" * 5000, "&a {<<: *a}"),
        *("!!timestamp xx", "!!bool xx", "!!int xx", "!!float xx", "!!null xx", "!!int 1.5"),
    ],
)
def test_what_is_no_yaml(text: str) -> None:
    with pytest.raises(ValueError, match="error converting YAML to JSON: "):
        goyaml.decode(text)


def test_aliases_that_grow_without_end_are_refused() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for one, other in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{other}: &{other} [{', '.join([f'*{one}'] * 10)}]")

    with pytest.raises(ValueError, match="excessive aliasing"):
        goyaml.decode("\n".join(lines))


def test_merges_that_grow_without_end_are_refused() -> None:
    lines = ["a: &a {x: 1, y: 2}"]
    for one, other in zip("abcdefghij", "bcdefghijk", strict=True):
        lines.append(f"{other}: &{other} {{<<: [*{one}, *{one}, *{one}, *{one}]}}")

    with pytest.raises(ValueError, match="excessive aliasing"):
        goyaml.decode("\n".join(lines))


def test_quoted() -> None:
    assert gojson.quoted('a"\\\n\x01ü\u200b') == r'"a\"\\\n\x01ü\u200b"'


@pytest.mark.parametrize("pattern", ["[" + r"\a" * 24, "[[:" * 4000], ids=len)
def test_a_class_that_does_not_end_is_refused_at_once(pattern: str) -> None:
    pytest.importorskip("cel_expr_python", reason="CEL needs the package cel-expr-python")
    started = time.process_time()

    with pytest.raises(ValueError, match="missing"):
        replace_all("a", pattern, "$1")

    assert time.process_time() - started < 1
