"""`mltk.tekton.api.Backend` against a Kubernetes API server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mltk.closing import Closing
from mltk.cluster.access import open_access
from mltk.cluster.applying import WRITER, apply_all
from mltk.cluster.call import Call
from mltk.cluster.errors import Stale
from mltk.cluster.happenings import events_about
from mltk.cluster.listing import list_all, selection, shown
from mltk.cluster.logs import Logs
from mltk.cluster.server import MERGE, Server
from mltk.cluster.watch import watch
from mltk.errors import AdmissionError, Conflict, UsageError
from mltk.tekton.api import Applied, Event, Labels, Warn, ignore
from mltk.tekton.kinds import find_kind, kept_as
from mltk.tekton.objects import Obj, address, is_done, name_of, reason, spec_of, uid_of

if TYPE_CHECKING:
    from mltk.tekton.api import Backend

Objects = list[Obj]

_RUNS = ("PipelineRun", "TaskRun")
_PENDING = "PipelineRunPending"
_CANCEL_TRIES = 5


class ClusterBackend(Closing):
    """The objects of a cluster. A context manager.

    `context` is one of the kubeconfig (None: its current one; in a pod without a kubeconfig the
    pod's service account); `namespace` goes before that of the context. Objects come back without
    their managedFields. Raises ConfigError for a kubeconfig that is missing or lacks the context,
    InfrastructureError for a server that does not answer or refuses.
    """

    def __init__(
        self,
        context: str | None = None,
        namespace: str | None = None,
        kubeconfig: Path | None = None,
    ) -> None:
        self._access = open_access(context, namespace, kubeconfig)
        self.server = Server(self._access)

    @property
    def context(self) -> str:
        """The context of the kubeconfig that is used."""
        return self._access.context

    @property
    def namespace(self) -> str:
        """The namespace that is meant when none is named."""
        return self._access.namespace

    def create(self, obj: Obj, warn: Warn = ignore) -> Obj:
        """Keep a new object; Tekton's webhook and the quotas have their say."""
        call = self._about("create", obj)
        return shown(call, self.server.send(call, WRITER, kept_as(obj), warn=warn))

    def apply(self, objs: Sequence[Obj], warn: Warn = ignore) -> Sequence[tuple[Obj, Applied]]:
        """Apply on the server's side, where fields have owners; none when one is refused.

        Raises Conflict, with the owner, for a field that another manager than mltk set.
        """
        wanted = [(self._about("patch", obj), kept_as(obj)) for obj in objs]
        return apply_all(self.server, wanted, warn)

    def get(self, kind: str, name: str, namespace: str) -> Obj:
        """Return one object."""
        call = Call("get", find_kind(kind), namespace, name)
        return shown(call, self.server.send(call))

    def list(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Objects:
        """Return the objects of a kind, oldest first; all namespaces when none is named."""
        call = Call("list", find_kind(kind), namespace)
        return list_all(self.server, call, selection(labels))[0]

    def summaries(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Objects:
        """Return the same objects, whole."""
        return self.list(kind, namespace, labels)

    def patch(self, kind: str, name: str, namespace: str, merge_patch: Obj) -> Obj:
        """Apply a JSON merge patch."""
        call = Call("patch", find_kind(kind), namespace, name)
        return shown(call, self.server.send(call, WRITER, merge_patch, MERGE))

    def cancel(self, run: Obj, status: str) -> Obj:
        """Ask Tekton to end a run. Raises Conflict for one that has ended."""
        call = self._about("patch", run)
        for _ in range(_CANCEL_TRIES):
            with suppress(Stale):  # the controller wrote its status meanwhile
                return self._cancel(call, status)
        return self._cancel(call, status)

    def delete(self, kind: str, name: str, namespace: str) -> object:
        """Delete an object; what it owns follows. Raises Conflict for a run that goes on."""
        call = Call("delete", find_kind(kind), namespace, name)
        obj = self.get(kind, name, namespace)
        if _goes_on(obj):
            raise Conflict(
                f"{address(obj)} is running",
                hint=f"`mltk cancel {name}` ends it; then it can be deleted.",
            )
        options = {
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid_of(obj)},
        }
        self.server.send(call, body=options)
        return obj

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
        """Yield what is there as ADDED, then each change, until the caller stops or time is up.

        Goes on when the connection breaks or the server has forgotten where it was, for as long as
        a control plane is away while it is upgraded.
        """
        call = Call("watch", find_kind(kind), namespace)
        return watch(self.server, call, selection(labels, name), timeout=timeout, marks=marks)

    def logs(
        self, task_run: str, namespace: str, step: str | None = None, *, follow: bool = False
    ) -> Iterator[str]:
        """Yield the lines that the steps of a TaskRun wrote; of its last attempt.

        Raises NotFound for a TaskRun or a step that is not there, and when the logs are gone with
        the pod.
        """
        logs = Logs(self.server, task_run, namespace, step)
        self.get("TaskRun", task_run, namespace)
        return logs.follow() if follow else logs.read()

    def events(self, obj: Obj) -> Objects:
        """Return the Events about an object, its TaskRuns and their pods, oldest first."""
        return events_about(self.server, obj)

    def close(self) -> None:
        """Close the connections."""
        self.server.close()

    def _cancel(self, call: Call, status: str) -> Obj:
        now = self.server.send(dataclasses.replace(call, verb="get"))
        if is_done(now):
            raise _ended(now)
        version = now["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "spec": {"status": status}}
        return shown(call, self.server.send(call, WRITER, body, MERGE))

    def _about(self, verb: str, obj: Obj) -> Call:
        metadata = obj.get("metadata") or {}
        namespace = metadata.get("namespace") or self.namespace
        name = metadata.get("name") or metadata.get("generateName") or ""
        try:
            return Call(verb, find_kind(str(obj.get("kind", ""))), namespace, name)
        except UsageError as error:
            raise AdmissionError(error.what, where=address(obj), hint=error.hint) from None


def _ended(run: Obj) -> Conflict:
    name = name_of(run)
    return Conflict(
        f"{run['kind']} '{name}' has ended already ({reason(run)})", hint=f"mltk rerun {name}"
    )


def _goes_on(obj: Obj) -> bool:
    """Whether a controller works on it, or will as soon as it sees it."""
    return obj["kind"] in _RUNS and not is_done(obj) and spec_of(obj).get("status") != _PENDING


if TYPE_CHECKING:
    _: type[Backend] = ClusterBackend
