"""The verbs over objects, the same for a laptop and a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from mltk.tekton.objects import Obj

Labels = Mapping[str, str]
Applied = Literal["created", "configured", "unchanged"]
Warn = Callable[[str], None]
"""Hears of what is taken and has no effect, or is not wise."""


def ignore(_: str) -> None:
    """Hear no warnings: nobody is there to be warned."""


@dataclass(frozen=True)
class Event:
    """A change that a watch sees; `type` is ADDED, MODIFIED or DELETED, as in Kubernetes.

    Where it was asked for, SYNCING and SYNCED, without an object, stand around what is told of how
    things stand: between them some of it is not told yet.
    """

    type: str
    obj: Obj


class Backend(Protocol):
    """Where objects live. Kinds are named in any way that `find_kind` takes.

    Raises NotFound, Conflict, AdmissionError and InfrastructureError of `mltk.errors`.
    """

    @property
    def namespace(self) -> str:
        """The namespace that is meant when none is named."""

    def create(self, obj: Obj, warn: Warn = ignore) -> Obj:
        """Keep a new object; return it with uid, name and resourceVersion."""

    def apply(self, objs: Sequence[Obj], warn: Warn = ignore) -> Sequence[tuple[Obj, Applied]]:
        """Make what is kept say what `objs` say; what others set in fields not named stays."""

    def get(self, kind: str, name: str, namespace: str) -> Obj:
        """Return one object."""

    def list(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Sequence[Obj]:
        """Return the objects of a kind, oldest first; `labels` as kubectl's ``-l`` or a mapping."""

    def summaries(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Sequence[Obj]:
        """Return the same objects with apiVersion, kind, name, namespace, creationTimestamp.

        Of runs also the condition and the times; what else they hold may be missing.
        """

    def patch(self, kind: str, name: str, namespace: str, merge_patch: Obj) -> Obj:
        """Apply a JSON merge patch (RFC 7386); return the new object."""

    def cancel(self, run: Obj, status: str) -> Obj:
        """Ask a run to end by its ``spec.status``; return it as it then is.

        `status` is one of Tekton's: Cancelled, CancelledRunFinally, StoppedRunFinally,
        TaskRunCancelled.
        """

    def delete(self, kind: str, name: str, namespace: str) -> object:
        """Delete an object and what it owns. Conflict for a run that goes on."""

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
        """Yield what is there as ADDED, then each change, until the caller stops.

        `name` is that of the only object of interest; `timeout`, in seconds, ends the watch; with
        `marks` it is told when all that is there has been. A run whose process is found dead
        changes too: waiting for it never hangs.
        """

    def logs(
        self, task_run: str, namespace: str, step: str | None = None, *, follow: bool = False
    ) -> Iterator[str]:
        """Yield the lines that the steps of a TaskRun wrote, without their line end."""

    def events(self, obj: Obj) -> Sequence[Obj]:
        """Kubernetes Events about `obj` and its pods, oldest first; without pods there are none."""

    def close(self) -> None:
        """Let go of files and connections."""
