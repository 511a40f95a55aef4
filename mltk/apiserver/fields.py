"""The fields of an object as a set of paths, and as ``fieldsV1`` says it.

A list is one field: Tekton's definitions declare theirs so (``x-kubernetes-list-type: atomic``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mltk.tekton.objects import Obj

Path = tuple[str, ...]
"""Names from the top of the object, each as ``f:NAME``."""

# What nobody manages: it identifies the object, or the server alone sets it.
_NOBODYS = {
    ("f:apiVersion",), ("f:kind",),
    *(("f:metadata", f"f:{name}") for name in (
        "name", "namespace", "generateName", "uid", "resourceVersion", "generation",
        "creationTimestamp", "deletionTimestamp", "managedFields", "selfLink",
    )),
}  # fmt: skip


def leaves(obj: Obj) -> dict[Path, Any]:
    """The fields that hold a value themselves, with it."""
    return dict(_leaves(obj, ()))


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if path in _NOBODYS:
        return
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*path, f"f:{name}"))
    elif path:
        yield path, value


def encode(paths: Iterable[Path]) -> Obj:
    """A set of paths as ``fieldsV1``."""
    made: Obj = {}
    for path in sorted(paths):
        level = made
        for part in path:
            level = level.setdefault(part, {})
    return made


def decode(fields: Any) -> set[Path]:
    """The inverse of `encode`; takes what a client wrote, too."""
    return set(_decode(fields, ()))


def _decode(fields: Any, path: Path) -> Iterator[Path]:
    inner = (
        {key: each for key, each in fields.items() if key != "."}
        if (isinstance(fields, Mapping))
        else {}
    )
    if not inner and path:
        yield path
    for key, each in inner.items():
        yield from _decode(each, (*path, str(key)))


def without(obj: Obj, path: Path) -> Obj:
    """The object without a field; what is empty then goes, too."""
    name = path[0].removeprefix("f:")
    if name not in obj:
        return obj
    rest = {key: value for key, value in obj.items() if key != name}
    if len(path) == 1:
        return rest
    inner = obj[name]
    if not isinstance(inner, dict):
        return obj
    left = without(inner, path[1:])
    return {**obj, name: left} if left else rest


def overlaid(obj: Any, over: Any) -> Any:
    """`obj` with the fields of `over`."""
    if not isinstance(obj, dict) or not isinstance(over, dict):
        return over
    return {**obj, **{key: overlaid(obj.get(key), value) for key, value in over.items()}}


def shown(path: Path) -> str:
    """A path as kubectl shows it: ``.spec.replicas``."""
    return "." + ".".join(part.removeprefix("f:") for part in path)
