"""The params of an interceptor, read as Go's encoding/json reads them into a struct.

Names match in any case, a null leaves a field out, unknown ones are ignored, and the first field
of a wrong type is the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltk.tekton.triggers.interceptors.protocol import Code, Refusal


@dataclass(frozen=True)
class Scalar:
    """A string or a bool, and what Go calls its type."""

    kind: type
    name: str


@dataclass(frozen=True)
class Struct:
    """A struct of Go: the name of its package, its own, and its fields."""

    package: str
    name: str
    fields: Mapping[str, Scalar | Struct | List]

    @property
    def qualified(self) -> str:
        """Its name as messages have it."""
        return f"{self.package}.{self.name}"


@dataclass(frozen=True)
class List:
    """A slice of Go."""

    of: Scalar | Struct


STRING = Scalar(str, "string")
BOOL = Scalar(bool, "bool")
STRINGS = List(STRING)
SECRET_REF = Struct("v1beta1", "SecretRef", {"secretKey": STRING, "secretName": STRING})


def params(given: Mapping[str, Any], package: str, **fields: Scalar | Struct | List) -> Any:
    """The `fields` that `given` has, as dicts and lists; raises Refusal for a wrong type."""
    found: dict[str, Any] = {}
    _fill(found, given, Struct(package, "InterceptorParams", fields), ())
    return found


def _fill(into: dict[str, Any], given: Mapping[str, Any], struct: Struct, path: Any) -> None:
    by_name = {name.casefold(): name for name in struct.fields}
    for key in sorted(given, key=str.encode):
        name = key if key in struct.fields else by_name.get(key.casefold())
        if name is not None and given[key] is not None:
            place = _Place(struct.name, (*path, name))
            into[name] = _read(given[key], struct.fields[name], place, into.get(name))


@dataclass(frozen=True)
class _Place:
    struct: str
    path: tuple[str, ...]


def _read(value: Any, kind: Scalar | Struct | List, place: _Place, before: Any) -> Any:
    match kind:
        case Scalar() if isinstance(value, kind.kind):
            return value
        case List(of) if isinstance(value, list):
            return [_element(each, of, place) for each in value]
        case Struct() if isinstance(value, Mapping):
            found: dict[str, Any] = before or {}
            _fill(found, value, kind, place.path)
            return found
    raise Refusal(
        Code.INVALID_ARGUMENT,
        "failed to parse interceptor params: invalid json: json: cannot unmarshal "
        f"{_called(value)} into Go struct field {place.struct}.{'.'.join(place.path)} "
        f"of type {_type(kind)}",
    )


def _element(value: Any, kind: Scalar | Struct, place: _Place) -> Any:
    if value is None:
        return kind.kind() if isinstance(kind, Scalar) else {}
    return _read(value, kind, place, None)


def _type(kind: Scalar | Struct | List) -> str:
    match kind:
        case Scalar(_, name):
            return name
        case List(of):
            return f"[]{_type(of)}"
    return kind.qualified


def _called(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"
