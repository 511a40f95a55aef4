"""Expressions of CEL, in what they are evaluated, and those of which something else is known.

``expressions.cel`` has them, one a line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.parity_triggers.requests import Sent

_BODY: dict[str, Any] = {
    "a": 1,
    "big": 2**60,
    "commits": [
        {
            "id": "0123456789abcdef",
            "added": ["data/a.dvc"],
            "modified": ["x.py", "y.dvc"],
        },
        {"id": "fedcba", "added": [], "modified": []},
    ],
    "deep": {"a": {"b": {"c": [{"d": 5}]}}},
    "e": {},
    "el": [],
    "html": "<a&b>\u2028",
    "json": '{"k":"v"}',
    "l": [1, "x"],
    "n": None,
    "nums": [3, 1.5, 2],
    "o": {"x": {"y": "z"}},
    "objs": [{"n": 2, "name": "b"}, {"n": 1, "name": "a"}],
    "pull_request": {"commits": 2},
    "ref": "refs/heads/main",
    "s": "hello",
    "strs": ["b", "a", "c"],
    "t": True,
    "uni": "äöü😀",
}
_HEADER = {
    "X-Github-Event": ["push", "second"],
    "Content-Type": ["application/json"],
    "Empty": [],
}
_EXTENSIONS = {"e": {"f": [1, "g"]}, "changed_files": "data/a.dvc,src/b.py"}

ALIKE = Path(__file__).with_name("expressions.cel").read_text("utf-8").splitlines()
"""What both engines make the same of."""

DIFFERENT = (
    # A string of Go may end within a character; the code is another.
    "'äöü'.truncate(3)",
    # Python has no unsigned numbers.
    "[1u].first()",
    # cel-go looks into a format that is written out before it evaluates.
    "'%d'.format(['x'])",
    "'%s'.format([])",
    "'%z'.format([1])",
    # Tekton loses the fault, and takes what is left for no JSON.
    "[1.0 / 0.0]",
    # The implementation in C++ is stricter, or less strict, than that in Go.
    "'hello'.indexOf('l', 9)",
    "'%s'.format([1e100])",
    "'%f'.format(['NaN'])",
    "[1,2].flatten()",
    "{'a':1, 'a':2}",
)


def sent(expression: str) -> Sent:
    """`expression` as the one overlay of a request."""
    return Sent(
        "cel",
        json.dumps(_BODY, ensure_ascii=False).encode(),
        _HEADER,
        {"overlays": [{"key": "r", "expression": expression}]},
        _EXTENSIONS,
    )
