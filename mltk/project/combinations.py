"""The combinations that a `matrix` of mltk.yaml stands for, from the nodes of the file. Pure.

`exclude` and `include` mean what they mean in a workflow of GitHub Actions ("Running variations of
jobs in a workflow", docs.github.com): first what is excluded goes, then each entry of `include` is
added to all combinations whose own values it does not change; one that fits none is one more.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence

import yaml

from mltk.project.complaint import Complaint
from mltk.wording import counted, did_you_mean

MOST = 256
"""As many as Tekton and GitHub Actions take."""

Combination = dict[str, yaml.Node]
"""What each variable is, by name."""

_EXCLUDE, _INCLUDE = "exclude", "include"
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class Wrong(Exception):
    """A matrix that stands for nothing; `complaint` says why."""

    def __init__(self, node: yaml.Node, what: str) -> None:
        super().__init__(what)
        self.complaint = Complaint(node.start_mark.line + 1, what)


def combinations(matrix: yaml.Node) -> tuple[list[Combination], tuple[str, ...]]:
    """All combinations, the last axis changing fastest, and the axes; raises Wrong."""
    if not isinstance(matrix, yaml.MappingNode):
        raise Wrong(matrix, "matrix must hold lists by name, as in {site: [a, b]}")
    said = {key.value: (key, value) for key, value in matrix.value}
    axes = {
        name: _values(key, value)
        for name, (key, value) in said.items()
        if name not in (_EXCLUDE, _INCLUDE)
    }
    number = math.prod(map(len, axes.values()))
    if number > MOST:
        raise Wrong(matrix, f"matrix makes {number} models, and {MOST} is the most")
    found = [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]
    found = _without(found if axes else [], _entries(said, _EXCLUDE), tuple(axes))
    found = _with(found, _entries(said, _INCLUDE), tuple(axes))
    if not found:
        raise Wrong(matrix, "matrix leaves no model")
    if len(found) > MOST:
        raise Wrong(matrix, f"matrix makes {len(found)} models, and {MOST} is the most")
    return found, tuple(axes)


def content(node: yaml.Node) -> object:
    """What a node says, wherever it stands: equal for equal values."""
    if isinstance(node, yaml.MappingNode):
        return tuple(sorted(((key.value, repr(content(each))) for key, each in node.value)))
    if isinstance(node, yaml.SequenceNode):
        return tuple(map(content, node.value))
    return node.tag, node.value


def _values(key: yaml.Node, value: yaml.Node) -> Sequence[yaml.Node]:
    _check_name(key)
    if not isinstance(value, yaml.SequenceNode):
        raise Wrong(value, f"matrix.{key.value} must be a list of values")
    if not value.value:
        raise Wrong(value, f"matrix.{key.value} is empty, so that there is no model")
    seen: dict[object, int] = {}
    for each in value.value:
        if content(each) in seen:
            raise Wrong(each, f"matrix.{key.value} holds {_shown(each)} twice")
        seen[content(each)] = 1
    return list(value.value)


def _check_name(key: yaml.Node) -> None:
    if not _VARIABLE.fullmatch(str(key.value)):
        raise Wrong(key, f"'{key.value}' is no name of a variable: letters, digits, - and _")


def _entries(
    said: Mapping[str, tuple[yaml.Node, yaml.Node]], part: str
) -> Iterator[tuple[yaml.Node, Combination]]:
    if part not in said:
        return
    _, listed = said[part]
    if not isinstance(listed, yaml.SequenceNode):
        raise Wrong(listed, f"matrix.{part} must be a list, as in [{{site: a}}]")
    for entry in listed.value:
        if not isinstance(entry, yaml.MappingNode) or not entry.value:
            raise Wrong(entry, f"an entry of matrix.{part} must hold values by name")
        for key, _ in entry.value:
            _check_name(key)
        yield entry, {key.value: value for key, value in entry.value}


def _without(
    found: list[Combination],
    entries: Iterator[tuple[yaml.Node, Combination]],
    axes: tuple[str, ...],
) -> list[Combination]:
    kept = found
    for node, entry in entries:
        for name in entry:
            if name not in axes:
                known = f"{did_you_mean(name, axes)} (known: {', '.join(axes) or 'none'})"
                raise Wrong(node, f"matrix.exclude names no axis of the matrix: '{name}'{known}")
        if not any(_agrees(each, entry) for each in found):
            raise Wrong(node, "an entry of matrix.exclude fits no combination")
        kept = [each for each in kept if not _agrees(each, entry)]
    return kept


def _with(
    found: list[Combination],
    entries: Iterator[tuple[yaml.Node, Combination]],
    axes: tuple[str, ...],
) -> list[Combination]:
    more = []
    for _, entry in entries:
        own = {name: value for name, value in entry.items() if name in axes}
        fitting = [each for each in found if _agrees(each, own)]
        for each in fitting:
            each.update({name: value for name, value in entry.items() if name not in own})
        if not fitting:
            more.append(entry)
    return [*found, *more]


def _agrees(combination: Combination, entry: Combination) -> bool:
    return all(content(combination[name]) == content(value) for name, value in entry.items())


def _shown(node: yaml.Node) -> str:
    return f"'{node.value}'" if isinstance(node, yaml.ScalarNode) else counted(1, "value")
