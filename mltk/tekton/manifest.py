"""YAML text -> objects, each with the line at which it starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from mltk.errors import AdmissionError
from mltk.tekton.objects import Obj


@dataclass(frozen=True)
class Located:
    """An object, the file it came from and the line (from 1) of its document."""

    obj: Obj
    origin: str
    line: int


def parse(text: str, origin: str) -> list[Located]:
    """All objects of a text of several YAML documents, a ``kind: List`` taken apart.

    Raises AdmissionError with the line for text that is not YAML or not an object.
    """
    try:
        return list(_documents(text, origin))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{origin}:{mark.line + 1}" if mark else origin
        raise AdmissionError(f"not YAML: {error.problem or error.context}", where=where) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise AdmissionError(f"not YAML: {error}", where=origin) from None
    except RecursionError:
        raise AdmissionError("nested too deeply", where=origin) from None


def _documents(text: str, origin: str) -> Iterator[Located]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            line = node.start_mark.line + 1 if node else 1
            value = loader.construct_document(node) if node else None
            yield from _objects(value, origin, line)
    finally:
        loader.dispose()


def _objects(value: Any, origin: str, line: int) -> list[Located]:
    if value is None:  # nothing between two `---`
        return []
    where = f"{origin}:{line}"
    if not isinstance(value, dict):
        raise AdmissionError("an object with apiVersion and kind is expected", where=where)
    for key in ("apiVersion", "kind"):
        if not isinstance(value.get(key), str):
            raise AdmissionError(f"'{key}' is missing", where=where)
    if value["kind"] == "List":
        return [each for item in value.get("items") or () for each in _objects(item, origin, line)]
    return [Located(value, origin, line)]


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: dates stay text, a key that stands twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        scalars = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in scalars:
            if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' stands here twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
