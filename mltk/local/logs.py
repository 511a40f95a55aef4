"""What steps wrote, as it is written, by whichever process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mltk.errors import NotFound
from mltk.local.abandonment import recover
from mltk.local.layout import Layout
from mltk.local.overflow import gap
from mltk.local.store import Store
from mltk.tekton.objects import Obj, is_done, name_of, status_of


def check_step(task_run: Obj, step: str | None) -> None:
    """Raise NotFound for a step that a TaskRun, which has begun, does not have."""
    known = _steps(task_run)
    beside = [each["container"] for each in status_of(task_run).get("sidecars") or ()]
    if step is not None and known and step not in (*known, *beside):
        raise NotFound(
            f"TaskRun '{name_of(task_run)}' has no step '{step}'",
            hint=f"Its steps are {', '.join(known)}.",
        )


def lines(
    store: Store, layout: Layout, task_run: Obj, step: str | None, *, follow: bool
) -> Iterator[str]:
    """Yield the lines of a TaskRun's last attempt; with `follow` until it has ended.

    With a `step` named, they end with it, unless it has failed: a retry may follow then.
    """
    logs: dict[str, _Tail] = {}
    mark = store.mark()
    while True:
        task_run = store.get("TaskRun", name_of(task_run), task_run["metadata"]["namespace"])
        last = not follow or is_done(task_run) or _succeeded(task_run, step)
        for name in [step] if step else _steps(task_run):
            path = layout.logs(task_run) / f"{name}.log"
            yield from logs.setdefault(name, _Tail(path)).read(whole=last)
        if last:
            return
        mark = store.wait(mark)
        recover(store)  # one whose process has died writes no more


class _Tail:
    """The lines of a growing file that have not been read yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._file = 0

    def read(self, *, whole: bool) -> Iterator[str]:
        """Yield further lines; one without its end only when nothing follows (`whole`)."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            number, size = os.fstat(file.fileno()).st_ino, file.seek(0, 2)
            if number != self._file:  # another attempt has begun
                self._file, self._position = number, 0
            if size < self._position:
                self._position = gap(file)
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n") and not whole:
                    return
                self._position += len(line)
                yield line.decode("utf-8", errors="replace").rstrip("\n")


def _succeeded(task_run: Obj, step: str | None) -> bool:
    for each in status_of(task_run).get("steps") or ():
        if each["name"] == step:
            # The container of a step whose failure is let pass ends with 0, so it does here.
            ended = each.get("terminated") or {}
            return bool(ended.get("exitCode") == 0 or each.get("terminationReason") == "Continued")
    return False


def _steps(task_run: Obj) -> Sequence[str]:
    return [step["name"] for step in status_of(task_run).get("steps") or ()]
