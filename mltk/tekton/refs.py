"""What must hold in a reference, by name or by resolver (``validateRef`` of Tekton)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltk.tekton.fields import Problem, repeated
from mltk.tekton.objects import Obj

_QUALIFIED = re.compile(r"(?:[^/]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end"
    " with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for"
    " validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_ADDRESS = re.compile(r"[\w-]+:/")
_CONCISE = (
    "feature flag enable-concise-resolver-syntax should be set to true to use concise resolver"
    " syntax"
)
_BOTH, _MISSING = "expected exactly one, got both", "missing field(s)"


def check_ref(ref: Obj, path: str) -> Iterator[Problem]:
    """Problems of a reference to a Task, a Pipeline or a StepAction."""
    name, resolver, asked = ref.get("name") or "", ref.get("resolver"), ref.get("params")
    if asked is not None:
        if name:
            yield Problem(f"{path}.name, {path}.params", _BOTH)
        if not resolver:
            yield Problem(f"{path}.resolver", _MISSING)
        for each in repeated(each["name"] for each in asked).values():
            yield Problem(f"{path}[{each}].name", _BOTH)
    if _ADDRESS.search(name):
        yield Problem(path, _CONCISE)
    elif resolver and name:
        yield Problem(f"{path}.name", "invalid value: invalid URI for request")
    elif not resolver and asked is None:
        yield from _check_name(name, f"{path}.name")


def _check_name(name: str, path: str) -> Iterator[Problem]:
    if not name:
        yield Problem(path, _MISSING)
    elif not _QUALIFIED.fullmatch(name):
        yield Problem(path, f"invalid value: {_QUALIFIED_RULE}")
