"""Where the embedded engine keeps things, below ``.mltk/``."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mltk.local import inmemory
from mltk.tekton.objects import Obj, name_of, namespace_of, uid_of


@dataclass(frozen=True)
class Layout:
    """The folders of one store.

    ::

    state.db                                objects
    serve.lock                              locked by the one who serves it
    logs/<namespace>/<taskrun>/<step>.log   <step>.1.log is the first attempt of a retried one
    volumes/<namespace>/<claim>/            what PersistentVolumeClaims hold
    work/<namespace>/<taskrun>/             its home and emptyDirs, while it runs
    cache/                                  TaskRuns to restore

    Results, scripts and the like of a TaskRun that runs lie in memory where that can be had.
    """

    root: Path

    @property
    def state(self) -> Path:
        """The store's file."""
        return self.root / "state.db"

    @property
    def office(self) -> Path:
        """A file that is locked while somebody serves the store."""
        return self.root / "serve.lock"

    @property
    def cache(self) -> Path:
        """The cache of TaskRuns."""
        return self.root / "cache"

    @property
    def work_root(self) -> Path:
        """Where TaskRuns have what they need only while they run."""
        return self.root / "work"

    @property
    def removed(self) -> tuple[Path, ...]:
        """Where work folders lie until they are removed, on each file system that holds any."""
        return self.work_root / ".removed", inmemory.FOLDER / ".removed"

    @property
    def private(self) -> tuple[Path, ...]:
        """What only the engine reads and writes."""
        state = (self.state.with_name(f"{self.state.name}{end}") for end in ("", "-wal", "-shm"))
        return (
            *state,
            self.office,
            self.cache,
            self.work_root,
            self.root / "logs",
            self.root / "volumes",
        )

    def logs(self, task_run: Obj) -> Path:
        """Folder of a TaskRun's logs."""
        return self.root.joinpath("logs", namespace_of(task_run), name_of(task_run))

    def volume(self, namespace: str, claim: str) -> Path:
        """Folder that a claim stands for."""
        return self.root / "volumes" / namespace / claim

    def work(self, task_run: Obj) -> Path:
        """Folder for what a TaskRun needs only while it runs."""
        return self.work_root.joinpath(namespace_of(task_run), name_of(task_run))

    def work_in_memory(self, task_run: Obj) -> Path:
        """Folder for what of it is small, where memory has a place for that."""
        return inmemory.FOLDER / uid_of(task_run)

    def clear_work(self, task_run: Obj) -> None:
        """Remove what a TaskRun needs only while it runs."""
        shutil.rmtree(self.work(task_run), ignore_errors=True)
        shutil.rmtree(self.work_in_memory(task_run), ignore_errors=True)

    def archive_logs(self, task_run: Obj, attempt: int) -> None:
        """Put the logs of an attempt that failed beside those of the next one."""
        for log in self.logs(task_run).glob("*.log"):
            if "." not in log.stem:
                log.rename(log.with_name(f"{log.stem}.{attempt}.log"))

    def remove(self, obj: Obj) -> None:
        """Remove the files that belong to a deleted object."""
        if obj["kind"] == "TaskRun":
            shutil.rmtree(self.logs(obj), ignore_errors=True)
            self.clear_work(obj)
        elif obj["kind"] == "PersistentVolumeClaim":
            folder = self.volume(namespace_of(obj), name_of(obj))
            shutil.rmtree(folder, ignore_errors=True)
