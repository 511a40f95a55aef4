"""What pydantic found wrong, in plain words and with the line of the file."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel

from mltk.project.complaint import Complaint
from mltk.wording import did_you_mean, shown

_KINDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must hold keys and values",
    "model_type": "must hold keys and values",
    "model_attributes_type": "must hold keys and values",
    "finite_number": "must be a finite number",
}
_BOUNDS = {
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} character(s)",
    "too_short": "must have at least {min_length} entry or entries, has {actual_length}",
    "union_tag_invalid": "has type '{tag}', which must be one of {expected_tags}",
}
_NAME_RULE = (
    "must be a name of lower-case letters, digits and dashes, starting with a letter, "
    "at most 40 characters"
)


def explain_all(
    details: Sequence[Mapping[str, Any]], root: yaml.Node, model: type[BaseModel]
) -> Iterator[Complaint]:
    """All entries of ``ValidationError.errors()`` that say something by themselves."""
    for detail in details:
        loc = detail["loc"]
        # A list whose entries are wrong counts as empty for pydantic.
        echo = detail["type"] == "too_short" and any(
            len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in details
        )
        if not echo:
            yield explain(detail, root, model)


def explain(detail: Mapping[str, Any], root: yaml.Node, model: type[BaseModel]) -> Complaint:
    """One entry of ``ValidationError.errors()`` about the file `root`, judged by `model`."""
    kind, loc = detail["type"], detail["loc"]
    path, node, key = _locate(loc, root)
    name = _dotted(path)
    line = (key if key is not None and kind == "extra_forbidden" else node).start_mark.line + 1
    if kind == "extra_forbidden":
        where = _dotted(path[:-1])
        inside = f" in {where}" if where else ""
        return Complaint(line, f"unknown key '{path[-1]}'{inside}" + _known(path[-1], loc, model))
    if kind == "missing":
        inside = f" in {name}" if name else ""
        return Complaint(line, f"'{loc[-1]}' is missing{inside}")
    return Complaint(line, f"{name}: {_words(kind, detail)}" if name else _words(kind, detail))


def explain_value(detail: Mapping[str, Any]) -> str:
    """One entry of ``ValidationError.errors()`` about a value that stands in no file by itself."""
    name, said = _dotted(detail["loc"]), _words(detail["type"], detail)
    if detail["type"] == "extra_forbidden":
        return f"there is no '{name}'"
    return f"{name} {said}" if name else said


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing when no known name is close, and the known names."""
    names = sorted(known)
    return f"{did_you_mean(name, names)} (known: {', '.join(names)})"


def _words(kind: str, detail: Mapping[str, Any]) -> str:
    if kind == "string_pattern_mismatch":
        return f"{_NAME_RULE}, but is {shown(detail['input'])}"
    if kind in ("value_error", "assertion_error"):
        return str(detail["ctx"]["error"])
    if kind == "union_tag_invalid" and not isinstance(detail["input"], dict):
        kind = "model_type"
    if kind in _KINDS:
        extra = ""
        if kind == "string_type" and isinstance(detail["input"], bool | int | float):
            extra = "; put it in quotes"
        return f"{_KINDS[kind]}, but is {shown(detail['input'])}{extra}"
    if kind in _BOUNDS:
        given = "" if kind.startswith(("too_", "union_")) else f", but is {shown(detail['input'])}"
        return _BOUNDS[kind].format(**detail.get("ctx", {})) + given
    return str(detail["msg"])


def _locate(
    loc: Sequence[str | int], root: yaml.Node
) -> tuple[list[str | int], yaml.Node, yaml.Node | None]:
    """The part of `loc` that stands in the file, its node and, in a mapping, its key's node."""
    path: list[str | int] = []
    node, key = root, None
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            # The last of equal keys counts: those merged in by `<<` come first.
            found = [(k, v) for k, v in node.value if k.value == str(part)]
            if not found:
                continue  # the tag of a union, or a key that is missing
            key, node = found[-1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            key, node = None, node.value[part]
        else:
            continue
        path.append(part)
    return path, node, key


def _dotted(path: Sequence[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _known(name: str | int, loc: Sequence[str | int], model: type[BaseModel]) -> str:
    kind: Any = model
    for part in loc[:-1]:
        kind = _step(kind, part)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return ""
    return suggestion(str(name), [each.alias or key for key, each in kind.model_fields.items()])


def _step(kind: Any, part: str | int) -> Any:
    """The type that `part` of a location leads to from `kind`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        return _bare(field.annotation) if field else None
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return next((_bare(arg) for arg in args if _tag(arg) == part), None)
    if origin is dict:
        return _bare(args[1])
    return _bare(args[0]) if origin is tuple else None


def _bare(kind: Any) -> Any:
    """`kind` without Annotated and without `| None`."""
    if typing.get_origin(kind) is typing.Annotated:
        return _bare(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        rest = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        if len(rest) == 1:
            return _bare(rest[0])
    return kind


def _tag(kind: Any) -> str | None:
    metadata = getattr(kind, "__metadata__", ())
    return next((str(item.tag) for item in metadata if hasattr(item, "tag")), None)
