"""What the disk holds when the power goes: a beginning of SQLite's log, however it is torn."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from mltk.local.backend import LocalBackend
from mltk.local.database import Database
from mltk.local.engine import Engine
from mltk.local.process import ProcessRuntime
from mltk.tekton.objects import Obj, is_done, status_of

from .conftest import Local, pipeline_run, task


@pytest.fixture
def torn(local: Local, tmp_path: Path) -> Torn:
    """A store and its log as they were when a run ended."""
    record, log = tmp_path / "record", local.root / "state.db-wal"
    mark = (
        'echo "$(context.taskRun.uid) $(context.task.retry-count) {} $(stat -c %s '
        f'{log})" >> {record}'
    )
    run = pipeline_run(
        "r",
        task("a", mark.format("s0"), mark.format("s1")),
        task("b", f"{mark.format('s0')}; [ $(context.task.retry-count) = 1 ]", retries=1),
        task("c", mark.format("s0"), runAfter=["a", "b"]),
        finally_=[task("f", mark.format("s0"))],
    )
    assert is_done(local.run(run))
    return Torn((local.root / "state.db").read_bytes(), log.read_bytes(), record, tmp_path / "copy")


class Torn:
    """`log` is the whole log; `begun` are the steps with the length of the log as they began."""

    def __init__(self, state: bytes, log: bytes, record: Path, folder: Path) -> None:
        self.log = log
        self.record = record
        self._state = state
        self._folder = folder
        self.begun = [
            (line.rsplit(" ", 1)[0], int(line.rsplit(" ", 1)[1]))
            for line in record.read_text().splitlines()
        ]

    def cuts(self, number: int) -> list[int]:
        """Lengths of the log, in order."""
        chosen = random.Random(5).sample(range(len(self.log)), number)
        return sorted({0, 1, 31, 32, len(self.log), *chosen})

    def open(self, cut: int, tail: bytes = b"") -> LocalBackend:
        """Open the store as a machine finds it that lost its power."""
        root = self._folder / f"{cut}-{len(tail)}"
        root.mkdir(parents=True)
        (root / "state.db").write_bytes(self._state)
        (root / "state.db-wal").write_bytes(self.log[:cut] + tail)
        return LocalBackend(root, serves=True)


def intact(backend: LocalBackend) -> bool:
    return backend.store.database.query("PRAGMA integrity_check") == [("ok",)]


def has_begun(task_run: Obj, retry: int) -> bool:
    status = status_of(task_run)
    return len(status.get("retriesStatus") or ()) + ("startTime" in status) > retry


def test_any_beginning_of_the_log_is_a_moment_of_the_past(torn: Torn) -> None:
    revisions = []
    for cut in torn.cuts(60):
        with torn.open(cut) as backend:
            assert intact(backend)
            revisions.append(backend.store.revision)
            for step, length in torn.begun:
                uid, retry, _ = step.split()
                task_run = backend.store.by_uid(uid)
                if length <= cut:
                    assert task_run is not None, (cut, step)
                    assert has_begun(task_run, int(retry)), (cut, step)
    assert revisions == sorted(revisions)
    assert len(set(revisions)) > 10


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\xff" * 5000], ids=["zeros", "ones"])
def test_what_was_half_written_counts_for_nothing(torn: Torn, tail: bytes) -> None:
    for cut in torn.cuts(10):
        with (
            torn.open(cut) as clean,
            torn.open(cut + len(tail)) as later,
            torn.open(cut, tail) as backend,
        ):
            assert intact(backend)
            # The rest of a page may be what the disk would have got.
            known = (clean.store.revision, later.store.revision)
            assert known[0] <= backend.store.revision <= known[1]


def test_engine_goes_on_from_there_and_begins_no_step_again(torn: Torn) -> None:
    for cut in torn.cuts(8):
        torn.record.write_text("")
        with torn.open(cut) as backend, ProcessRuntime() as runtime:
            if not backend.store.exists("pr", "r"):
                continue
            with backend.store.transaction() as connection:
                # The owner is this process, which a loss of power would have ended.
                connection.execute("DELETE FROM owners")
            (done,) = Engine(backend.store, runtime, grace=0.2).run(["r"])
            assert is_done(done)
        again = Counter(line.rsplit(" ", 1)[0] for line in torn.record.read_text().splitlines())
        assert not {step for step, length in torn.begun if length <= cut} & again.keys()
        assert all(times == 1 for times in again.values())


def test_what_is_settled_is_on_the_disk(tmp_path: Path) -> None:
    log, lengths = tmp_path / "state.db-wal", []

    def sync(handle: int) -> None:
        lengths.append(os.fstat(handle).st_size)

    database = Database(tmp_path / "state.db", sync=sync)
    with database.transaction() as connection:
        connection.execute("UPDATE counter SET value=7")
    assert lengths == []
    database.settle()
    assert lengths == [log.stat().st_size]
    database.close()
