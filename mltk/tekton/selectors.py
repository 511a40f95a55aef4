"""Label selectors, as kubectl's ``-l`` takes them.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from mltk.errors import UsageError

Labels = Mapping[str, str]
Test = Callable[[Labels], bool]

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_EQUALITY = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_PRESENCE = re.compile(rf"(!?)\s*({_KEY})")
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")


def matcher(selector: str | Labels | None) -> Test:
    """The test that a selector stands for; a mapping asks for equality of each of its labels.

    Raises UsageError for text that is not a selector.
    """
    if not selector:
        return _anything
    if isinstance(selector, str):
        return _parsed(selector)
    wanted = dict(selector)
    return lambda labels: all(labels.get(key) == value for key, value in wanted.items())


def _anything(labels: Labels) -> bool:  # noqa: ARG001  (a Test)
    return True


@lru_cache(maxsize=64)
def _parsed(text: str) -> Test:
    tests = [_requirement(part.strip(), text) for part in _COMMA_OUTSIDE_PARENTHESES.split(text)]
    return lambda labels: all(test(labels) for test in tests)


def _requirement(part: str, text: str) -> Test:
    if found := _EQUALITY.fullmatch(part):
        key, operator, value = found.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _SET.fullmatch(part):
        key, operator, listed = found.groups()
        values = frozenset(item.strip() for item in listed.split(","))
        # As in Kubernetes, an object without the label satisfies `notin`.
        return lambda labels: (labels.get(key) in values) == (operator == "in")
    if found := _PRESENCE.fullmatch(part):
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise UsageError(
        f"'{part}' is not a label selector",
        where=f"-l {text}",
        hint="Write key=value, key!=value, key in (a,b), key notin (a,b), key or !key.",
    )
