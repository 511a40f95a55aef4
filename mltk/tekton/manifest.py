"""YAML text -> objects, each with the line at which it starts."""

from __future__ import annotations

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
    loader = _Loader(text)
    found: list[Located] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            line = node.start_mark.line + 1 if node else 1
            value = loader.construct_document(node) if node else None
            found.extend(_objects(value, origin, line))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{origin}:{mark.line + 1}" if mark else origin
        raise AdmissionError(f"not YAML: {error.problem or error.context}", where=where) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise AdmissionError(f"not YAML: {error}", where=origin) from None
    finally:
        loader.dispose()
    return found


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
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' stands here twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
