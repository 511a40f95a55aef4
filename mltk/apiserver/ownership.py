"""Who manages which field: ``managedFields``, and server-side apply that minds it.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mltk.apiserver.fields import Path, decode, encode, leaves, overlaid, shown, without
from mltk.apiserver.resources import Resource
from mltk.apiserver.statuses import ApiError, about
from mltk.tekton.objects import Obj, format_time

_MISSING = object()


@dataclass(frozen=True)
class Share:
    """The fields that one manager has, by one operation: Apply or Update."""

    manager: str
    operation: str
    version: str
    subresource: str
    time: str
    paths: frozenset[Path]

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from other shares."""
        return self.manager, self.operation, self.subresource

    def entry(self) -> Obj:
        """The share as an entry of ``managedFields``."""
        made = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": encode(self.paths),
        }
        return {**made, "subresource": self.subresource} if self.subresource else made


@dataclass(frozen=True)
class Manager:
    """Who writes, when, to which part of the object; `version` is the apiVersion written."""

    name: str
    version: str
    now: datetime
    subresource: str = ""

    def share(self, operation: str, paths: frozenset[Path]) -> Share:
        """What it has now."""
        time = format_time(self.now)
        return Share(self.name, operation, self.version, self.subresource, time, paths)


def written(old: Obj, new: Obj, manager: Manager) -> Obj:
    """`new` with its ``managedFields``: what it changed of `old` is the manager's now."""
    before, after = leaves(old), leaves(new)
    changed = {path for path, value in after.items() if before.get(path, _MISSING) != value}
    gone = before.keys() - after.keys()
    own = manager.share("Update", frozenset(changed))
    shares = []
    for share in _shares(new):
        if share.key == own.key:
            own = replace(own, paths=(share.paths - gone) | changed)
            own = share if own.paths == share.paths else own
        else:
            shares.append(replace(share, paths=share.paths - changed - gone))
    return _with(new, [*shares, own])


def applied(live: Obj, wanted: Obj, manager: Manager, resource: Resource, *, force: bool) -> Obj:
    """What an apply makes of an object; 409, with who has them, for fields of others.

    What the manager applied before and no longer does goes, unless others have it too.
    """
    now, asked = leaves(live), leaves(wanted)
    shares = _shares(live)
    key = manager.share("Apply", frozenset()).key
    others = [share for share in shares if share.key != key]
    before = next((share for share in shares if share.key == key), None)
    differing = {path for path, value in asked.items() if now.get(path, _MISSING) != value}
    taken = [(share, share.paths & differing) for share in others if share.paths & differing]
    if taken and not force:
        raise _conflict(taken, resource, live["metadata"]["name"])
    made: Obj = overlaid(live, wanted)
    theirs = frozenset[Path]().union(*(share.paths for share in others))
    for path in (before.paths if before else frozenset()) - asked.keys() - theirs:
        made = without(made, path)
    own = manager.share("Apply", frozenset(asked))
    if before is not None and before.paths == own.paths and leaves(made) == now:
        own = before
    kept = [replace(share, paths=share.paths - differing) for share in others]
    return _with(made, [*kept, own])


def _shares(obj: Obj) -> list[Share]:
    found = obj["metadata"].get("managedFields") or ()
    return [_read(entry) for entry in found if isinstance(entry, Mapping) and entry]


def _read(entry: Mapping[str, Any]) -> Share:
    text = {key: str(entry.get(key) or "") for key in entry}
    return Share(
        text.get("manager", ""),
        text.get("operation") or "Update",
        text.get("apiVersion", ""),
        text.get("subresource", ""),
        text.get("time", ""),
        frozenset(decode(entry.get("fieldsV1") or {})),
    )


def _with(obj: Obj, shares: Sequence[Share]) -> Obj:
    there = leaves(obj).keys()
    kept = [replace(share, paths=share.paths & there) for share in shares]
    kept = [share for share in kept if share.paths or share.operation == "Apply"]
    entries = [share.entry() for share in sorted(kept, key=lambda it: (it.operation, it.time))]
    return {**obj, "metadata": {**obj["metadata"], "managedFields": entries}}


def _conflict(
    taken: Sequence[tuple[Share, frozenset[Path]]], resource: Resource, name: str
) -> ApiError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{share.manager}"{_using(share)}',
            "field": shown(path),
        }
        for share, paths in taken
        for path in sorted(paths)
    ]
    told = "; ".join(f"{cause['message']}: {cause['field']}" for cause in causes)
    number = f"{len(causes)} conflict{'s' if len(causes) > 1 else ''}"
    details = about(resource, name, causes=causes)
    return ApiError(409, "Conflict", f"Apply failed with {number}: {told}", details)


def _using(share: Share) -> str:
    where = (
        f" with subresource {share.subresource!r}".replace("'", '"') if share.subresource else ""
    )
    return f"{where} using {share.version}" if share.operation == "Update" else where
