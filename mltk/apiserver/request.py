"""A request of the API: what its path names, what its query asks, what its body holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from mltk.apiserver.protobuf import PROTOBUF, decode
from mltk.apiserver.resources import Resource, find_resource
from mltk.apiserver.statuses import (
    INTO_PODS,
    ApiError,
    bad_request,
    no_way_in,
    not_served,
    unsupported,
)
from mltk.tekton.objects import Obj

JSON = "application/json"
YAML = "application/yaml"
MAX_BODY = 3 << 20
"""Bytes of a body, as the API server of Kubernetes has it."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_DEEPEST = 200  # a body that is nested deeper is an attack on whoever reads it
_OPTIONS = {
    "dryRun": {"", "All"},
    "fieldValidation": {"", "Ignore", "Warn", "Strict"},
    "propagationPolicy": {"", "Background", "Foreground", "Orphan"},
}


@dataclass(frozen=True)
class Target:
    """What a path names; `namespace` is empty for all of them, `name` for a collection."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True)
class Request:
    """One request, read whole; names of `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def accept(self) -> str:
        """The media types that the client takes."""
        return self.headers.get("accept", "")

    @property
    def media(self) -> str:
        """The media type of the body."""
        return self.headers.get("content-type", JSON).partition(";")[0].strip().lower()

    @property
    def manager(self) -> str:
        """Who writes: the fieldManager, else the client's own name."""
        agent = self.headers.get("user-agent", "").partition("/")[0].strip()
        return (self.query.get("fieldManager") or agent or "unknown")[:128]

    @property
    def dry(self) -> bool:
        """Whether nothing is to be kept."""
        return self.option("dryRun") == "All"

    def flag(self, name: str) -> bool:
        """A truth value of the query."""
        return self.query.get(name, "").lower() in ("true", "1")

    def number(self, name: str) -> int | None:
        """A whole number of the query, None when it is not given."""
        text = self.query.get(name, "")
        if not text:
            return None
        if not text.isdigit() or len(text) > 18:
            raise bad_request(f"invalid value for {name}: {text[:40]!r}")
        return int(text)

    def option(self, name: str) -> str:
        """An option of the query that has few values."""
        value = self.query.get(name, "")
        if value not in _OPTIONS[name]:
            known = sorted(_OPTIONS[name] - {""})
            raise ApiError(
                422, "Invalid", f"{name}: Unsupported value: {value[:40]!r}: supported values:"
                f" {', '.join(known)}",
            )  # fmt: skip
        return value

    def object(self) -> Obj:
        """The body as an object; {} when there is none."""
        if not self.body.strip():
            return {}
        if self.media == PROTOBUF:
            return decode(self.body)
        if self.media not in (JSON, YAML, "application/x-yaml"):
            raise unsupported((JSON, YAML, PROTOBUF))
        return read_object(self.body, self.media)


def read_object(body: bytes, media: str) -> Obj:
    """The object that a body holds."""
    found = read_value(body, media)
    if not isinstance(found, dict):
        raise bad_request("the object provided is unrecognized: it must hold keys and values")
    return found


def read_value(body: bytes, media: str) -> Any:
    """The value that a body holds, JSON or YAML."""
    try:
        text = body.decode("utf-8")
        found = (
            json.loads(text, parse_constant=_no_number)
            if media == JSON or (media.endswith("+json"))
            else _from_yaml(text)
        )
        _check_depth(found)
        if _SURROGATE.search(text):
            found = _whole(found)
    except RecursionError:
        raise bad_request("the object provided is nested too deeply") from None
    except ValueError as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from None
    return found


def parse_path(path: str) -> Target | None:
    """What a path below /api and /apis names, None when it is not one of an object.

    ``/api/v1/namespaces/N`` names a Namespace, what follows it is what lies in it.
    """
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if not parts or any(not part or "\0" in part or "/" in part for part in parts):
        return None
    if parts[0] == "api" and len(parts) > 2:
        version, rest = parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        version, rest = "/".join(parts[1:3]), parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = find_resource(version, rest[0])
    if resource is None or len(rest) > 3 or bool(namespace) > resource.kind.namespaced:
        return None
    name, subresource = [*rest[1:], "", ""][:2]
    if name and resource.kind.namespaced and not namespace:
        return None
    if subresource and subresource not in resource.subresources:
        return None
    return Target(resource, namespace, name, subresource)


def target_of(request: Request) -> Target:
    """What a request is about; raises the refusal of a path that is not served."""
    found = parse_path(request.path)
    if found is not None:
        return found
    pod, _, last = request.path.rpartition("/")
    if last in INTO_PODS and (inside := parse_path(pod)) and "log" in inside.resource.subresources:
        raise no_way_in(inside.resource, inside.name, last)
    raise not_served()


def _from_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"error converting YAML to JSON: {error}") from None


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not a number")


def _whole(value: Any) -> Any:
    """A value without halves of characters, which JSON can say and UTF-8 cannot; as Go reads it."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise RecursionError
