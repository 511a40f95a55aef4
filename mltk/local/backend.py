"""The verbs over the objects of this machine: the store, and the files below ``.mltk/``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mltk.closing import Closing
from mltk.errors import Conflict
from mltk.local.abandonment import recover
from mltk.local.annotations import CACHED_FROM
from mltk.local.layout import Layout
from mltk.local.logs import check_step, lines
from mltk.local.ownership import Ownership
from mltk.local.patching import merge
from mltk.local.reading import DEFAULT_NAMESPACE, Objects
from mltk.local.store import Store
from mltk.local.watch import watch
from mltk.tekton.api import Applied, Event, Warn, ignore
from mltk.tekton.defaults import with_defaults
from mltk.tekton.kinds import is_kind
from mltk.tekton.managing import other_manager
from mltk.tekton.objects import (
    Obj,
    address,
    annotations_of,
    is_done,
    name_of,
    namespace_of,
    reason,
    spec_of,
    uid_of,
)
from mltk.tekton.selectors import Labels

if TYPE_CHECKING:
    from mltk.tekton.api import Backend
    from mltk.tekton.config import Defaults

_ASKED = ("status", "statusMessage")
_ENDED = {"PipelineRun": "Cancelled", "TaskRun": "TaskRunCancelled"}


class LocalBackend(Closing):
    """`mltk.tekton.api.Backend` over the folder `root` (``.mltk``).

    Opening it ends runs whose engine has died; they are in `interrupted`. One who `serves` takes
    them over instead. One who `drives` the runs that it makes has them from the first moment, so
    that no server takes them. A context manager.
    """

    def __init__(self, root: Path, *, serves: bool = False, drives: bool = False) -> None:
        self.layout = Layout(root)
        self.store = Store(self.layout.state)
        self._drives = drives
        self.interrupted = () if serves else tuple(recover(self.store))

    @property
    def namespace(self) -> str:
        """The namespace that is meant when none is named."""
        return DEFAULT_NAMESPACE

    def create(self, obj: Obj, warn: Warn = ignore) -> Obj:
        """Admit and keep a new object; `warn` hears of what has no effect in it."""
        with self.store.transaction():
            made = self.store.create(_unstarted(obj), warn)
            if self._drives and made["kind"] in _ENDED:
                Ownership(self.store.database).reserve(uid_of(made))
        return made

    def apply(self, objs: Sequence[Obj], warn: Warn = ignore) -> Sequence[tuple[Obj, Applied]]:
        """Make the store say what `objs` say, all of them or none; what engines wrote stays.

        `warn` hears of what has no effect in those that are new or changed.
        """
        with self.store.transaction():
            return [self._apply(obj, warn) for obj in objs]

    def get(self, kind: str, name: str, namespace: str = DEFAULT_NAMESPACE) -> Obj:
        """Return one object, without who manages which of its fields."""
        return _shown(self.store.get(kind, name, namespace))

    def list(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Objects:
        """Return the objects of a kind, oldest first."""
        return [_shown(obj) for obj in self.store.list(kind, namespace, labels)]

    def summaries(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Objects:
        """Return the same objects, without what a list does not show."""
        return self.store.summaries(kind, namespace, labels)

    def patch(self, kind: str, name: str, namespace: str, merge_patch: Obj) -> Obj:
        """Apply a JSON merge patch."""
        with self.store.transaction():
            present = self.store.get(kind, name, namespace)
            _admit_update(present, merge(present, merge_patch))
            return self.store.patch(kind, name, namespace, merge_patch)

    def cancel(self, run: Obj, status: str) -> Obj:
        """Ask the engine of a run to end it; one that nobody drives is ended at once.

        One that another controller manages is only told of it.

        Raises Conflict for a run that has ended.
        """
        kind, name, namespace = run["kind"], name_of(run), namespace_of(run)
        with self.store.transaction():
            now = self.store.get(kind, name, namespace)
            if is_done(now):
                raise Conflict(
                    f"{kind} '{name}' has ended already ({reason(now)})", hint=f"mltk rerun {name}"
                )
            self.store.patch(kind, name, namespace, {"spec": {"status": status}})
            ownership = Ownership(self.store.database)
            owner = ownership.owner(uid_of(now)) or ownership.controller
            if (owner is None or not owner.alive) and not other_manager(now):
                from mltk.local.recovery import end_run

                end_run(uid_of(now), self.store, _ENDED[kind], f"{kind} was cancelled")
            return self.store.get(kind, name, namespace)

    def delete(self, kind: str, name: str, namespace: str = DEFAULT_NAMESPACE) -> Objects:
        """Delete an object, what it owns, and the logs and volumes of all that.

        Raises Conflict while an engine drives it.
        """
        obj = self.store.get(kind, name, namespace)
        references = obj["metadata"].get("ownerReferences") or ()
        for uid in (obj["metadata"]["uid"], *(reference["uid"] for reference in references)):
            owner = Ownership(self.store.database).owner(uid)
            if owner and owner.alive and not is_done(obj):
                raise Conflict(
                    f"{address(obj)} is running in process {owner.pid}",
                    hint=f"`mltk cancel {name}` ends it; then it can be deleted.",
                )
        gone = self.store.delete(kind, name, namespace)
        for deleted in gone:
            self.layout.remove(deleted)
        return gone

    def watch(
        self,
        kind: str,
        namespace: str | None = None,
        labels: str | Labels | None = None,
        *,
        name: str | None = None,
        timeout: float | None = None,
        marks: bool = False,
    ) -> Iterator[Event]:
        """Yield what is there as ADDED, then each change, until the caller stops or time is up."""
        return watch(self.store, kind, namespace, labels, name=name, timeout=timeout, marks=marks)

    def logs(
        self,
        task_run: str,
        namespace: str = DEFAULT_NAMESPACE,
        step: str | None = None,
        *,
        follow: bool = False,
    ) -> Iterator[str]:
        """Yield the lines that the steps of a TaskRun wrote; of its last attempt.

        A TaskRun that was restored from the cache has those of the one that ran. Raises NotFound
        for a TaskRun or a step that is not there.
        """
        obj = self.store.get("TaskRun", task_run, namespace)
        check_step(obj, step)
        origin = annotations_of(obj).get(CACHED_FROM)
        if origin and origin != task_run and self.store.exists("TaskRun", origin, namespace):
            return self.logs(origin, namespace, step)
        return lines(self.store, self.layout, obj, step, follow=follow)

    def events(self, obj: Obj) -> Sequence[Obj]:
        """Return the Events about an object and its TaskRuns, oldest first; there are no pods."""
        children = self.store.dependants(uid_of(obj)) if obj["kind"] == "PipelineRun" else []
        runs = [obj, *(each for each in children if each["kind"] == "TaskRun")]
        found = [event for run in runs for event in self.store.events(run)]
        return sorted(found, key=lambda event: str(event["lastTimestamp"]))

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _apply(self, obj: Obj, warn: Warn) -> tuple[Obj, Applied]:
        metadata = {"namespace": self.namespace, **(obj.get("metadata") or {})}
        wanted = {**obj, "metadata": metadata}
        # A kind that is not known has no objects; admission says what is wrong with it.
        kind, name, namespace = obj["kind"], name_of(wanted), namespace_of(wanted)
        present = self.store.find(kind, name, namespace) if is_kind(kind) else None
        if present is None:
            return self.store.create(_unstarted(wanted), warn), "created"
        # Commands that only read do not wait for the rules to load.
        from mltk.local.settings import read_config
        from mltk.tekton.spelling import as_spelled

        defaults = read_config(self.store).defaults
        wanted = _over(present, with_defaults(as_spelled(wanted), defaults))
        _admit_update(present, wanted, defaults)
        fresh = self.store.update(wanted, warn)
        same = fresh["metadata"]["resourceVersion"] == present["metadata"]["resourceVersion"]
        return fresh, "unchanged" if same else "configured"


def _unstarted(obj: Obj) -> Obj:
    """A new object; of a run nobody says how it stands, as its CRD has a status subresource."""
    kept = {key: value for key, value in obj.items() if key != "status"}
    return kept if obj.get("kind") in (*_ENDED, "CustomRun") else obj


def _shown(obj: Obj) -> Obj:
    """An object as people read it: what a client of the API has said beside it is for clients."""
    metadata = obj["metadata"]
    if "managedFields" in metadata:
        rest = {key: value for key, value in metadata.items() if key != "managedFields"}
        return {**obj, "metadata": rest}
    return obj


def _over(present: Obj, wanted: Obj) -> Obj:
    """What is wanted, with what others have set since: how it stands, labels of a run, a cancel."""
    if present["kind"] in _ENDED:
        asked = {key: found for key, found in spec_of(present).items() if key in _ASKED}
        old, new = present["metadata"], wanted["metadata"]
        metadata = {
            field: {**(old.get(field) or {}), **(new.get(field) or {})}
            for field in ("labels", "annotations")
            if field in old or field in new
        }
        wanted = {
            **wanted,
            "metadata": {**new, **metadata},
            "spec": {**asked, **spec_of(wanted)},
        }
    if (managed := present["metadata"].get("managedFields")) is not None:
        wanted = {**wanted, "metadata": {**wanted["metadata"], "managedFields": managed}}
    return {**({"status": present["status"]} if "status" in present else {}), **wanted}


def _admit_update(present: Obj, wanted: Obj, defaults: Defaults | None = None) -> None:
    # Commands that only read do not wait for the rules to load.
    from mltk.tekton.admission import admit_update

    admit_update(present, wanted, defaults)


if TYPE_CHECKING:
    _: type[Backend] = LocalBackend
