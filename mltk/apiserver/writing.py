"""Objects made and changed: create, update, patch, apply; for good or as a dry run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mltk.apiserver import patches
from mltk.apiserver.answers import Answer
from mltk.apiserver.checking import (
    check_changes,
    check_fields,
    check_identity,
    check_status,
    completed,
    encoded,
    fresh,
    no_namespace,
    placed,
)
from mltk.apiserver.collections import unplaced
from mltk.apiserver.forms import form_of
from mltk.apiserver.namespaces import Namespaces, as_namespace
from mltk.apiserver.ownership import Manager, applied, written
from mltk.apiserver.request import JSON, Request, Target, read_object, read_value
from mltk.apiserver.resources import Resource
from mltk.apiserver.statuses import (
    STALE,
    ApiError,
    bad_request,
    conflict,
    invalid,
    not_found,
    of_error,
    unsupported,
)
from mltk.errors import MltkError
from mltk.local.encoding import dump
from mltk.local.reading import DEFAULT_NAMESPACE
from mltk.local.settings import read_config
from mltk.local.store import Store
from mltk.tekton.admission import admit, admit_update
from mltk.tekton.config import NAMESPACE
from mltk.tekton.defaults import with_defaults
from mltk.tekton.objects import Obj, name_of

_PATCHES: dict[str, Callable[[Obj, Any], Obj]] = {
    patches.JSON_PATCH: patches.json_patch,
    patches.MERGE_PATCH: patches.merge_patch,
    patches.STRATEGIC_PATCH: patches.strategic_patch,
}


TEKTON_VERSION = "v1.15.0"
_INFO = "pipelines-info"  # a ConfigMap of Tekton's own installation


class _Undo(Exception):
    """Ends the transaction of a dry run, which leaves nothing behind."""


@dataclass
class Outcome:
    """An object as it now is, or would be."""

    obj: Obj
    warnings: list[str]
    code: int = 200


class Writer:
    """Writes to the store as an API server does."""

    def __init__(
        self,
        store: Store,
        namespaces: Namespaces,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._namespaces = namespaces
        self._clock = clock

    def create(self, request: Request, target: Target) -> Answer:
        """Make an object of the body."""
        obj = request.object()
        try:
            return self._write(request, target, lambda: self._create(request, target, obj))
        except MltkError as error:
            metadata = obj.get("metadata") or {}
            name = str(metadata.get("name") or metadata.get("generateName") or "")
            raise of_error(error, target.resource, name) from None

    def update(self, request: Request, target: Target) -> Answer:
        """Replace an object by the body."""
        obj = request.object()
        check_identity(obj, target)
        return self._write(
            request, target, lambda: self._change(request, target, lambda _: placed(obj, target))
        )

    def patch(self, request: Request, target: Target) -> Answer:
        """Change an object by a patch, or apply one."""
        if request.media == patches.APPLY_PATCH:
            wanted = read_object(request.body, request.media)
            return self._write(request, target, lambda: self._apply(request, target, wanted))
        change = _PATCHES.get(request.media)
        if change is None or (request.media == patches.STRATEGIC_PATCH and target.resource.custom):
            accepted = [patches.JSON_PATCH, patches.MERGE_PATCH, patches.APPLY_PATCH]
            raise unsupported(accepted)
        asked = read_value(request.body, JSON)
        return self._write(
            request,
            target,
            lambda: self._change(request, target, lambda current: change(current, asked)),
        )

    def ensure_namespace(self, name: str) -> None:
        """Make a namespace, and the service account that Kubernetes gives each."""
        made = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "namespace": DEFAULT_NAMESPACE},
        }
        with self._store.transaction():
            if not self._store.exists("Namespace", name):
                self._store.insert(made)
            self._ensure_account(name)

    def ensure_version(self) -> None:
        """Say which Tekton the engine does as, where clients look for it."""
        metadata = {"name": _INFO, "namespace": NAMESPACE}
        wanted = {"version": TEKTON_VERSION}
        info = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": wanted}
        with self._store.transaction():
            found = self._store.find("ConfigMap", _INFO, NAMESPACE)
            if found is None:
                self._store.insert(info)
            elif found.get("data") != wanted:
                self._store.patch("ConfigMap", _INFO, NAMESPACE, {"data": wanted})

    def _ensure_account(self, namespace: str) -> None:
        if not self._store.exists("ServiceAccount", "default", namespace):
            metadata = {"name": "default", "namespace": namespace}
            self._store.insert({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})

    def _write(self, request: Request, target: Target, act: Callable[[], Outcome]) -> Answer:
        outcome: Outcome | None = None
        try:
            with self._store.transaction():
                outcome = act()
                if request.dry:
                    raise _Undo
        except _Undo:
            pass
        assert outcome is not None  # noqa: S101  (`act` has returned, or raised)
        obj = outcome.obj
        if target.resource.kind.kind == "Namespace":
            obj = as_namespace(obj)
        elif not target.resource.kind.namespaced:
            obj = unplaced(obj)
        answer = form_of(request, target.resource).one(dump(obj))
        return Answer(answer.body, outcome.code, answer.media, outcome.warnings)

    def _create(self, request: Request, target: Target, obj: Obj) -> Outcome:
        check_identity(obj, target)
        self._check_namespace(target)
        obj, warnings = check_fields(placed(obj, target), target.resource, request)
        _check_named(obj, target.resource)
        made = fresh(obj, target.resource)
        made = written({"metadata": {}}, made, self._manager(request, target))
        made = self._store.create(made, warnings.append)
        if target.resource.kind.kind == "Namespace":
            self._ensure_account(name_of(made))
        return Outcome(made, warnings, 201)

    def _change(self, request: Request, target: Target, change: Callable[[Obj], Obj]) -> Outcome:
        current = self._find(target)
        if current is None:
            raise not_found(target.resource, target.name)
        asked = change(current)
        check_identity(asked, target)
        _check_version(current, asked, target)
        asked, warnings = check_fields(placed(asked, target), target.resource, request)
        asked = _within(current, completed(asked), target)
        check_changes(current, asked, target.resource)
        if "managedFields" not in asked["metadata"] and "managedFields" in current["metadata"]:
            metadata = {**asked["metadata"], "managedFields": current["metadata"]["managedFields"]}
            asked = {**asked, "metadata": metadata}
        made = written(current, asked, self._manager(request, target))
        return self._keep(current, made, target, warnings)

    def _apply(self, request: Request, target: Target, wanted: Obj) -> Outcome:
        if not request.query.get("fieldManager"):
            what = "Required value: is required for apply patch"
            raise ApiError(
                422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {what}'
            )
        check_identity(wanted, target)
        if (wanted.get("metadata") or {}).get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        wanted, warnings = check_fields(placed(wanted, target), target.resource, request)
        wanted = encoded(wanted)
        current, resource = self._find(target), target.resource
        manager, force = self._manager(request, target), request.flag("force")
        if current is None:
            if target.subresource:
                raise not_found(resource, target.name)
            self._check_namespace(target)
            made = fresh(wanted, resource)
            empty = {"metadata": {"name": target.name}}
            made = applied(empty, made, manager, resource, force=force)
            made = self._store.create(made, warnings.append)
            if resource.kind.kind == "Namespace":
                self._ensure_account(name_of(made))
            return Outcome(made, warnings, 201)
        _check_version(current, wanted, target)
        wanted = _without_status(wanted, target)
        made = completed(applied(current, wanted, manager, resource, force=force))
        check_changes(current, made, resource)
        return self._keep(current, _within(current, made, target), target, warnings)

    def _keep(self, current: Obj, made: Obj, target: Target, warnings: list[str]) -> Outcome:
        if target.subresource == "status":
            check_status(made)
            metadata = {"managedFields": made["metadata"].get("managedFields")}
            return Outcome(
                self._store.set_status(current, made.get("status") or {}, metadata, record=False),
                warnings,
            )
        if made != current:
            config = read_config(self._store)
            warnings += admit(made, config)
            made = with_defaults(made, config.defaults)
            admit_update(current, made, config.defaults)
        made["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"]
        return Outcome(self._store.update(made), warnings)

    def _find(self, target: Target) -> Obj | None:
        namespace = target.namespace or DEFAULT_NAMESPACE
        kind = target.resource.kind.kind
        return self._store.find(kind, target.name, namespace)

    def _check_namespace(self, target: Target) -> None:
        namespaced = target.resource.kind.namespaced
        if namespaced and not self._namespaces.exists(target.namespace):
            raise no_namespace(target.namespace)

    def _manager(self, request: Request, target: Target) -> Manager:
        version = target.resource.kind.api_version
        return Manager(request.manager, version, self._clock(), target.subresource)


def _check_named(obj: Obj, resource: Resource) -> None:
    metadata = obj["metadata"]
    if not metadata.get("name") and not metadata.get("generateName"):
        what = "Required value: name or generateName is required"
        raise invalid(resource, "", [("metadata.name", what)])


def _check_version(current: Obj, asked: Obj, target: Target) -> None:
    """Refuse a change of an object that is not any more as the client had read it."""
    old, new = current["metadata"], asked.get("metadata") or {}
    for field in ("resourceVersion", "uid"):
        if new.get(field) and str(new[field]) != old[field]:
            why = STALE
            if field == "uid":
                why = (
                    f"Precondition failed: UID in precondition: {new['uid']}, UID in object meta:"
                    f" {old['uid']}"
                )
            raise conflict(target.resource, target.name, why)


def _within(current: Obj, asked: Obj, target: Target) -> Obj:
    """What a request may change: the status by its subresource, all else without it."""
    if target.subresource == "status":
        managed = {"managedFields": asked["metadata"].get("managedFields")}
        metadata = {**current["metadata"], **{key: each for key, each in managed.items() if each}}
        return {**current, "metadata": metadata, "status": asked.get("status") or {}}
    if not target.resource.has_status:
        return asked
    kept = {key: value for key, value in asked.items() if key != "status"}
    return {**kept, "status": current["status"]} if "status" in current else kept


def _without_status(wanted: Obj, target: Target) -> Obj:
    if target.subresource == "status" or not target.resource.has_status:
        return wanted
    return {key: value for key, value in wanted.items() if key != "status"}
