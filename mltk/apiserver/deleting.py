"""Objects that go, with what they own and the files of all that."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from mltk.apiserver import answers
from mltk.apiserver.answers import Answer
from mltk.apiserver.collections import Collection
from mltk.apiserver.request import Request, Target
from mltk.apiserver.resources import RESOURCES, Resource
from mltk.apiserver.selection import selection
from mltk.apiserver.statuses import about, conflict, forbidden, not_found
from mltk.local.layout import Layout
from mltk.local.ownership import Ownership
from mltk.local.reading import DEFAULT_NAMESPACE
from mltk.local.store import Store
from mltk.tekton.objects import Obj, is_done, name_of, namespace_of, uid_of

_RUNS = ("PipelineRun", "TaskRun")
# An engine ends the steps of a run that is gone within its grace of a few seconds.
_LOOK_SECONDS, _QUIET_LOOKS, _MOST_LOOKS = 0.5, 2, 60


class _Undo(Exception):
    """Ends the transaction of a dry run."""


class Deleter:
    """Deletes from the store as an API server does, at once: nothing here has finalizers."""

    def __init__(self, store: Store, layout: Layout) -> None:
        self._store = store
        self._layout = layout
        self._ownership = Ownership(store.database)
        self._closed = threading.Event()
        self._sweeps: list[threading.Thread] = []

    def close(self) -> None:
        """Remove at once what waits for its steps."""
        self._closed.set()
        for each in self._sweeps:
            each.join()

    def delete(self, request: Request, target: Target) -> Answer:
        """Delete one object."""
        resource, name = target.resource, target.name
        obj = self._store.find(resource.kind.kind, name, target.namespace or DEFAULT_NAMESPACE)
        if resource.kind.kind == "Namespace":
            if name == DEFAULT_NAMESPACE:
                raise forbidden(resource, name, "this namespace may not be deleted")
            return self._delete_namespace(request, resource, name)
        if obj is None:
            raise not_found(resource, name)
        options = request.object()
        _check_preconditions(obj, options, target)
        policy = request.option("propagationPolicy") or options.get("propagationPolicy")
        dry = request.dry or options.get("dryRun") == ["All"]
        self._remove([obj], orphan=policy == "Orphan", dry=dry)
        details = {**about(resource, name), "uid": uid_of(obj)}
        return answers.of(_success(details))

    def delete_all(self, request: Request, target: Target, collection: Collection) -> Answer:
        """Delete what a selector names."""
        chosen = selection(request, target)
        rows = collection.rows(chosen.namespace, chosen.name, None, -1, ())
        kind = target.resource.kind
        found = [
            obj
            for row in rows
            if chosen.matches(row.labels, row.text)
            and (obj := self._store.find(kind.kind, row.name, row.namespace)) is not None
        ]
        options = request.object()
        dry = request.dry or options.get("dryRun") == ["All"]
        self._remove(found, orphan=options.get("propagationPolicy") == "Orphan", dry=dry)
        return answers.of(
            {
                "kind": f"{kind.kind}List",
                "apiVersion": kind.api_version,
                "metadata": {"resourceVersion": str(self._store.revision)},
                "items": found,
            }
        )

    def _delete_namespace(self, request: Request, resource: Resource, name: str) -> Answer:
        inside = [
            obj
            for each in RESOURCES
            if each.kind.namespaced and each.kind.kind != "Pod"
            for obj in self._store.list(each.kind.kind, name)
        ]
        itself = self._store.find("Namespace", name)
        if itself is None and not inside:
            raise not_found(resource, name)
        dry = request.dry or request.object().get("dryRun") == ["All"]
        self._remove([*inside, *([itself] if itself else [])], orphan=False, dry=dry)
        return answers.of(_success(about(resource, name)))

    def _remove(self, objs: Sequence[Obj], *, orphan: bool, dry: bool) -> None:
        gone: list[Obj] = []
        try:
            with self._store.transaction():
                for obj in objs:
                    if orphan:
                        self._release(uid_of(obj))
                    if self._store.exists(obj["kind"], name_of(obj), namespace_of(obj)):
                        gone += self._store.delete(obj["kind"], name_of(obj), namespace_of(obj))
                if dry:
                    raise _Undo
        except _Undo:
            return
        if any(obj["kind"] in _RUNS and not is_done(obj) for obj in gone):
            sweep = threading.Thread(target=self._sweep, args=(gone,), name="sweep")
            self._sweeps = [each for each in self._sweeps if each.is_alive()] + [sweep]
            sweep.start()
        else:
            self._clear(gone)

    def _sweep(self, gone: Sequence[Obj]) -> None:
        """Remove files when the engine has seen that its runs are gone and ended their steps."""
        quiet = 0
        for _ in range(_MOST_LOOKS):
            if quiet == _QUIET_LOOKS or self._closed.wait(_LOOK_SECONDS):
                break
            quiet = 0 if any(map(self._has_process, gone)) else quiet + 1
        self._clear(gone)

    def _has_process(self, obj: Obj) -> bool:
        return any(each.alive for each in self._ownership.processes(uid_of(obj)))

    def _clear(self, gone: Sequence[Obj]) -> None:
        for obj in gone:
            self._layout.remove(obj)

    def _release(self, uid: str) -> None:
        """Let what an object owns stay when it goes."""
        for each in self._store.dependants(uid):
            metadata = each["metadata"]
            others = [it for it in metadata.get("ownerReferences") or () if it.get("uid") != uid]
            self._store.update({**each, "metadata": {**metadata, "ownerReferences": others}})


def _check_preconditions(obj: Obj, options: Obj, target: Target) -> None:
    wanted = options.get("preconditions") or {}
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        found = obj["metadata"][field]
        if wanted.get(field) not in (None, found):
            why = (
                f"Precondition failed: {label} in precondition: {wanted[field]},"
                f" {label} in object meta: {found}"
            )
            raise conflict(target.resource, target.name, why)


def _success(details: Mapping[str, Any]) -> Obj:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": dict(details),
    }
