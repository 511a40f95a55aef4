"""Bodies in protobuf, which kubectl sends for some of Kubernetes' own kinds; only read, never sent.

The envelope is ``runtime.Unknown`` behind four bytes (k8s.io/apimachinery, serializer/protobuf);
numbers of fields are those of ``generated.proto`` of each API. Fields that no table has are refused
like all unknown fields.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from mltk.apiserver.statuses import bad_request
from mltk.tekton.objects import Obj, format_time

PROTOBUF = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Number -> name and type: a scalar, another message, "[x]" for many of x, "{x}" for a map to x.
_Fields = Mapping[int, tuple[str, str]]
_MESSAGES: Mapping[str, _Fields] = {
    "Unknown": {
        1: ("typeMeta", "TypeMeta"), 2: ("raw", "raw"), 3: ("contentEncoding", "text"),
        4: ("contentType", "text"),
    },
    "TypeMeta": {1: ("apiVersion", "text"), 2: ("kind", "text")},
    "ObjectMeta": {
        1: ("name", "text"), 2: ("generateName", "text"), 3: ("namespace", "text"),
        4: ("selfLink", "text"), 5: ("uid", "text"), 6: ("resourceVersion", "text"),
        7: ("generation", "int"), 8: ("creationTimestamp", "time"),
        9: ("deletionTimestamp", "time"), 10: ("deletionGracePeriodSeconds", "int"),
        11: ("labels", "{text}"), 12: ("annotations", "{text}"),
        13: ("ownerReferences", "[OwnerReference]"), 14: ("finalizers", "[text]"),
        17: ("managedFields", "[ManagedFieldsEntry]"),
    },
    "OwnerReference": {
        1: ("kind", "text"), 3: ("name", "text"), 4: ("uid", "text"), 5: ("apiVersion", "text"),
        6: ("controller", "bool"), 7: ("blockOwnerDeletion", "bool"),
    },
    "ManagedFieldsEntry": {
        1: ("manager", "text"), 2: ("operation", "text"), 3: ("apiVersion", "text"),
        4: ("time", "time"), 6: ("fieldsType", "text"), 7: ("fieldsV1", "json"),
        8: ("subresource", "text"),
    },
    "Namespace": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "NamespaceSpec"), 3: ("status", "skip"),
    },
    "NamespaceSpec": {1: ("finalizers", "[text]")},
    "ConfigMap": {
        1: ("metadata", "ObjectMeta"), 2: ("data", "{text}"), 3: ("binaryData", "{bytes}"),
        4: ("immutable", "bool"),
    },
    "Secret": {
        1: ("metadata", "ObjectMeta"), 2: ("data", "{bytes}"), 3: ("type", "text"),
        4: ("stringData", "{text}"), 5: ("immutable", "bool"),
    },
    "ServiceAccount": {
        1: ("metadata", "ObjectMeta"), 2: ("secrets", "[ObjectReference]"),
        3: ("imagePullSecrets", "[LocalObjectReference]"),
        4: ("automountServiceAccountToken", "bool"),
    },
    "ObjectReference": {
        1: ("kind", "text"), 2: ("namespace", "text"), 3: ("name", "text"), 4: ("uid", "text"),
        5: ("apiVersion", "text"), 6: ("resourceVersion", "text"), 7: ("fieldPath", "text"),
    },
    "LocalObjectReference": {1: ("name", "text")},
    "Event": {
        1: ("metadata", "ObjectMeta"), 2: ("involvedObject", "ObjectReference"),
        3: ("reason", "text"), 4: ("message", "text"), 5: ("source", "EventSource"),
        6: ("firstTimestamp", "time"), 7: ("lastTimestamp", "time"), 8: ("count", "int"),
        9: ("type", "text"), 10: ("eventTime", "time"), 12: ("action", "text"),
        13: ("related", "ObjectReference"), 14: ("reportingComponent", "text"),
        15: ("reportingInstance", "text"),
    },
    "EventSource": {1: ("component", "text"), 2: ("host", "text")},
    "SelfSubjectAccessReview": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "AccessSpec"), 3: ("status", "skip"),
    },
    "AccessSpec": {
        1: ("resourceAttributes", "ResourceAttributes"),
        2: ("nonResourceAttributes", "NonResourceAttributes"),
    },
    "ResourceAttributes": {
        1: ("namespace", "text"), 2: ("verb", "text"), 3: ("group", "text"),
        4: ("version", "text"), 5: ("resource", "text"), 6: ("subresource", "text"),
        7: ("name", "text"),
    },
    "NonResourceAttributes": {1: ("path", "text"), 2: ("verb", "text")},
    "SelfSubjectRulesReview": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "RulesSpec"), 3: ("status", "skip"),
    },
    "RulesSpec": {1: ("namespace", "text")},
    "SelfSubjectReview": {1: ("metadata", "ObjectMeta"), 2: ("status", "skip")},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", "int"), 2: ("preconditions", "Preconditions"),
        3: ("orphanDependents", "bool"), 4: ("propagationPolicy", "text"), 5: ("dryRun", "[text]"),
        6: ("ignoreStoreReadErrorWithClusterBreakingPotential", "bool"),
    },
    "Preconditions": {1: ("uid", "text"), 2: ("resourceVersion", "text")},
    "Time": {1: ("seconds", "int"), 2: ("nanos", "int")},
}  # fmt: skip


def decode(body: bytes) -> Obj:
    """The object of a body; raises the refusal of one that is none of the kinds here."""
    if not body.startswith(_MAGIC):
        raise bad_request("the object provided is unrecognized: it is no protobuf of Kubernetes")
    try:
        envelope = _message("Unknown", body[len(_MAGIC) :])
        meta = envelope.get("typeMeta") or {}
        if meta.get("kind") not in _MESSAGES:
            raise ValueError(f"{meta.get('kind')} is not read from protobuf; send JSON")
        return {**meta, **_message(meta["kind"], envelope.get("raw", b""))}
    except (ValueError, IndexError, OverflowError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from None


def _message(name: str, data: bytes) -> Obj:
    fields = _MESSAGES[name]
    made: Obj = {}
    for number, value in _entries(data):
        if number not in fields:
            raise ValueError(f"{name} has a field {number} that is not known here")
        field, kind = fields[number]
        if kind.startswith("["):
            made.setdefault(field, []).append(_value(kind[1:-1], value))
        elif kind.startswith("{"):
            entry = dict(_entries(value if isinstance(value, bytes) else b""))
            key = _value("text", entry.get(1, b""))
            made.setdefault(field, {})[key] = _value(kind[1:-1], entry.get(2, b""))
        elif kind != "skip":
            found = _value(kind, value)
            # Go writes each field that is no pointer, and an empty one says nothing.
            if found not in ("", None, {}):
                made[field] = found
    return made


def _value(kind: str, value: Any) -> Any:
    if kind in ("int", "bool"):
        if not isinstance(value, int):
            raise ValueError("a number was expected")
        signed = value - (1 << 64) if value >= 1 << 63 else value
        return bool(value) if kind == "bool" else signed
    if not isinstance(value, bytes):
        raise ValueError("text was expected")
    if kind == "raw":
        return value
    if kind == "text":
        return value.decode("utf-8")
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind == "json":
        return json.loads(dict(_entries(value)).get(1) or "{}")  # type: ignore[arg-type]
    if kind == "time":
        seconds = _message("Time", value).get("seconds")
        return format_time(datetime.fromtimestamp(seconds, UTC)) if seconds is not None else None
    return _message(kind, value)


def _entries(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers of fields with their values (https://protobuf.dev/programming-guides/encoding)."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == _BYTES:
            size, position = _varint(data, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError("not protobuf")
        if position + size > len(data):
            raise ValueError("the body ends early")
        yield number, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is too long")
