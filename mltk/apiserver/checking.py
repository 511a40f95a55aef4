"""What is refused of an object before the engine's own admission sees it, and what is added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mltk.apiserver.request import Request, Target
from mltk.apiserver.resources import Resource
from mltk.apiserver.shapes import (
    CORE,
    META,
    METADATA,
    NEEDED,
    STATUS_LISTS,
    STATUS_OBJECTS,
    STATUS_TEXTS,
)
from mltk.apiserver.statuses import ApiError, bad_request, invalid
from mltk.tekton import secrets
from mltk.tekton.objects import Obj
from mltk.tekton.schema import Of, Shape
from mltk.tekton.spelling import as_spelled

SHAPES = {**CORE, **META}

_TOP = ("apiVersion", "kind", "metadata")
# What only the server sets.
_OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "selfLink")


def check_identity(obj: Obj, target: Target) -> None:
    """Refuse an object that is not of the kind, the namespace and the name of its path."""
    kind = target.resource.kind
    for field, wanted in (("kind", kind.kind), ("apiVersion", kind.api_version)):
        given = obj.get(field)
        if given is not None and given != wanted:
            raise bad_request(
                f"{field} in the data ({str(given)[:80]}) does not match the expected {wanted}"
            )
    metadata = obj.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise bad_request("metadata must hold keys and values")
    metadata = metadata or {}
    namespace = metadata.get("namespace")
    if namespace and target.resource.kind.namespaced and namespace != target.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    name = metadata.get("name")
    if target.name and name and name != target.name:
        raise bad_request(
            f"the name of the object ({str(name)[:80]}) does not match the name on the URL"
            f" ({target.name})"
        )


def placed(obj: Obj, target: Target) -> Obj:
    """The object with the kind and the place that its path names."""
    kind = target.resource.kind
    metadata = {**(obj.get("metadata") or {})}
    # A store keeps everything in a namespace; what has none lies in the default one.
    metadata["namespace"] = target.namespace if kind.namespaced else "default"
    if target.name:
        metadata["name"] = target.name
    return as_spelled(
        {**obj, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    )


def fresh(obj: Obj, resource: Resource) -> Obj:
    """A new object without what only the server, or a controller, says of it."""
    if obj["metadata"].get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _OWN}
    kept = {key: value for key, value in obj.items() if key != "status" or not resource.has_status}
    return completed({**kept, "metadata": metadata})


def completed(obj: Obj) -> Obj:
    """The object with what Kubernetes adds to one of its kind."""
    kind = obj["kind"]
    if kind == "Secret":
        return {**encoded(obj), "type": obj.get("type") or secrets.OPAQUE}
    if kind == "ConfigMap":
        maps = {key: secrets.texts(obj[key]) for key in ("data", "binaryData") if obj.get(key)}
        return {**obj, **maps}
    if kind == "PersistentVolumeClaim":
        # There is no provisioner to wait for: the volume is a folder.
        spec = obj.get("spec") or {}
        capacity = ((spec.get("resources") or {}).get("requests")) or {}
        modes = spec.get("accessModes") or []
        status = {"phase": "Bound", "accessModes": modes, "capacity": capacity}
        return {**obj, "status": obj.get("status") or status}
    return obj


def check_fields(obj: Obj, resource: Resource, request: Request) -> tuple[Obj, list[str]]:
    """Refuse fields that the kind does not have, or give them up with a warning.

    Those of Tekton's kinds are for admission to judge.
    """
    mode = request.option("fieldValidation") or "Warn"
    shape = CORE.get(resource.kind.kind)
    found = [] if shape is None else list(_check(obj, {**shape, **dict.fromkeys(_TOP, "any")}, ""))
    found += _check(obj.get("metadata") or {}, METADATA, "metadata.")
    wrong = [what for what, _ in found if not what.startswith("unknown field")]
    unknown = [(what, path) for what, path in found if what.startswith("unknown field")]
    kind = resource.kind
    head = f"{kind.kind} in version {kind.api_version!r} cannot be handled as a {kind.kind}: "
    head = head.replace("'", '"')
    if wrong:
        raise bad_request(head + "; ".join(wrong))
    if unknown and mode == "Strict":
        told = ", ".join(what for what, _ in unknown)
        raise bad_request(f"{head}strict decoding error: {told}")
    for _, path in unknown:
        obj = _without(obj, path.split("."))
    return obj, [what for what, _ in unknown] if mode == "Warn" else []


def check_changes(old: Obj, new: Obj, resource: Resource) -> None:
    """Refuse changes of what cannot change."""
    problems = []
    if old["kind"] in ("ConfigMap", "Secret") and old.get("immutable"):
        said = "Forbidden: field is immutable when `immutable` is set"
        fields = ("data", "binaryData", "immutable")
        problems += [(field, said) for field in fields if old.get(field) != new.get(field)]
    if old["kind"] == "Secret" and (old.get("type") or secrets.OPAQUE) != new.get("type"):
        problems.append(("type", "field is immutable"))
    if problems:
        raise invalid(resource, old["metadata"]["name"], problems)


def encoded(obj: Obj) -> Obj:
    """A Secret whose ``stringData`` is in its ``data``, as base64; another object as it is."""
    if obj["kind"] != "Secret":
        return obj
    try:
        return secrets.encoded(obj)
    except ValueError as key:
        raise bad_request(f"Secret: data.{key}: illegal base64 data") from None


def _check(obj: Any, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    for name, value in obj.items():
        inner = f"{path}{name}"
        if name not in shape:
            yield f'unknown field "{inner}"', inner
        elif value is not None:
            kind = shape[name]
            if isinstance(kind, Of):
                yield from _check_inner(kind, value, inner)
            elif not _fits(kind, value):
                yield f"{inner} is not of its type ({kind})", inner


def _check_inner(kind: Of, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if kind.many and not isinstance(value, list):
        yield f"{path} must be a list", path
        return
    for each in value if kind.many else (value,):
        if not isinstance(each, dict):
            yield f"{path} must hold keys and values", path
            continue
        yield from _check(each, SHAPES[kind.shape], f"{path}.")
        for name in NEEDED.get(kind.shape, ()):
            if not each.get(name):
                yield f"{path}.{name} is missing", path


def check_status(obj: Obj) -> None:
    """Refuse a status that nobody could read: the engine goes on from what stands in it."""
    status = obj.get("status")
    if status is None:
        return
    wrong = [] if isinstance(status, dict) else ["status"]
    for name, value in status.items() if isinstance(status, dict) else ():
        if not _is_status(name, value):
            wrong.append(f"status.{name}")
    if wrong:
        raise bad_request(f"{obj['kind']}: not of its type: {', '.join(wrong)}")


def _is_status(name: str, value: Any) -> bool:
    if name in STATUS_LISTS:
        return isinstance(value, list) and all(isinstance(each, dict) for each in value)
    if name in STATUS_OBJECTS:
        return isinstance(value, dict)
    return name not in STATUS_TEXTS or isinstance(value, str)


def _fits(kind: str, value: Any) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "texts":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "map":
        return isinstance(value, dict) and all(
            item is None or isinstance(item, str) for item in value.values()
        )
    if kind == "quantity":
        return isinstance(value, str | int | float)
    if kind == "quantities":
        return isinstance(value, dict) and all(_fits("quantity", each) for each in value.values())
    return True


def _without(obj: Any, path: list[str]) -> Any:
    """A value without a field; in a list, without that of each entry."""
    if isinstance(obj, list):
        return [_without(each, path) for each in obj]
    if path[0] not in obj:
        return obj
    if len(path) == 1:
        return {key: value for key, value in obj.items() if key != path[0]}
    return {**obj, path[0]: _without(obj[path[0]], path[1:])}


def no_namespace(name: str) -> ApiError:
    """The refusal of an object in a namespace that is not there."""
    details = {"name": name, "kind": "namespaces"}
    return ApiError(404, "NotFound", f'namespaces "{name}" not found', details)
