"""The verbs over the objects of this machine: the store, and the files below ``.mltk/``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mltk.errors import Conflict, NotFound
from mltk.local.annotations import CACHED_FROM
from mltk.local.layout import Layout
from mltk.local.ownership import Ownership
from mltk.local.reading import DEFAULT_NAMESPACE, Objects
from mltk.local.recovery import recover
from mltk.local.selectors import Labels
from mltk.local.store import Store
from mltk.local.watch import watch
from mltk.tekton.api import Event
from mltk.tekton.objects import Obj, address, annotations_of, is_done, name_of, status_of


class LocalBackend:
    """`mltk.tekton.api.Backend` over the folder `root` (``.mltk``).

    Opening it ends runs whose engine has died; they are in `interrupted`. A context manager.
    """

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.store = Store(self.layout.state)
        self.interrupted = tuple(recover(self.store))

    def create(self, obj: Obj) -> Obj:
        """Admit and keep a new object."""
        return self.store.create(obj)

    def get(self, kind: str, name: str, namespace: str = DEFAULT_NAMESPACE) -> Obj:
        """Return one object."""
        return self.store.get(kind, name, namespace)

    def list(
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Objects:
        """Return the objects of a kind, oldest first."""
        return self.store.list(kind, namespace, labels)

    def patch(self, kind: str, name: str, namespace: str, merge_patch: Obj) -> Obj:
        """Apply a JSON merge patch."""
        return self.store.patch(kind, name, namespace, merge_patch)

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
        self, kind: str, namespace: str | None = None, labels: str | Labels | None = None
    ) -> Iterator[Event]:
        """Yield what is there as ADDED, then each change, until the caller stops."""
        return watch(self.store, kind, namespace, labels)

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
        if step is not None and status_of(obj).get("steps") and step not in _steps(obj):
            raise NotFound(
                f"TaskRun '{task_run}' has no step '{step}'",
                hint=f"Its steps are {', '.join(_steps(obj))}.",
            )
        origin = annotations_of(obj).get(CACHED_FROM)
        if origin and origin != task_run and self.store.exists("TaskRun", origin, namespace):
            return self.logs(origin, namespace, step)
        return self._lines(obj, step, follow=follow)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _lines(self, obj: Obj, step: str | None, *, follow: bool) -> Iterator[str]:
        logs: dict[str, _Tail] = {}
        mark = self.store.mark()
        while True:
            obj = self.store.get("TaskRun", name_of(obj), obj["metadata"]["namespace"])
            last = is_done(obj) or not follow
            for name in [step] if step else _steps(obj):
                path = self.layout.logs(obj) / f"{name}.log"
                yield from logs.setdefault(name, _Tail(path)).read(whole=last)
            if last:
                return
            mark = self.store.wait(mark)


class _Tail:
    """The lines of a growing file that have not been read yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def read(self, *, whole: bool) -> Iterator[str]:
        """Yield further lines; one without its end only when nothing follows (`whole`)."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            if file.seek(0, 2) < self._position:  # another attempt has begun
                self._position = 0
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n") and not whole:
                    return
                self._position += len(line)
                yield line.decode("utf-8", errors="replace").rstrip("\n")


def _steps(obj: Obj) -> Sequence[str]:
    return [step["name"] for step in status_of(obj).get("steps") or ()]
