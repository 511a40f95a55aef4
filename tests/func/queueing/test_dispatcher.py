"""Queues of the real store, beside real engines, with whoever tends them killed."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import Conflict, InfrastructureError
from mltk.local.backend import LocalBackend
from mltk.queueing.annotations import CALLED_AT, REPLACED_BY, WAITING_SINCE
from mltk.queueing.attendant import Attendant
from mltk.queueing.dispatcher import Dispatcher
from mltk.tekton.objects import Obj, annotations_of, is_done, reason, spec_of
from tests.func.local.conftest import Local, local, pipeline_run, task

__all__ = ["local"]

# Tends the queues until SIGTERM, or until it kills itself around its N-th write.
DISPATCHER = """
import os, signal, sys; from pathlib import Path
from mltk.local.backend import LocalBackend
from mltk.queueing.dispatcher import Dispatcher
class Mortal(LocalBackend):
    left = int(sys.argv[2])
    def patch(self, *args):
        self.left -= 1
        if self.left == 0 and sys.argv[3] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return super().patch(*args)
        finally:  # also of one for which another was faster
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
with Mortal(Path(sys.argv[1]), serves=True) as backend:
    dispatcher = Dispatcher(backend)
    signal.signal(signal.SIGTERM, lambda *_: dispatcher.stop())
    dispatcher.run()
