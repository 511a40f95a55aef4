"""Patches: JSON patch (RFC 6902), JSON merge patch (RFC 7386) and Kubernetes' strategic one.

https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from mltk.apiserver.statuses import ApiError, bad_request
from mltk.local.patching import merge
from mltk.tekton.objects import Obj

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_MOST_OPERATIONS = 10_000  # as in Kubernetes
# Lists of Kubernetes' own kinds whose entries have a key, by the name of the field.
_KEYS = {
    "ownerReferences": "uid",
    "secrets": "name",
    "imagePullSecrets": "name",
    "conditions": "type",
}
_SETS = ("finalizers",)


def json_patch(obj: Obj, operations: Any) -> Obj:
    """Apply a JSON patch; 422 for one that does not fit the object."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise bad_request("a JSON patch is a list of operations")
    if len(operations) > _MOST_OPERATIONS:
        raise ApiError(413, "RequestEntityTooLarge", "the patch has too many operations")
    made: Any = copy.deepcopy(obj)
    for each in operations:
        try:
            made = _OPERATIONS[each["op"]](made, each)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            op, path = str(each.get("op"))[:40], str(each.get("path"))[:200]
            why = f"the server rejected our request due to an error in our request: {op} {path}"
            raise ApiError(422, "Invalid", f"{why}: {error}") from None
    if not isinstance(made, dict):
        raise bad_request("the patch leaves no object")
    return made


def merge_patch(obj: Obj, patch: Any) -> Obj:
    """Apply a JSON merge patch."""
    if not isinstance(patch, dict):
        raise bad_request("a merge patch must hold keys and values")
    merged: Obj = merge(obj, patch)
    return merged


def strategic_patch(obj: Obj, patch: Any) -> Obj:
    """Apply a strategic merge patch, as kubectl sends it for Kubernetes' own kinds."""
    if not isinstance(patch, dict):
        raise bad_request("a strategic merge patch must hold keys and values")
    return _strategic(obj, patch)


def _strategic(target: Obj, patch: Obj) -> Obj:
    directive = patch.get("$patch")
    if directive == "delete":
        return {}
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    made = dict(target)
    for key, value in patch.items():
        if key == "$retainKeys":
            made = {each: made[each] for each in made if each in value}
        elif key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            made[name] = [each for each in made.get(name) or () if each not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            made.pop(key, None)
        elif isinstance(value, dict):
            old = made.get(key)
            made[key] = _strategic(old if isinstance(old, dict) else {}, value)
        elif isinstance(value, list):
            made[key] = _strategic_list(key, made.get(key) or [], value)
        else:
            made[key] = value
    return made


def _strategic_list(field: str, target: list[Any], patch: list[Any]) -> list[Any]:
    if field in _SETS and all(isinstance(each, str) for each in (*target, *patch)):
        return list(dict.fromkeys([*target, *patch]))
    key = _KEYS.get(field)
    if key is None or not all(isinstance(each, dict) for each in (*target, *patch)):
        return patch
    if any(each.get("$patch") == "replace" for each in patch):
        return [each for each in patch if "$patch" not in each]
    if not all(isinstance(each.get(key), str) for each in (*target, *patch)):
        raise bad_request(f"{field}: map does not contain declared merge key: {key}")
    made = {each.get(key): each for each in target}
    for each in patch:
        name = each.get(key)
        if each.get("$patch") == "delete":
            made.pop(name, None)
        else:
            made[name] = _strategic(made.get(name) or {}, each)
    return list(made.values())


# JSON patch


def _parts(pointer: Any) -> list[str]:
    """The tokens of a JSON pointer (RFC 6901)."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise ValueError("not a JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _index(part: str, items: list[Any], *, end: bool) -> int:
    if part == "-" and end:
        return len(items)
    if not part.isdigit() or (len(part) > 1 and part.startswith("0")):
        raise ValueError(f"'{part}' is not a position of the list")
    if int(part) >= len(items) + end:
        raise IndexError(f"position {part} is out of bounds")
    return int(part)


def _get(doc: Any, parts: list[str]) -> Any:
    for part in parts:
        if isinstance(doc, list):
            doc = doc[_index(part, doc, end=False)]
        elif isinstance(doc, dict) and part in doc:
            doc = doc[part]
        else:
            raise KeyError(f"there is no '{part}'")
    return doc


def _put(doc: Any, parts: list[str], value: Any, *, insert: bool) -> Any:
    if not parts:
        return value
    parent, last = _get(doc, parts[:-1]), parts[-1]
    if isinstance(parent, list):
        position = _index(last, parent, end=insert)
        if insert:
            parent.insert(position, value)
        else:
            parent[position] = value
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise ValueError(f"'{last}' has nothing to stand in")
    return doc


def _remove(doc: Any, parts: list[str]) -> Any:
    if not parts:
        raise ValueError("the whole object cannot be removed")
    parent, last = _get(doc, parts[:-1]), parts[-1]
    _get(parent, [last])
    del parent[int(last) if isinstance(parent, list) else last]
    return doc


def _do_add(doc: Any, it: Obj) -> Any:
    return _put(doc, _parts(it["path"]), copy.deepcopy(it["value"]), insert=True)


def _do_remove(doc: Any, it: Obj) -> Any:
    return _remove(doc, _parts(it["path"]))


def _do_replace(doc: Any, it: Obj) -> Any:
    # Against the RFC, a field that is not there is set, as it is by the API server of Kubernetes:
    # `tkn pipelinerun cancel` replaces a status that nobody has set.
    return _put(doc, _parts(it["path"]), copy.deepcopy(it["value"]), insert=False)


def _do_copy(doc: Any, it: Obj) -> Any:
    found = copy.deepcopy(_get(doc, _parts(it["from"])))
    return _put(doc, _parts(it["path"]), found, insert=True)


def _do_move(doc: Any, it: Obj) -> Any:
    source, goal = _parts(it["from"]), _parts(it["path"])
    if goal[: len(source)] == source and goal != source:
        raise ValueError("nothing can be moved into itself")
    found = _get(doc, source)
    return _put(_remove(doc, source), goal, found, insert=True)


def _do_test(doc: Any, it: Obj) -> Any:
    if _get(doc, _parts(it["path"])) != it["value"]:
        raise ValueError("testing value failed")
    return doc


_OPERATIONS: Mapping[str, Callable[[Any, Obj], Any]] = {
    "add": _do_add,
    "remove": _do_remove,
    "replace": _do_replace,
    "copy": _do_copy,
    "move": _do_move,
    "test": _do_test,
}
