"""Label selectors, as kubectl's ``-l`` takes them and as objects hold them.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache

from mltk.errors import UsageError
from mltk.tekton.objects import Obj

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


def of_object(selector: Obj) -> Test:
    """The test of a ``LabelSelector``: ``matchLabels`` and ``matchExpressions`` together."""
    tests = [
        _test(each["key"], each["operator"], each.get("values") or ())
        for each in selector.get("matchExpressions") or ()
    ]
    tests.append(matcher(selector.get("matchLabels")))
    return lambda labels: all(test(labels) for test in tests)


def _test(key: str, operator: str, values: Collection[str] = ()) -> Test:
    """The test of one requirement; an object without the label satisfies `NotIn`."""
    match operator:
        case "In":
            return lambda labels: labels.get(key) in values
        case "NotIn":
            return lambda labels: labels.get(key) not in values
        case "Exists":
            return lambda labels: key in labels
    return lambda labels: key not in labels


def _anything(labels: Labels) -> bool:  # noqa: ARG001  (a Test)
    return True


@lru_cache(maxsize=64)
def _parsed(text: str) -> Test:
    tests = [_requirement(part.strip(), text) for part in _COMMA_OUTSIDE_PARENTHESES.split(text)]
    return lambda labels: all(test(labels) for test in tests)


def _requirement(part: str, text: str) -> Test:
    if found := _EQUALITY.fullmatch(part):
        key, operator, value = found.groups()
        return _test(key, "NotIn" if operator == "!=" else "In", (value,))
    if found := _SET.fullmatch(part):
        key, operator, listed = found.groups()
        values = frozenset(item.strip() for item in listed.split(","))
        return _test(key, "In" if operator == "in" else "NotIn", values)
    if found := _PRESENCE.fullmatch(part):
        absent, key = found.groups()
        return _test(key, "DoesNotExist" if absent else "Exists")
    raise UsageError(
        f"'{part}' is not a label selector",
        where=f"-l {text}",
        hint="Write key=value, key!=value, key in (a,b), key notin (a,b), key or !key.",
    )
