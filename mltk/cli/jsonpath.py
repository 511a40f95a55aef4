"""The part of kubectl's JSONPath that people type: fields, indexes, `[*]` and `[?(@.a=="b")]`.

Rules: https://kubernetes.io/docs/reference/kubectl/jsonpath/. A template is text with expressions
in braces; values that an expression finds are joined by a blank. What is not here (`range`,
slices, unions, `..`, other comparisons) is refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from mltk.errors import UsageError

Step = Callable[[Any], Iterator[Any]]

_EXPRESSION = re.compile(r"\{([^{}]*)\}")
_LITERAL = re.compile(r"""(?P<quote>["'])(?P<text>.*)(?P=quote)""", re.DOTALL)
_STEP = re.compile(
    r"""
      \.?\[\s*(?P<index>-?\d+)\s*\]
    | \.?\[\s*(?P<wild>\*)\s*\]  |  \.(?P<star>\*)
    | \.?\[\s*(?P<quote>["'])(?P<quoted>.*?)(?P=quote)\s*\]
    | \.?\[\?\(\s*@(?P<path>[^=!<>\s]*)\s*(?P<operator>==|!=)\s*
        (?P<mark>["'])(?P<value>.*?)(?P=mark)\s*\)\]
    | \.(?P<field>(?:[^.\[\]\s\\{}*]|\\.)+)
    """,
    re.VERBOSE,
)


def render(template: str, document: Any) -> str:
    """Fill the expressions of `template` from `document`; UsageError for one that is unknown."""
    if not _EXPRESSION.search(template):
        template = f"{{{template}}}"
    return _EXPRESSION.sub(lambda found: _evaluate(found[1].strip(), document), template)


def _evaluate(expression: str, document: Any) -> str:
    if literal := _LITERAL.fullmatch(expression):
        return literal["text"].replace("\\n", "\n").replace("\\t", "\t")
    return " ".join(_text(value) for value in find(expression, document))


def find(path: str, document: Any) -> list[Any]:
    """All values at `path` (`.items[*].metadata.name`); none where a field is missing."""
    rest = path.removeprefix("$")
    if rest and rest[0] not in ".[":
        rest = f".{rest}"
    found = [document]
    for step in _steps("" if rest == "." else rest, path):
        found = [value for item in found for value in step(item)]
    return found


def _steps(rest: str, path: str) -> Iterator[Step]:
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            raise UsageError(
                f"cannot read '{rest[position:]}' in the JSONPath '{path}'",
                hint="it may hold .field, ['field'], [0], [*] and [?(@.name==\"x\")];"
                " for more, pipe `-o json` into jq",
            )
        yield _step(match)
        position = match.end()


def _step(match: re.Match[str]) -> Step:
    if match["index"] is not None:
        return _index(int(match["index"]))
    if match["wild"] or match["star"]:
        return _children
    if match["operator"]:
        return _filter(match["path"], match["operator"], match["value"])
    name = match["quoted"]
    return _field(re.sub(r"\\(.)", r"\1", match["field"]) if name is None else name)


def _field(name: str) -> Step:
    return lambda item: iter([item[name]] if isinstance(item, dict) and name in item else [])


def _index(number: int) -> Step:
    def step(item: Any) -> Iterator[Any]:
        if isinstance(item, list) and -len(item) <= number < len(item):
            yield item[number]

    return step


def _filter(path: str, operator: str, value: str) -> Step:
    def step(item: Any) -> Iterator[Any]:
        for each in _children(item):
            equal = any(_text(found) == value for found in find(path, each))
            if equal == (operator == "=="):
                yield each

    return step


def _children(item: Any) -> Iterator[Any]:
    if isinstance(item, dict):
        yield from item.values()
    elif isinstance(item, list):
        yield from item


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
