"""Server-side apply: fields have owners, and what others own stays theirs.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from mltk.cluster.call import Call
from mltk.cluster.errors import FIELD_MANAGER, FieldsOwned
from mltk.cluster.listing import shown
from mltk.cluster.server import APPLY, Server
from mltk.errors import NotFound
from mltk.tekton.api import Applied, Warn, ignore
from mltk.tekton.objects import Obj

_CREATED = 201
_DRY = {"dryRun": "All"}
# Who wrote these fields before they were applied: mltk, by `create`.
_OWN = (FIELD_MANAGER,)
WRITER = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}


def apply_all(
    server: Server, wanted: Sequence[tuple[Call, Obj]], warn: Warn = ignore
) -> list[tuple[Obj, Applied]]:
    """Apply objects in their order; none of them when the server would refuse one."""
    if len(wanted) > 1:
        for call, obj in wanted:
            _apply(server, call, obj, _DRY)
    return [_told(server, call, obj, warn) for call, obj in wanted]


def _told(server: Server, call: Call, obj: Obj, warn: Warn) -> tuple[Obj, Applied]:
    before = _version(server, call)
    code, fresh = _apply(server, call, obj, {}, warn)
    if code == _CREATED:
        return shown(call, fresh), "created"
    same = fresh["metadata"]["resourceVersion"] == before
    return shown(call, fresh), "unchanged" if same else "configured"


def _version(server: Server, call: Call) -> str:
    try:
        present = server.send(dataclasses.replace(call, verb="get"))
    except NotFound:
        return ""
    return str(present["metadata"]["resourceVersion"])


def _apply(
    server: Server, call: Call, obj: Obj, query: dict[str, str], warn: Warn = ignore
) -> tuple[int, Obj]:
    metadata = {
        key: value
        for key, value in obj["metadata"].items()
        if key not in ("resourceVersion", "managedFields", "uid", "creationTimestamp")
    }
    body = {**obj, "metadata": metadata}
    try:
        return server.answer(call, {**WRITER, **query}, body, APPLY, warn)
    except FieldsOwned as conflict:
        if any(manager not in _OWN for manager in conflict.managers):
            raise
        return server.answer(call, {**WRITER, **query, "force": "true"}, body, APPLY, warn)
