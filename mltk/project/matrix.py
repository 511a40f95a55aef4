"""`matrix` of a model of mltk.yaml: one model for each combination of values. Pure.

It works on the nodes of the file, before anything judges them, so that what is wrong in a model of
many is told with its line, and all that reads a project sees the models alone.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import yaml

from mltk.project.combinations import Combination, Wrong, combinations
from mltk.project.complaint import Complaint
from mltk.wording import counted, did_you_mean

_MODELS, _MATRIX = "models", "matrix"
_TEXT = "tag:yaml.org,2002:str"
_REFERENCE = re.compile(r"\$\(matrix\.([^()]*)\)")


@dataclasses.dataclass(frozen=True)
class Expanded:
    """The file without a matrix; `origins` says as what a model of one stands in the file."""

    root: yaml.MappingNode
    origins: dict[str, str]
    complaints: tuple[Complaint, ...]


def expand(root: yaml.MappingNode) -> Expanded:
    """Put the models that each matrix stands for in its place."""
    pairs: list[tuple[yaml.Node, yaml.Node]] = []
    origins: dict[str, str] = {}
    complaints: list[Complaint] = []
    for key, value in root.value:
        if key.value == _MODELS and isinstance(value, yaml.MappingNode):
            models: list[tuple[yaml.Node, yaml.Node]] = []
            for name, model in value.value:
                try:
                    made = list(_models(name, model))
                except Wrong as wrong:
                    complaints.append(wrong.complaint)
                    continue
                models += made
                if _matrix(model) is not None:
                    origins |= {each.value: name.value for each, _ in made}
            complaints += _twice(models)
            value = _like(value, models)
        pairs.append((key, value))
    return Expanded(yaml.MappingNode(root.tag, pairs, *_marks(root)), origins, tuple(complaints))


def gathered(complaints: Iterable[Complaint], origins: Mapping[str, str]) -> list[Complaint]:
    """What all models of a matrix have wrong as one complaint about what stands in the file."""
    groups: dict[Complaint, list[tuple[str, Complaint]]] = defaultdict(list)
    found = []
    for each in complaints:
        match = re.match(r"(.*?)models\.([-a-z0-9]+)", each.what)
        origin = origins.get(match[2]) if match else None
        if match is None or origin is None:
            found.append(each)
            continue
        said = f"{match[1]}models.{origin}{each.what[match.end() :]}"
        groups[Complaint(each.line, said)].append((match[2], each))
    for general, single in groups.items():
        origin = origins[single[0][0]]
        whole = {name for name, known in origins.items() if known == origin}
        all_say_it = {name for name, _ in single} == whole
        found += [general] if all_say_it else [each for _, each in single]
    return found


def _models(name: yaml.Node, model: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    matrix = _matrix(model)
    if matrix is None:
        _refuse_references(name)
        _refuse_references(model)
        yield name, model
        return
    rest = _like(model, [each for each in model.value if each[0].value != _MATRIX])
    found, axes = combinations(matrix)
    for each in found:
        yield _name(name, each, axes), _filled(rest, each)


def _matrix(model: yaml.Node) -> yaml.Node | None:
    if not isinstance(model, yaml.MappingNode):
        return None
    yaml.SafeLoader("").flatten_mapping(model)  # a matrix may come by `<<`
    # The last of equal keys counts: those merged in come first.
    return next((v for k, v in reversed(model.value) if k.value == _MATRIX), None)


def _name(key: yaml.Node, combination: Combination, axes: tuple[str, ...]) -> yaml.ScalarNode:
    """The name as the file has it, or with the values behind it where it holds no variable."""
    pattern = str(key.value)
    if not _REFERENCE.search(pattern):
        told = [name for name in axes if name in combination] or list(combination)
        pattern = "-".join([pattern, *(f"$(matrix.{name})" for name in told)])
    text = _REFERENCE.sub(lambda match: _word(_value(key, match[1], combination)), pattern)
    return yaml.ScalarNode(_TEXT, text, *_marks(key))


def _word(node: yaml.Node) -> str:
    """A value as a part of a name: letters, digits and dashes."""
    if isinstance(node, yaml.SequenceNode):
        return "-".join(map(_word, node.value))
    if not isinstance(node, yaml.ScalarNode):
        raise Wrong(node, "keys and values cannot be part of a model's name: name other variables")
    return re.sub(r"[^a-z0-9]+", "-", node.value.lower()).strip("-")


def _filled(node: yaml.Node, combination: Combination) -> yaml.Node:
    """The node with the values in it; a scalar that is one variable becomes what that is."""
    if isinstance(node, yaml.MappingNode):
        return _like(
            node,
            [(_filled(key, combination), _filled(each, combination)) for key, each in node.value],
        )
    if isinstance(node, yaml.SequenceNode):
        items = [_filled(each, combination) for each in node.value]
        return yaml.SequenceNode(node.tag, items, *_marks(node))
    if whole := _REFERENCE.fullmatch(node.value):
        value = _value(node, whole[1], combination)
        return type(value)(value.tag, value.value, *_marks(node))
    if not _REFERENCE.search(node.value):
        return node
    text = _REFERENCE.sub(lambda match: _part(node, match[1], combination), node.value)
    return yaml.ScalarNode(_TEXT, text, *_marks(node))


def _part(node: yaml.Node, name: str, combination: Combination) -> str:
    value = _value(node, name, combination)
    if not isinstance(value, yaml.ScalarNode):
        raise Wrong(node, f"$(matrix.{name}) is a list or a mapping, and cannot be part of a text")
    return str(value.value)


def _value(node: yaml.Node, name: str, combination: Combination) -> yaml.Node:
    if name in combination:
        return combination[name]
    near = did_you_mean(name, combination)
    known = f"{near} (known: {', '.join(combination)})"
    raise Wrong(node, f"the matrix has no variable '{name}'{known}")


def _refuse_references(node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for each in pair:
                _refuse_references(each)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_references(each)
    elif found := _REFERENCE.search(node.value):
        raise Wrong(
            node, f"{found[0]} means nothing in a model without `matrix: {{{found[1]}: [...]}}`"
        )


def _twice(models: Iterable[tuple[yaml.Node, yaml.Node]]) -> Iterator[Complaint]:
    lines: dict[str, list[int]] = defaultdict(list)
    for key, _ in models:
        lines[str(key.value)].append(key.start_mark.line + 1)
    for name, found in lines.items():
        if len(found) > 1:
            yield Complaint(
                found[-1],
                f"{counted(len(found), 'model')} of a matrix would be called '{name}'; tell them"
                " apart by a variable in the name, as in `NAME-$(matrix.VARIABLE)`",
            )


def _like(node: yaml.Node, pairs: list[tuple[yaml.Node, yaml.Node]]) -> yaml.MappingNode:
    return yaml.MappingNode(node.tag, pairs, *_marks(node))


def _marks(node: yaml.Node) -> tuple[yaml.Mark, yaml.Mark]:
    return node.start_mark, node.end_mark
