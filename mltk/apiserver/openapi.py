"""OpenAPI documents of what is served: `kubectl explain` and validation read them.

Fields come from the tables by which admission judges, so that they tell what the engine takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from mltk.apiserver.answers import encode
from mltk.apiserver.descriptions import FIELDS, KINDS
from mltk.apiserver.resources import RESOURCES, Resource, api_versions
from mltk.apiserver.shapes import CORE, META, METADATA
from mltk.tekton.objects import Obj
from mltk.tekton.schema import REQUIRED, Leaf, Of, Shape
from mltk.tekton.triggerschema import ALL_SHAPES
from mltk.version import __version__

_INFO = {"title": "mltk", "version": __version__}
_META_PREFIX = "io.k8s.apimachinery.pkg.apis.meta.v1"
_META = f"{_META_PREFIX}.ObjectMeta"
_GVK = "x-kubernetes-group-version-kind"
_ANYTHING: Obj = {"x-kubernetes-preserve-unknown-fields": True}
_TYPES: Mapping[Leaf, Obj] = {
    "text": {"type": "string"},
    "texts": {
        "type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic",
    },
    "bool": {"type": "boolean"},
    "int": {"type": "integer", "format": "int32"},
    "duration": {"type": "string"},
    "value": _ANYTHING,
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
    "quantity": _ANYTHING,
    "quantities": {"type": "object", "additionalProperties": _ANYTHING},
    "properties": {"type": "object", "additionalProperties": {"type": "object"}},
    "objects": {
        "type": "array", "items": {"type": "object", **_ANYTHING},
        "x-kubernetes-list-type": "atomic",
    },
    "any": _ANYTHING,
}  # fmt: skip
# Tekton's name for what would be called as the spec of a TaskRun is.
_TITLES = {"TaskRunSpec": "PipelineTaskRunSpec"}
_OPTIONS = {
    "get": ("pretty",),
    "post": ("dryRun", "fieldManager", "fieldValidation"),
    "put": ("dryRun", "fieldManager", "fieldValidation"),
    "patch": ("dryRun", "fieldManager", "fieldValidation", "force"),
    "delete": ("dryRun", "propagationPolicy"),
}
_ACTIONS = {"get": "get", "post": "post", "put": "put", "patch": "patch", "delete": "delete"}


def index() -> Obj:
    """Which documents of version 3 there are; their address changes with their content."""
    return {"paths": {path: _entry(path) for path in map(_path_of, api_versions())}}


def document(path: str) -> Obj | None:
    """The document of version 3 of ``api/v1`` or ``apis/GROUP/VERSION``, None for another path."""
    for version in api_versions():
        if _path_of(version) == path:
            return _document(version)
    return None


def document_v2() -> Obj:
    """The document of version 2, of all that is served."""
    definitions: Obj = {}
    paths: Obj = {}
    for version in api_versions():
        made = _document(version, "#/definitions/")
        definitions |= made["components"]["schemas"]
        paths |= made["paths"]
    return {"swagger": "2.0", "info": _INFO, "paths": paths, "definitions": definitions}


def _entry(path: str) -> Obj:
    digest = hashlib.sha256(encode(document(path))).hexdigest()[:32].upper()
    return {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}


def _path_of(version: str) -> str:
    return f"apis/{version}" if "/" in version else f"api/{version}"


def _document(version: str, base: str = "#/components/schemas/") -> Obj:
    served = [each for each in RESOURCES if each.kind.api_version == version]
    schemas: Obj = {_META: _schema("ObjectMeta", METADATA, _META_PREFIX, base)}
    for name, fields in META.items():
        schemas[f"{_META_PREFIX}.{name}"] = _schema(name, fields, _META_PREFIX, base)
    for resource in served:
        schemas[_name(resource)] = _kind(resource, base)
        prefix = _prefix(resource)
        shapes = ALL_SHAPES if resource.custom else CORE
        for shape in _reached(_top_shape(resource), shapes):
            schemas[f"{prefix}.{_title(shape)}"] = _schema(shape, shapes[shape], prefix, base)
    paths = dict(pair for resource in served for pair in _paths(resource))
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _top_shape(resource: Resource) -> Shape:
    kind = resource.kind.kind
    if not resource.custom:
        return CORE.get(kind, {})
    spec: Leaf | Of = Of(kind) if kind in ALL_SHAPES else "any"
    return {"spec": spec, "status": "any"}


def _kind(resource: Resource, base: str) -> Obj:
    kind = resource.kind.kind
    made = _schema(kind, _top_shape(resource), _prefix(resource), base, top=True)
    properties = {
        "apiVersion": {"type": "string", "description": FIELDS["Object", "apiVersion"]},
        "kind": {"type": "string", "description": FIELDS["Object", "kind"]},
        "metadata": {
            "description": FIELDS["Object", "metadata"],
            "allOf": [{"$ref": f"{base}{_META}"}],
            "default": {},
        },
        **made["properties"],
    }
    if kind in KINDS:
        made["description"] = KINDS[kind]
    return {**made, "properties": properties, _GVK: [_gvk(resource)]}


def _schema(shape: str, fields: Shape, prefix: str, base: str, *, top: bool = False) -> Obj:
    made: Obj = {"type": "object", "properties": {}}
    for name, kind in fields.items():
        found = _field(kind, prefix, base)
        told = FIELDS.get((shape, name)) or FIELDS.get(("", name))
        if told:
            found = {"description": told, **found}
        made["properties"][name] = found
    if not top and shape in REQUIRED:
        made["required"] = list(REQUIRED[shape])
    return made


def _field(kind: Leaf | Of, prefix: str, base: str) -> Obj:
    if not isinstance(kind, Of):
        return dict(_TYPES[kind])
    reference = {"$ref": f"{base}{prefix}.{_title(kind.shape)}"}
    if kind.many:
        return {"type": "array", "items": reference, "x-kubernetes-list-type": "atomic"}
    return {"allOf": [reference], "default": {}}


def _reached(top: Shape, shapes: Mapping[str, Shape]) -> list[str]:
    """Shapes that are needed to describe one, in the order in which they are met."""
    found: dict[str, None] = {}
    waiting = [top]
    for shape in waiting:  # grows while it is walked
        for kind in shape.values():
            if isinstance(kind, Of) and kind.shape not in found:
                found[kind.shape] = None
                waiting.append(shapes[kind.shape])
    return list(found)


def _prefix(resource: Resource) -> str:
    """What the names of schemas begin with: the group's own words, turned around."""
    group = resource.group.split(".") if resource.group else ["core", "api", "k8s", "io"]
    return ".".join([*reversed(group), resource.version])


def _name(resource: Resource) -> str:
    return f"{_prefix(resource)}.{resource.kind.kind}"


def _title(shape: str) -> str:
    """A spec has the name of its kind in the tables, and another one here."""
    kinds = {each.kind.kind for each in RESOURCES}
    return f"{shape}Spec" if shape in kinds else _TITLES.get(shape, shape)


def _gvk(resource: Resource) -> Obj:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind.kind}


def _paths(resource: Resource) -> Iterator[tuple[str, Obj]]:
    base = f"/{_path_of(resource.kind.api_version)}"
    if resource.kind.namespaced:
        base += "/namespaces/{namespace}"
    collection = f"{base}/{resource.kind.plural}"
    yield collection, {verb: _operation(resource, verb) for verb in ("get", "post")}
    one = {verb: _operation(resource, verb) for verb in ("get", "put", "patch", "delete")}
    yield f"{collection}/{{name}}", one


def _operation(resource: Resource, verb: str) -> Obj:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "schema": {"type": "string"}} for name in _OPTIONS[verb]
    ]
    return {
        "operationId": f"{verb}{resource.kind.kind}",
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": _ACTIONS[verb],
        _GVK: _gvk(resource),
    }