"""


def waiting(name: str, queue: str, script: str = "true", **said: str) -> Obj:
    """A run that waits; `said` are its other annotations, with _ for -."""
    run = pipeline_run(name, task("t", script), status="PipelineRunPending")
    marks = {"mltk.dev/queue": queue}
    marks |= {f"mltk.dev/{key.replace('_', '-')}": text for key, text in said.items()}
    run["metadata"] |= {"labels": {"mltk.dev/project": "p"}, "annotations": marks}
    return run


def logged(log: Path, name: str, queue: str) -> str:
    """A script by which the log tells how many ran at the same time."""
    return f"echo begin {queue} {name} >> {log}; echo end {queue} {name} >> {log}"


def most_at_once(log: Path) -> tuple[int, int]:
    """How many runs of one queue, and of all, went on at the same time."""
    of_queue: Counter[str] = Counter()
    most, most_of_queue = 0, 0
    for line in log.read_text().splitlines():
        what, queue, _ = line.split()
        of_queue[queue] += 1 if what == "begin" else -1
        most, most_of_queue = max(most, of_queue.total()), max(most_of_queue, *of_queue.values())
    return most_of_queue, most


def dispatcher(local: Local, writes: int = -1, moment: str = "") -> subprocess.Popen[str]:
    """Somebody who tends the queues, in another process; dies around one of its writes."""
    program = [sys.executable, "-c", DISPATCHER, str(local.root), str(writes), moment]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(program, text=True, env=env)


@contextmanager
def tended(backend: LocalBackend, **options: Any) -> Iterator[Dispatcher]:
    """The same in this process."""
    made = Dispatcher(backend, **options)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join()


def until(local: Local, name: str, mark: str) -> Obj:
    """Wait until a run bears a mark."""
    events = local.backend.watch("pr", name=name)
    return next(each.obj for each in events if mark in annotations_of(each.obj))


def test_several_that_tend_the_same_queues_and_are_killed_let_none_too_many_go(
    local: Local, tmp_path: Path
) -> None:
    log, rules = tmp_path / "log", {"queue_limit": "1", "project_limit": "2"}
    names = [f"{queue}{number}" for number in range(4) for queue in "abc"]
    for name in names:
        local.backend.create(waiting(name, name[0], logged(log, name, name[0]), **rules))
    with local.serve() as server:
        for writes, moment in itertools.product((1, 2), ("before", "after")):
            victims = [dispatcher(local, writes, moment) for _ in range(2)]
            assert [victim.wait() for victim in victims] == [-signal.SIGKILL] * 2
        with dispatcher(local) as one, dispatcher(local) as other:
            for name in names:
                assert reason(local.wait_for_end(name)) == "Succeeded"
            for each in (one, other, server):
                each.terminate()
            assert (one.wait(), other.wait()) == (0, 0)
    assert most_at_once(log) <= (1, 2)
    assert Counter(log.read_text().splitlines()).most_common(1)[0][1] == 1


def test_run_that_was_called_by_one_that_died_goes(local: Local) -> None:
    local.backend.create(waiting("r", "q", queue_limit="1", called_at="2026-01-01T00:00:00Z"))
    with local.serve() as server, dispatcher(local) as other:
        assert reason(local.wait_for_end("r")) == "Succeeded"
        server.terminate()
        other.terminate()


def test_newest_replaces_those_that_wait_and_they_say_by_whom(local: Local, tmp_path: Path) -> None:
    rules = {"queue_limit": "1", "newest_wins": "true"}
    os.mkfifo(tmp_path / "pipe")
    local.backend.create(waiting("running", "q", f"read word < {tmp_path}/pipe", **rules))
    local.backend.patch("pr", "running", "default", {"spec": {"status": None}})
    with local.serve() as server:
        next(each for each in local.backend.watch("pr", name="running")
             if reason(each.obj) == "Running")  # fmt: skip
        for name, stamp in (("w1", "1"), ("w2", "2"), ("w3", "3")):
            local.backend.create(waiting(name, "q", queued_at=stamp, **rules))
        with tended(local.backend):
            for name in ("w1", "w2"):
                ended = local.wait_for_end(name)
                assert reason(ended) == "Cancelled"
                assert annotations_of(ended)[REPLACED_BY] == "w3"
        newest = local.backend.get("pr", "w3")
        assert spec_of(newest)["status"] == "PipelineRunPending"
        assert not is_done(local.backend.get("pr", "running"))
        server.terminate()


def test_who_replaces_an_old_run_waits_no_longer_than_that_would(local: Local) -> None:
    rules = {"newest_wins": "true", "quiet_period": "1h", "longest_wait": "2h"}
    long_ago = "2026-01-01T00:00:00Z"
    local.backend.create(waiting("w1", "q", waiting_since=long_ago, queued_at="1", **rules))
    local.backend.create(waiting("w2", "q", queued_at="2", **rules))
    with local.serve() as server, tended(local.backend):
        assert reason(local.wait_for_end("w2")) == "Succeeded"
        server.terminate()
    marks = annotations_of(local.backend.get("pr", "w2"))
    assert marks[WAITING_SINCE] == "2026-01-01T00:00:00.000000Z"


def test_queue_that_is_to_be_quiet_goes_when_it_was(local: Local) -> None:
    made = local.backend.create(waiting("r", "q", quiet_period="1h"))
    probe = local.backend.create(waiting("probe", "other"))
    with tended(local.backend):
        until(local, "probe", CALLED_AT)
        assert CALLED_AT not in annotations_of(local.backend.get("pr", "r"))
    with tended(local.backend, clock=lambda: datetime.now(UTC) + timedelta(hours=1)):
        until(local, "r", CALLED_AT)
    local.backend.create(waiting("soon", "soon", quiet_period="1s"))
    with tended(local.backend):  # nothing happens meanwhile that would wake it
        until(local, "soon", CALLED_AT)
    assert made["metadata"]["creationTimestamp"] <= probe["metadata"]["creationTimestamp"]


def test_attendant_begins_with_the_first_run_that_waits(local: Local) -> None:
    before = threading.active_count()
    said: list[str] = []
    with Attendant(local.backend, said.append) as attendant:
        attendant.observe(local.backend.create(pipeline_run("plain", task("t", "true"))))
        assert threading.active_count() == before
        local.backend.create(waiting("r", "q", queue_limit="1"))
        done = local.engine(observer=attendant.observe).run(["r"])
        assert [reason(each) for each in done] == ["Succeeded"]
    assert said == []


def test_attendant_says_what_is_in_the_way_and_tries_again(local: Local) -> None:
    run = local.backend.create(waiting("r", "q"))
    heard, said = threading.Event(), []

    def say(text: str) -> None:
        said.append(text)
        heard.set()

    class Failing(LocalBackend):
        def patch(self, *args: Any) -> Obj:
            if not heard.is_set():
                raise InfrastructureError("the disk is full")
            return super().patch(*args)

    with Failing(local.root) as backend, Attendant(backend, say) as attendant:
        attendant.observe(run)
        assert heard.wait(10)
        until(local, "r", CALLED_AT)
    assert said == ["the queue: the disk is full"]


def test_patch_of_what_was_read_before_the_newest_write_is_refused(local: Local) -> None:
    made = local.backend.create(waiting("r", "q"))
    version = made["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "spec": {"status": None}}
    local.backend.patch("pr", "r", "default", {"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(Conflict, match="PipelineRun 'r' was changed meanwhile"):
        local.backend.patch("pr", "r", "default", patch)
    assert spec_of(local.backend.get("pr", "r"))["status"] == "PipelineRunPending"
