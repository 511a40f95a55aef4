"""What volumes hold whose files come from objects: ConfigMaps, Secrets, and the pod itself.

Rules: ``pkg/volume/{configmap,secret,projected,downwardapi}`` of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mltk.tekton.downward import PodFacts
from mltk.tekton.environment import Lookup, Source
from mltk.tekton.objects import Obj
from mltk.tekton.verdicts import TaskRunRejected

_MODE = 0o644
_OBJECTS: dict[str, tuple[Source, tuple[str, str]]] = {
    "configMap": ("ConfigMap", ("name", "name")),
    "secret": ("Secret", ("secretName", "name")),
}
OF_FILES = ("configMap", "secret", "projected", "downwardAPI")
"""Sources of volumes that hold such files; they cannot be written to."""


@dataclass(frozen=True)
class File:
    """A file of a volume; `mode` as in chmod(2)."""

    path: str
    data: bytes
    mode: int = _MODE


@dataclass(frozen=True)
class Surroundings:
    """What files of volumes and environments are made from."""

    lookup: Lookup
    pod: PodFacts = field(default_factory=PodFacts)


def files(name: str, source: Obj, around: Surroundings) -> list[File]:
    """The files of the volume `name`; TaskRunRejected when its source is not there."""
    kind = next(each for each in OF_FILES if source.get(each) is not None)
    body = source[kind]
    parts = body.get("sources") or () if kind == "projected" else ({kind: body},)
    mode = body.get("defaultMode")
    try:
        found = [file for part in parts for file in _part(part, around, mode)]
    except _Missing as missing:
        text = f'MountVolume.SetUp failed for volume "{name}" : {missing}'
        raise TaskRunRejected("FailedMount", text) from None
    return list({file.path: file for file in found}.values())


def references(source: Obj) -> Iterator[tuple[Source, str]]:
    """The objects that a volume is made from."""
    parts = (source.get("projected") or {}).get("sources") or (source,)
    for each in parts:
        for name, (kind, names) in _OBJECTS.items():
            if each.get(name) is not None:
                yield kind, _name(each[name], names)


class _Missing(Exception):
    """What is not there, in the words of the kubelet."""


def _part(part: Obj, around: Surroundings, mode: int | None) -> Iterator[File]:
    for name, body in part.items():
        if body is not None and name in _OBJECTS:
            yield from _of_object(name, body, around.lookup, mode)
        elif body is not None and name == "downwardAPI":
            for item in body.get("items") or ():
                text = around.pod.read(item)
                yield File(item["path"], text.encode(), _mode(item, body, mode))


def _of_object(field: str, body: Obj, lookup: Lookup, mode: int | None) -> Iterator[File]:
    kind, names = _OBJECTS[field]
    name = _name(body, names)
    held = lookup(kind, name)
    if held is None:
        if not body.get("optional"):
            raise _Missing(f'{kind.lower()} "{name}" not found')
        return
    for item in body.get("items") or ({"key": key, "path": key} for key in sorted(held)):
        if item["key"] in held:
            data = held[item["key"]].encode("utf-8", "surrogateescape")
            yield File(item["path"], data, _mode(item, body, mode))
        elif not body.get("optional"):
            what = "config" if kind == "ConfigMap" else "secret"
            raise _Missing(f"references non-existent {what} key: {item['key']}")


def _mode(item: Obj, body: Obj, default: int | None) -> int:
    for found in (item.get("mode"), body.get("defaultMode"), default):
        if found is not None:
            return int(found)
    return _MODE


def _name(body: Obj, names: tuple[str, str]) -> str:
    return str(body.get(names[0]) or body.get(names[1]) or "")
