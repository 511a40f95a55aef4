"""What a JSONPath finds in an event, as client-go's ``util/jsonpath`` walks it.

Where Go goes over a map in an order of chance, the keys are in order here. Kinds are Go's: an event
has only float64 numbers, so a comparison with a whole number fails as it does there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from mltk.tekton import gojson
from mltk.tekton.triggers.errors import TriggerError
from mltk.tekton.triggers.jsonpathnodes import (
    Field,
    Filter,
    Identifier,
    Literal,
    Node,
    Path,
    Recursive,
    Slice,
    Union,
    Wildcard,
)
from mltk.tekton.triggers.jsonpathparser import parse

Values = list[Any]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Stopped(TriggerError):
    """With the values that were at hand, which the filter for existence looks at."""

    def __init__(self, message: str, values: Values) -> None:
        super().__init__(message)
        self.values = values


def find(path: str, document: Any) -> list[Values]:
    """What each action of `path` finds; raises TriggerError where a field is missing.

    A path with ``range`` finds nothing: what it would repeat cannot follow in a binding.
    """
    nodes = parse(path)
    found = _walk_all(nodes, [document])
    return [] if Identifier("range") in nodes else [found]


def _walk_all(path: Path, values: Values) -> Values:
    for node in path:
        values = _walk(node, values)
    return values


def _walk(node: Node, values: Values) -> Values:
    match node:
        case Field(name):
            return _field(name, values)
        case Slice():
            return _elements(node, values)
        case Filter():
            return _filtered(node, values)
        case Union(paths):
            return _union(paths, values)
        case Wildcard():
            return [child for value in values for child in _children(value)]
        case Recursive():
            return _descendants(values)
        case Literal(value):
            return [value] if isinstance(value, str) else [value for _ in values]
    return _identified(node, values)


def _identified(node: Identifier, values: Values) -> Values:
    if node.name == "range":
        return values
    if node.name == "end":
        raise _Stopped("not in range, nothing to end", [])
    raise _Stopped(f"unrecognized identifier {node.name}", values)


def _field(name: str, values: Values) -> Values:
    found = []
    for value in values:
        key = value.in_go.get(name, name) if isinstance(value, gojson.Struct) else name
        if isinstance(value, dict) and key in value:
            found.append(value[key])
    if values and not found:
        raise _Stopped(f"{name} is not found", [])
    return found


def _elements(node: Slice, values: Values) -> Values:
    found: Values = []
    for value in values:
        if value is None:
            continue
        if not isinstance(value, list):
            raise _Stopped(f"{_kind(value)} is not array or slice", values)
        start, end = _bounds(node, len(value))
        if start == end:
            # client-go leaves here, whatever lists are still to come.
            return found
        if message := _out_of_bounds(start, end, len(value)):
            raise _Stopped(message, values)
        if node.step is not None and node.step <= 0:
            raise _Stopped("step must be > 0", values)
        found += value[start : end : node.step]
    return found


def _bounds(node: Slice, length: int) -> tuple[int, int]:
    start = node.start or 0
    end = start + 1 if node.single else node.end
    if end is None:
        end = length
    elif end < 0 or (end == 0 and node.single):
        end += length
    return start + length if start < 0 else start, end


def _out_of_bounds(start: int, end: int, length: int) -> str:
    if not 0 <= start < length:
        return f"array index out of bounds: index {start}, length {length}"
    if not 0 <= end <= length:
        return f"array index out of bounds: index {end - 1}, length {length}"
    if start > end:
        return f"starting index {start} is greater than ending index {end}"
    return ""


def _union(paths: tuple[Path, ...], values: Values) -> Values:
    try:
        return [found for path in paths for found in _walk_all(path, values)]
    except _Stopped as error:
        raise _Stopped(str(error), values) from None


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, gojson.Struct):
        return value.values()
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    if isinstance(value, str):
        # To Go a string is a list of bytes.
        return list(value.encode())
    return value if isinstance(value, list) else ()


def _descendants(values: Values) -> Values:
    found: Values = []
    for value in values:
        if children := list(_children(value)):
            found += [value, *_descendants(children)]
    return found


def _filtered(node: Filter, values: Values) -> Values:
    found: Values = []
    for value in values:
        if not isinstance(value, list):
            shown = gojson.shown(value)
            raise _Stopped(f"{shown} is not array or slice and cannot be filtered", values)
        for element in value:
            try:
                if _passes(node, element):
                    found.append(element)
            except _Stopped as error:
                raise _Stopped(str(error), values) from None
    return found


def _passes(node: Filter, element: Any) -> bool:
    if node.operator == "exists":
        return _exists(node.left, element)
    left = _operand(node.left, element)
    if not left:
        return False
    right = _operand(node.right, element)
    return bool(right) and _compare(node.operator, left[0], right[0])


def _exists(path: Path, element: Any) -> bool:
    try:
        return bool(_walk_all(path, [element]))
    except _Stopped as error:
        return bool(error.values)


def _operand(path: Path, element: Any) -> Values:
    found = _walk_all(path, [element])
    if len(found) > 1:
        raise _Stopped("can only compare one element at a time", [])
    return found


def _compare(sign: str, left: Any, right: Any) -> bool:
    if sign not in _COMPARISONS:
        raise _Stopped(f"unrecognized filter operator {sign}", [])
    ordered = sign not in ("==", "!=")
    for value in (left, right):
        if value is None or isinstance(value, list | dict):
            raise _Stopped("invalid type for comparison", [])
    if type(left) is not type(right):
        raise _Stopped("incompatible types for comparison", [])
    if ordered and isinstance(left, bool):
        raise _Stopped("invalid type for comparison", [])
    if isinstance(left, str):
        left, right = left.encode(), right.encode()
    return _COMPARISONS[sign](left, right)


def _kind(value: Any) -> str:
    match value:
        case gojson.Struct():
            return value.kind
        case gojson.StringMap():
            return "map[string]string"
        case dict():
            return "map[string]interface {}"
        case str():
            return "string"
        case bool():
            return "bool"
        case int():
            return "int"
    return "float64"
