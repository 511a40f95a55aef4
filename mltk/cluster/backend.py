"""`mltk.tekton.api.Backend` against a Kubernetes API server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mltk.tekton.api import Applied, Event, Labels
from mltk.tekton.objects import Obj

if TYPE_CHECKING:
    from mltk.tekton.api import Backend

Objects = list[Obj]


class ClusterBackend:
    """The objects of a cluster. A context manager.

    `context` is one of the kubeconfig (None: its current one; in a pod without a kubeconfig the
    pod's service account); `namespace` goes before that of the context. Raises ConfigError for a
    kubeconfig that is missing or lacks the context, InfrastructureError for a server that does not
    answer or refuses.
    """

    def __init__(
        self,
        context: str | None = None,
        namespace: str | None = None,
        kubeconfig: Path | None = None,
    ) -> None:
        raise NotImplementedError(context, namespace, kubeconfig)

    @property
    def namespace(self) -> str:
        """The namespace that is meant when none is named."""
        raise NotImplementedError

    def create(self, obj: Obj) -> Obj:
        """Keep a new object; Tekton's webhook and the quotas have their say."""
        raise NotImplementedError

    def apply(self, objs: Sequence[Obj]) -> Sequence[tuple[Obj, Applied]]:
        """Apply on the server's side, where fields have owners; none when one is refused."""
        raise NotImplementedError

    def get(self, kind: str, name: str, namespace: str) -> Obj:
        """Return one object."""
        raise NotImplementedError

    def list(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Objects:
        """Return the objects of a kind, oldest first; all namespaces when none is named."""
        raise NotImplementedError

    def patch(self, kind: str, name: str, namespace: str, merge_patch: Obj) -> Obj:
        """Apply a JSON merge patch."""
        raise NotImplementedError

    def cancel(self, run: Obj, status: str) -> Obj:
        """Ask Tekton to end a run. Raises Conflict for one that has ended."""
        raise NotImplementedError

    def delete(self, kind: str, name: str, namespace: str) -> object:
        """Delete an object and what it owns. Raises Conflict for a run that goes on."""
        raise NotImplementedError

    def watch(
        self,
        kind: str,
        namespace: str | None = None,
        labels: str | Labels | None = None,
        *,
        name: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Event]:
        """Yield what is there as ADDED, then each change, until the caller stops or time is up."""
        raise NotImplementedError

    def logs(
        self, task_run: str, namespace: str, step: str | None = None, *, follow: bool = False
    ) -> Iterator[str]:
        """Yield the lines that the steps of a TaskRun wrote; of its last attempt."""
        raise NotImplementedError

    def events(self, obj: Obj) -> Sequence[Obj]:
        """Return the Events about an object and about its pod, oldest first."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


if TYPE_CHECKING:
    _: type[Backend] = ClusterBackend
