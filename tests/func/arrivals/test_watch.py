"""`mltk watch` as people start it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mltk.cli.watchfulness import Watching
from mltk.errors import InfrastructureError, MltkError, UsageError
from tests.func.arrivals.conftest import MLTK, Waiting


class Watcher:
    """A watch in a process of its own."""

    def __init__(self, waiting: Waiting, *words: str) -> None:
        self.waiting = waiting
        self.log = waiting.root.parent / "watch.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [MLTK, "watch", str(waiting.inbox), "--quiet", "1s", "--no-run", *words],
                cwd=waiting.root,
                stderr=log,
            )

    def wait(self, condition: Callable[[], object]) -> None:
        for _ in range(1500):
            if condition():
                return
            assert self.process.poll() is None, self.log.read_text()
            signal.sigtimedwait([], 0.02)
        raise AssertionError(self.log.read_text())

    def said(self, words: str) -> bool:
        return words in self.log.read_text()

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def test_files_that_come_while_it_watches(waiting: Waiting) -> None:
    waiting.says(quiet_period="1s")
    watcher = Watcher(waiting)
    watcher.wait(lambda: watcher.said("watching"))
    waiting.drop("a.csv", "1,1,3", age=0)
    waiting.drop("b.csv", "2,2,6", age=0)
    (waiting.inbox / "c.csv.part").write_text("x1,x2,y\n9,9")
    watcher.wait(lambda: watcher.said("2 rows of 2 objects"))
    (waiting.inbox / "c.csv.part").write_text("x1,x2,y\n9,9,27\n")
    (waiting.inbox / "c.csv.part").rename(waiting.inbox / "c.csv")
    (waiting.inbox / "loop.csv").symlink_to("loop.csv")
    (waiting.inbox / "bad.csv").write_bytes(b"\xff\xfe")
    watcher.wait(lambda: watcher.said("1 row of 1 object"))
    watcher.wait(lambda: watcher.said("bad.csv: refused: it is not UTF-8 text"))
    assert watcher.end() in (0, 130)
    assert watcher.log.read_text().count("loop.csv: cannot be read") <= 3
    assert "Traceback" not in watcher.log.read_text()
    assert waiting.rows()[40:] == ["1,1,3", "2,2,6", "9,9,27"]
    assert waiting.git("status", "--porcelain") == ""


def test_a_watch_that_was_killed_goes_on(waiting: Waiting) -> None:
    watcher = Watcher(waiting)
    waiting.drop("a.csv", "1,1,3")
    watcher.wait(lambda: watcher.said("1 row"))
    waiting.drop("b.csv", "2,2,6")
    watcher.end(signal.SIGKILL)
    watcher = Watcher(waiting)
    watcher.wait(lambda: watcher.log.read_text().count("1 row") == 2)
    assert watcher.end() in (0, 130)
    assert waiting.rows()[40:] == ["1,1,3", "2,2,6"]


def test_a_folder_that_is_not_there_yet(waiting: Waiting) -> None:
    waiting.inbox.rmdir()
    watcher = Watcher(waiting)
    watcher.wait(lambda: watcher.said("no such folder"))
    waiting.drop("a.csv", "1,1,3")
    watcher.wait(lambda: watcher.said("1 row of 1 object"))
    assert watcher.end() in (0, 130)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read(waiting: Waiting) -> None:
    watcher = Watcher(waiting)
    file = waiting.drop("a.csv", "1,1,3")
    file.chmod(0)
    watcher.wait(lambda: watcher.said("cannot be read: Permission denied"))
    file.chmod(0o600)
    watcher.wait(lambda: watcher.said("1 row of 1 object"))
    assert watcher.end() in (0, 130)


def test_a_full_disk_is_said_and_waited_for(waiting: Waiting, tmp_path: Path) -> None:
    """No file may grow beyond a limit, so that a larger table cannot be written."""
    words = f"ulimit -f 16; exec {MLTK} watch {waiting.inbox} --once --no-run --quiet 0"
    waiting.drop("a.csv", *["1,1,3"] * 20_000)
    done = subprocess.run(
        ["bash", "-c", words], cwd=waiting.root, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "File too large" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    whole = _once(waiting)
    assert whole.returncode == 0, whole.stderr
    assert len(waiting.rows()) == 20_040


def test_once(waiting: Waiting) -> None:
    waiting.drop("a.csv", "1,1,3")
    waiting.drop("young.csv", "2,2,6", age=-3600)  # never old enough, however slow this is
    assert "1 row of 1 object" in _once(waiting).stderr
    assert "nothing new" in _once(waiting).stderr
    waiting.drop("bad.csv", "1", header="x")
    done = _once(waiting)
    assert (done.returncode, "bad.csv" in done.stderr) == (3, True)


def test_a_folder_that_git_takes_for_work_is_told(waiting: Waiting) -> None:
    inside = waiting.root / "inbox"
    inside.mkdir()
    words = [MLTK, "watch", "inbox", "--once", "--no-run", "--model", "points"]

    def said() -> str:
        done = subprocess.run(words, cwd=waiting.root, capture_output=True, text=True, check=True)
        return done.stderr

    assert "type: echo /inbox/ >> .gitignore" in said()
    with (waiting.root / ".gitignore").open("a") as ignored:
        ignored.write("/inbox/\n")
    assert "gitignore" not in said()


def test_pushed_when_asked(waiting: Waiting) -> None:
    bare = waiting.bare()
    waiting.git("remote", "add", "origin", str(bare))
    waiting.git("fetch", "--quiet")
    waiting.git("branch", "--quiet", "--set-upstream-to=origin/main")
    waiting.drop("a.csv", "1,1,3")
    done = _once(waiting, "--push")
    assert done.returncode == 0, done.stderr
    assert waiting.git("rev-parse", "main", at=bare) == waiting.git("rev-parse", "HEAD")
    clone = waiting.root.parent / "clone"
    waiting.git("clone", "--quiet", str(bare), str(clone))
    subprocess.run(
        [Path(MLTK).with_name("dvc"), "pull"], cwd=clone, check=True, capture_output=True
    )
    assert (clone / "data" / "points.csv").read_text().endswith("1,1,3\n")


@pytest.mark.parametrize(
    "error", [UsageError("there is no such model"), InfrastructureError("MLflow is away")]
)
def test_a_run_that_cannot_be_made_stops_nothing(waiting: Waiting, error: MltkError) -> None:
    asked: list[tuple[str, ...]] = []

    def deliver(models: tuple[str, ...]) -> int:
        asked.append(models)
        if len(asked) == 1:
            waiting.drop("b.csv", "2,2,6")
            raise error
        if waiting.rows()[40:] == ["1,1,3", "2,2,6"]:
            raise KeyboardInterrupt
        assert len(asked) < 50, "it asks again and again, and takes nothing"
        raise error

    waiting.drop("a.csv", "1,1,3")
    with pytest.raises(KeyboardInterrupt):
        _watching(waiting, push=False).on(deliver)
    assert set(asked) == {("points",)}


def test_a_run_is_asked_for_again_when_what_it_lacked_is_back(waiting: Waiting) -> None:
    asked: list[tuple[str, ...]] = []

    def deliver(models: tuple[str, ...]) -> int:
        asked.append(models)
        raise InfrastructureError("MLflow is away") if len(asked) == 1 else KeyboardInterrupt

    waiting.drop("a.csv", "1,1,3")
    with pytest.raises(KeyboardInterrupt):
        _watching(waiting, push=False).on(deliver)
    assert asked == [("points",)] * 2


def _refused_once(waiting: Waiting) -> Path:
    """A bare remote, followed by the branch, that refuses the first push."""
    bare = waiting.bare()
    waiting.git("remote", "add", "origin", str(bare))
    waiting.git("fetch", "--quiet")
    waiting.git("branch", "--quiet", "--set-upstream-to=origin/main")
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\n[ -e refused ] && exit 0\n: > refused\nexit 1\n")
    hook.chmod(0o755)
    return bare


def test_a_push_that_failed_is_made_up_for_with_its_run(waiting: Waiting) -> None:
    bare, asked = _refused_once(waiting), list[tuple[str, ...]]()
    waiting.drop("a.csv", "1,1,3")

    def deliver(models: tuple[str, ...]) -> int:
        assert waiting.git("rev-parse", "main", at=bare) == waiting.git("rev-parse", "HEAD")
        asked.append(models)
        return 0

    with pytest.raises(InfrastructureError, match="declined"):
        _watching(waiting, push=True).once(deliver)
    # Nor need the data be there: what a killed process had not sent is sent now.
    shutil.rmtree(waiting.root.parent / "storage")
    assert _watching(waiting, push=True).once(deliver) == 0
    assert asked == [("points",)]
    clone = waiting.root.parent / "clone"
    waiting.git("clone", "--quiet", str(bare), str(clone))
    subprocess.run(
        [Path(MLTK).with_name("dvc"), "pull"], cwd=clone, check=True, capture_output=True
    )
    assert (clone / "data" / "points.csv").read_text().endswith("1,1,3\n")


def test_a_watch_pushes_again(waiting: Waiting) -> None:
    bare = _refused_once(waiting)
    waiting.drop("a.csv", "1,1,3")
    watcher = Watcher(waiting, "--push")
    watcher.wait(lambda: watcher.said("declined"))
    head = waiting.git("rev-parse", "HEAD")
    watcher.wait(lambda: waiting.git("rev-parse", "main", at=bare) == head)
    assert watcher.end() in (0, 130)


def test_a_branch_that_is_pushed_nowhere_is_told_in_the_words_of_git(waiting: Waiting) -> None:
    waiting.bare()
    waiting.drop("a.csv", "1,1,3")
    done = _once(waiting, "--push")
    assert done.returncode == 5
    assert "No configured push destination" in done.stderr


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["--model", "none"], "there is no model 'none'", 2),
        (["--quiet", "10s", "--longest", "5s"], "the longest wait", 3),
        (["--quiet", "soon"], "no duration", 2),
    ],
)
def test_what_cannot_be_meant(waiting: Waiting, words: list[str], said: str, code: int) -> None:
    done = _once(waiting, *words)
    assert done.returncode == code
    assert said in done.stderr


def _watching(waiting: Waiting, *, push: bool) -> Watching:
    return Watching(waiting.root, waiting.inbox, (), {}, 0.0, None, push)


def _once(waiting: Waiting, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MLTK, "watch", str(waiting.inbox), "--once", "--no-run", *words],
        cwd=waiting.root,
        capture_output=True,
        text=True,
        check=False,
    )
